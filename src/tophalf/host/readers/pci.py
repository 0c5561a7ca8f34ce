"""Which PCI device owns an interrupt: /sys/bus/pci/devices (drivers/pci/pci-sysfs.c, drivers/pci/msi/msi.c)."""

from tophalf.host.fields import integer, link_name, number, word
from tophalf.snapshot import PciDevice

DEVICES = "/sys/bus/pci/devices"


def read_pci(root):
    """{irq: PciDevice}; None when no PCI devices are recorded.

    A device with MSI owns its msi_irqs; one without owns the line in `irq`, where a driver uses it. Of devices that share
    a line the one with the lowest address is named.
    """
    owners = {}
    addresses = root.listing(DEVICES)
    for address in addresses:
        device = _read_device(root, address)
        if device is None:
            continue
        lines = device.msi or _legacy_line(root, address)
        for irq in lines:
            owners.setdefault(irq, device)
    return owners if addresses else None


def _read_device(root, address):
    """A device with a driver; None without: such a one raises no interrupts that anybody asked for."""
    folder = f"{DEVICES}/{address}"
    entries = root.listing(folder)
    msi = _msi(root, folder) if "msi_irqs" in entries else ()
    if "driver" not in entries and not msi:
        return None
    code = word(root, f"{folder}/class")
    return PciDevice(
        address=address,
        driver=link_name(root, f"{folder}/driver"),
        node=number(root, f"{folder}/numa_node"),
        class_code=_hex(code),
        msi=msi,
        virtio=next((name for name in entries if name.startswith("virtio") and name[6:].isdigit()), None),
    )


def _msi(root, folder):
    numbers = (integer(name) for name in root.listing(f"{folder}/msi_irqs"))
    return tuple(sorted(irq for irq in numbers if irq is not None))


def _legacy_line(root, address):
    irq = number(root, f"{DEVICES}/{address}/irq")
    return (irq,) if irq and irq > 0 else ()  # 0: none


def _hex(text):
    try:
        return int(text, 16) if text and len(text) <= 10 else None
    except ValueError:
        return None
