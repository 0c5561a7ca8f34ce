"""Which device owns which interrupt: this machine's against /proc/interrupts, made-up shared lines, damage."""

import os
import re

import pytest
from hypothesis import given

from damage import damaged, survives
from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.readers.pci import read_pci
from tophalf.host.roots import MemoryRoot, live_root

PCI = "/sys/bus/pci/devices"


def test_owners_agree_with_the_chip_names_of_proc_interrupts():
    """From Linux 6.2 the chip of a PCI MSI line names its device: PCI-MSIX-0000:00:03.0 (drivers/pci/msi/irqdomain.c)."""
    chips = {line.irq: re.search(r"MSIX?-([0-9a-f:.]+)", line.chip or "") for line in read_interrupts(live_root()).lines.values()}
    named = {irq: found[1] for irq, found in chips.items() if found}
    if not named:
        pytest.skip("this kernel's chip names hold no PCI address")
    owners = read_pci(live_root())
    assert {irq: owners[irq].address for irq in named} == named


def test_every_function_with_msi_is_there():
    owners = read_pci(live_root())
    if owners is None:
        pytest.skip("no PCI bus here")
    for address in os.listdir(PCI):
        if os.path.isdir(f"{PCI}/{address}/msi_irqs"):
            irqs = tuple(sorted(map(int, os.listdir(f"{PCI}/{address}/msi_irqs"))))
            assert all(owners[irq].msi == irqs for irq in irqs)


def made_up():
    """A sosreport's sys/ as an archive holds it: /sys/bus/pci/devices are symlinks. Two devices share line 11."""
    files, links = {}, {}
    for address, irq, msi in (
        ("0000:00:04.0", 11, ()),
        ("0000:00:05.0", 11, ()),
        ("0000:00:06.0", 10, (24, 25)),
        ("0000:00:07.0", 9, ()),
    ):
        real = f"/sys/devices/pci0000:00/{address}"
        links[f"{PCI}/{address}"] = f"../../../devices/pci0000:00/{address}"
        files |= {f"{real}/irq": b"%d\n" % irq, f"{real}/class": b"0x020000\n", f"{real}/numa_node": b"1\n"}
        files |= {f"{real}/msi_irqs/{number}": b"msix\n" for number in msi}
        if address != "0000:00:07.0":
            links[f"{real}/driver"] = "../../../bus/pci/drivers/e1000"
    files["/sys/devices/pci0000:00/0000:00:06.0/virtio3/device"] = b"0x0001\n"
    return files, links


def test_an_archive_with_shared_lines_and_msi():
    owners = read_pci(MemoryRoot(*made_up()))
    assert owners[11].address == "0000:00:04.0" and owners[11].driver == "e1000" and owners[11].node == 1
    assert owners[24] == owners[25] and owners[24].msi == (24, 25) and owners[24].class_code == 0x020000
    assert owners[24].virtio == "virtio3" and owners[11].virtio is None
    assert 10 not in owners, "a function that uses MSI does not own its legacy line"
    assert 9 not in owners, "without a driver nobody asked for the line"


def test_nothing_recorded():
    assert read_pci(MemoryRoot({}, {})) is None


@given(damaged(b"11\n", b"0x020000\n"))
def test_nothing_breaks_the_reader(data):
    files, links = made_up()
    real = "/sys/devices/pci0000:00/0000:00:04.0"
    survives(read_pci, files | {f"{real}/irq": data, f"{real}/class": data, f"{real}/numa_node": data}, links)
