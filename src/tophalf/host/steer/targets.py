"""From what a person calls an interrupt to its number: IRQ number, action name, device, glob or part of a name.

The first reading that fits wins, so `eth0` is the action eth0 where there is one, else the network device's interrupts.
"""

import re

from tophalf.errors import SteerError

_PCI = re.compile(r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$")
NAMES_SHOWN = 12  # a NIC may own hundreds of lines: an error message shows so many


class Target:
    """What was named. irqs: sorted numbers, never empty. how: "number", "action", "device", "glob" or "part"."""

    def __init__(self, word, irqs, how):
        self.word, self.irqs, self.how = word, tuple(sorted(irqs)), how


def find_target(root, interrupts, word):
    """Find the lines that `word` names. interrupts: Interrupts of this root, or None where not recorded.

    Raises: SteerError when nothing bears that name.
    """
    if word.isascii() and word.isdigit():
        return Target(word, [_number(root, interrupts, int(word))], "number")
    actions = _actions(root, interrupts)
    readings = () if not word.strip() else (
        ("action", lambda: [irq for irq, names in actions.items() if word in names]),
        ("device", lambda: [irq for irq in device_irqs(root, word) if irq in actions]),
        ("glob", lambda: _globbed(actions, word) if re.search(r"[*?\[]", word) else []),
        ("part", lambda: [irq for irq, names in actions.items() if any(word.lower() in name.lower() for name in names)]),
    )
    for how, find in readings:
        irqs = find()
        if irqs:
            return Target(word, irqs, how)
    raise SteerError(f"no interrupt has {word!r} as its number, action or device", do=_instead(interrupts, word))


def _number(root, interrupts, irq):
    line = interrupts.lines.get(str(irq)) if interrupts else None
    if line is None and not root.listing(f"/proc/irq/{irq}"):
        raise SteerError("no such interrupt", f"IRQ {irq}", "`tophalf irqs` lists those there are")
    return irq


def _actions(root, interrupts):
    """{irq: action names} of every numbered line; from /proc/irq/N's directories where there is no /proc/interrupts."""
    if interrupts is None:
        from tophalf.host.readers.irqs import read_irq_files

        return {irq: files.actions for irq, files in (read_irq_files(root) or {}).items()}
    return {line.irq: line.actions for line in interrupts.lines.values() if line.irq is not None}


def _globbed(actions, pattern):
    from fnmatch import fnmatchcase

    return [irq for irq, names in actions.items() if any(fnmatchcase(name, pattern) for name in names)]


def device_irqs(root, name):
    """Interrupts of a network device, disk, NVMe controller, virtio device or PCI address; [] when sysfs knows none.

    An MSI device lists them in msi_irqs (drivers/base/core, PCI); without MSI the PCI device's `irq` file has its line.
    """
    path = _device_path(root, name)
    while path and path.count("/") > 2:
        numbers = [int(irq) for irq in root.listing(f"{path}/msi_irqs") if irq.isdigit()]
        if numbers:
            return numbers
        legacy = root.number(f"{path}/irq")
        if legacy:
            return [legacy]
        path = path.rpartition("/")[0]
    return []


def _device_path(root, name):
    """The /sys/devices path of a device's name, symlinks resolved, or None."""
    if "/" in name or name in ("", ".", ".."):
        return None
    if _PCI.match(name):
        address = name.lower() if name.count(":") == 2 else f"0000:{name.lower()}"
        places = [f"/sys/bus/pci/devices/{address}"]
    else:
        kinds = ("class/net", "class/block", "block", "class/nvme", "bus/virtio/devices")  # /sys/block: what a recording keeps
        places = [f"/sys/{kind}/{name}" for kind in kinds]
    for place in places:
        if root.link(place) is not None or root.listing(place):
            return root.real(place)
    return None


def _instead(interrupts, word):
    """What else there is: names of the architecture's counters cannot be steered; else where to look."""
    line = interrupts.lines.get(word) if interrupts else None
    if line is not None and line.irq is None:
        return f"{word} is the architecture's own counter ({line.description}): each CPU has it for itself and it has no mask"
    return "`tophalf irqs` lists what there is"


def named(interrupts, irqs):
    """Lines for people to choose from: `38 (virtio2-input.0), 39 (virtio2-output.0)`."""
    known = interrupts.lines if interrupts else {}
    texts = [f"{irq} ({', '.join(known[str(irq)].actions) or 'no action'})" if str(irq) in known else str(irq) for irq in irqs]
    more = f" and {len(texts) - NAMES_SHOWN} more" if len(texts) > NAMES_SHOWN else ""
    return ", ".join(texts[:NAMES_SHOWN]) + more


def identify(root, interrupts, irq):
    """What stands behind an IRQ number now: {"actions", "chip", "hwirq", "device"}, as JSON holds it.

    A number can vanish and come back as another device's; two of these are equal while it has not.
    """
    line = interrupts.lines.get(str(irq)) if interrupts else None
    return {
        "actions": sorted(line.actions) if line else None,
        "chip": line.chip if line else None,
        "hwirq": line.hwirq if line else None,
        "device": _device_of(root, irq),
    }


def _device_of(root, irq):
    """`0000:00:03.0 0x1af4:0x1041` of the PCI device that owns an MSI line, or None."""
    for address in root.listing("/sys/bus/pci/devices"):
        place = f"/sys/bus/pci/devices/{address}"
        if str(irq) in root.listing(f"{place}/msi_irqs"):
            return f"{address} {root.word(f'{place}/vendor')}:{root.word(f'{place}/device')}"
    return None
