"""Which device, queue and role an interrupt has, from what drivers call their actions and where the line's MSI lives.

Names are the drivers' own, read off /proc/interrupts of many machines: virtio4-input.0, eth0-rx-0, eth0-TxRx-3,
i40e-eth0-TxRx-0, mlx5_comp3@pci:0000:3b:00.0, nvme0q1, megasas0-msix3. A name not known here is its own device.
"""

import re

from tophalf.frozen import Frozen


class Source(Frozen):
    """Where an interrupt comes from. device: what groups lines (a PCI address where one is known, else the name).

    name: the device's name for people. role: rx, tx, rxtx, block, admin or other. queue: its number or None.
    """

    __slots__ = ("device", "name", "role", "queue")


_ROLES = {
    "rx": "rx", "input": "rx", "tx": "tx", "output": "tx", "txrx": "rxtx", "tx-rx": "rxtx", "rxtx": "rxtx",
    "rx-tx": "rxtx", "comp": "rxtx", "fp": "rxtx", "ntfy-blk": "rxtx", "q": "rxtx", "queue": "rxtx", "ring": "rxtx",
    "req": "block", "msix": "block",
}  # fmt: skip
_ADMIN = re.compile(r"config|ctrl|control|async|mgmnt|mgmt|admin|event|other|misc|lsc|fw|aeq|ccq|link|sp$|-0$", re.I)
_PCI = re.compile(r"(?:@pci:|PCI-MSIX?-|\[|\()([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])", re.I)

# One row a naming scheme; group names: dev, role, queue. Tried in order.
_SCHEMES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"(?P<dev>virtio\d+)-(?P<role>input|output|req)(?:\.(?P<queue>\d+))?$",
        r"(?P<dev>virtio\d+)-(?P<role>requests?|vsock-rx|tx|rx)$",  # 9p, vsock: no queue of a network device
        r"(?P<dev>nvme\d+)q(?P<queue>\d+)$",
        r"(?P<dev>mlx\d)_(?P<role>comp)(?P<queue>\d+)@",
        r"(?P<dev>mlx4)-(?P<queue>\d+)@",
        r"(?P<dev>[\w.]+?)-(?P<role>ntfy-blk)(?P<queue>\d+)@",
        r"(?P<dev>(?:mega|mpt|hpsa|aacraid|smartpqi|qla2xxx|lpfc|pm80)\w*?)[-_](?P<role>msix|q|queue)?[-_:]?(?P<queue>\d+)$",
        r"(?P<dev>[\w.@:]+?)-(?P<role>q)(?P<queue>\d+)(?:-[rt]x)?$",
        r"(?:[a-z]\w*-)??(?P<dev>[\w.@]+?)[-:](?P<role>tx-rx|rx-tx|txrx|rxtx|rx|tx|fp|ring|queue)[-.:]?(?P<queue>\d+)$",
        r"(?P<dev>[\w.@]+?) \((?P<role>queue) (?P<queue>\d+)\)$",
        r"(?P<dev>[\w.@]+?)-(?P<role>rx|tx|txrx|rxtx)$",
    )
)
_DRIVER_PREFIX = re.compile(r"^(?:i40e|ice|iavf|ixgbe|ixgbevf|igb|igc|igbvf|fm10k|bnxt_en|e1000e|idpf)-", re.I)
_STORAGE = re.compile(r"^(?:nvme|mega|mpt|hpsa|aacraid|smartpqi|qla2xxx|lpfc|pm80|ahci|virtio\d+-req\.|ata_|sata)", re.I)
# vfio and uio hand interrupts on; RDMA completions wake a task or are polled by user space, without a softirq.
_OUT_OF_SIGHT = re.compile(r"^vfio|^uio|igb_uio|^kvm|^mlx[45]|^irdma|^hfi1|^efa|roce|_re-|^qedr|^ib_", re.I)


def source_of(line, facts=None):
    """The Source of a Line of /proc/interrupts. facts: a machine's Facts, for its PCI addresses, or None."""
    action = line.actions[0] if line.actions else line.description or line.key
    address = _pci_address(line, facts)
    name, role, queue = _parts(_DRIVER_PREFIX.sub("", action))
    net = _net_of(address, facts)
    if role == "other" and facts and facts.net and (net or action) in facts.net:
        role = "rxtx"  # one line for the whole device (e1000, and any NIC without MSI-X)
    return Source(device=address or name, name=net or name, role=role, queue=queue)


def works_out_of_sight(line):
    """Whether the line's work may be done by a guest, user space or RDMA, so that no softirq counter tells of it."""
    return any(_OUT_OF_SIGHT.search(action) for action in line.actions)


def is_storage(line):
    """Whether a disk controller's driver named the line."""
    return any(_STORAGE.match(action) for action in line.actions)


def label(line):
    """IRQ 33 virtio4-input.0; the key and description for a line that is no device's."""
    if line.irq is None:
        return f"{line.key} ({line.description})" if line.description else line.key
    return f"IRQ {line.irq} {', '.join(line.actions)}".rstrip()


def _parts(action):
    for scheme in _SCHEMES:
        found = scheme.match(action)
        if found:
            groups = found.groupdict()
            queue = int(groups["queue"]) if groups.get("queue") else None
            return groups["dev"], _role(groups.get("role"), action, queue), queue
    admin = bool(_ADMIN.search(action))
    return re.split(r"[-@:]", action, maxsplit=1)[0] or action, "admin" if admin else "other", None


def _role(role, action, queue):
    if action.lower().startswith("nvme"):
        return "admin" if queue == 0 else "block"  # queue 0 carries admin commands only (drivers/nvme/host/pci.c)
    if _STORAGE.match(action):
        return "block"
    if action.startswith("virtio") and queue is None:
        return "other"
    return _ROLES.get((role or "q").lower(), "other")


def _pci_address(line, facts):
    device = facts.pci.get(line.irq) if facts and facts.pci else None
    if device and device.address:
        return device.address
    for text in (*line.actions, line.chip or ""):
        found = _PCI.search(text)
        if found:
            return found[1].lower()
    return None


def _net_of(address, facts):
    """The network device behind a PCI address, if exactly one."""
    if not address or not facts or not facts.net:
        return None
    names = [name for name, net in facts.net.items() if net.pci_address == address]
    return names[0] if len(names) == 1 else None
