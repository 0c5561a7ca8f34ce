"""Network devices behind interrupts: their name for commands, their folder in sysfs, their packets."""

import re

from tophalf.judge.case import RX_ROLES

_VIRTIO = re.compile(r"virtio\d+$")
# Devices without a wire of their own: their drops are those of the stack or of a peer.
_VIRTUAL = re.compile(r"lo$|veth|docker|br-|bridge|virbr|vnet|tun|tap|dummy|cali|flannel|cni|bond|team|wg|ifb|vlan|macv|ipvl")


def netdev(case, source):
    """The network device's name as ethtool takes it, or None where it is not known."""
    return source.name if source.name in case.net else None


def sysfs_folder(case, source):
    """Its folder under /sys; for a virtio device whose network name is not recorded a pattern that the shell expands."""
    if netdev(case, source):
        return f"/sys/class/net/{source.name}"
    virtio = next((word for word in (source.name, source.device) if _VIRTIO.match(word)), None)
    return f"/sys/bus/virtio/devices/{virtio}/net/*" if virtio else None


def is_virtual(case, name):
    """Whether a network device has no hardware behind it, by its driver where facts know it, else by its name."""
    device = case.net.get(name)
    if device is not None:
        return device.pci_address is None and (device.driver is None or bool(_VIRTUAL.match(name)))
    return bool(_VIRTUAL.match(name))


def receive_queues(case):
    """{device: [LineView]} of lines that carry received packets, in file order."""
    devices = {}
    for view in case.lines:
        if view.source.role in RX_ROLES:
            devices.setdefault(view.source.device, []).append(view)
    return devices


def device_packets(case, views):
    """Packets a device received over the span: its own counter, else what the CPUs of its queues processed (an upper
    bound, told by the second value). Returns (count, exact)."""
    stats = ((case.whole.netdev_stats if case.whole else None) or {}).get(views[0].source.name) or {}
    if "rx_packets" in stats:
        return stats["rx_packets"], True
    return sum(case.packets(cpu) for cpu in {cpu for view in views for cpu in view.lands_on}), False
