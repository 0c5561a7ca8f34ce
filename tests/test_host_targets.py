"""From a name to IRQ numbers: on the running machine, on recordings, and on trees shaped as sysfs is."""

import os

import pytest

from tophalf.errors import SteerError
from tophalf.host.door import open_machine
from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.roots import MemoryRoot, live_root
from tophalf.host.steer.targets import device_irqs, find_target, identify, named

INTERRUPTS = b"""           CPU0       CPU1
 24:          1          0  IO-APIC  10-fasteoi   eth9, ehci_hcd:usb1
 25:          0          1  PCI-MSIX-0000:00:0a.0   0-edge      virtio2-config
 26:          5          1  PCI-MSIX-0000:00:0a.0   1-edge      virtio2-input.0
 27:          5          1  PCI-MSIX-0000:00:0a.0   2-edge      virtio2-output.0
 28:          5          1  PCI-MSIX-0000:00:0c.0   0-edge      nvme0q0
 29:          5          1  PCI-MSIX-0000:00:0c.0   1-edge      nvme0q1
 30:          0          0  IO-APIC  11-fasteoi
LOC:        100        100   Local timer interrupts
"""
PCI = "/sys/devices/pci0000:00"
FILES = {
    "/proc/interrupts": INTERRUPTS,
    **{f"{PCI}/0000:00:0a.0/msi_irqs/{irq}": b"msix\n" for irq in (25, 26, 27)},
    **{f"{PCI}/0000:00:0c.0/msi_irqs/{irq}": b"msix\n" for irq in (28, 29)},
    f"{PCI}/0000:00:0a.0/vendor": b"0x1af4\n",
    f"{PCI}/0000:00:0a.0/device": b"0x1041\n",
    f"{PCI}/0000:00:0a.0/virtio2/net/eth0/mtu": b"1500\n",
    f"{PCI}/0000:00:0c.0/nvme/nvme0/nvme0n1/size": b"1\n",
    f"{PCI}/0000:00:03.0/irq": b"24\n",
    f"{PCI}/0000:00:03.0/net/eth9/mtu": b"1500\n",
    "/sys/devices/virtual/net/lo/mtu": b"65536\n",
}
LINKS = {
    **{f"/sys/bus/pci/devices/0000:00:{slot}.0": f"../../../devices/pci0000:00/0000:00:{slot}.0" for slot in ("0a", "0c", "03")},
    "/sys/class/net/eth0": "../../devices/pci0000:00/0000:00:0a.0/virtio2/net/eth0",
    "/sys/class/net/eth9": "../../devices/pci0000:00/0000:00:03.0/net/eth9",
    "/sys/class/net/lo": "../../devices/virtual/net/lo",
    "/sys/class/nvme/nvme0": "../../devices/pci0000:00/0000:00:0c.0/nvme/nvme0",
    "/sys/class/block/nvme0n1": "../../devices/pci0000:00/0000:00:0c.0/nvme/nvme0/nvme0n1",
    "/sys/bus/virtio/devices/virtio2": "../../../devices/pci0000:00/0000:00:0a.0/virtio2",
}


@pytest.fixture
def root():
    return MemoryRoot(dict(FILES), dict(LINKS))


@pytest.mark.parametrize(
    ("word", "irqs", "how"),
    [
        ("26", (26,), "number"),
        ("virtio2-input.0", (26,), "action"),
        ("eth9", (24,), "action"),
        ("ehci_hcd:usb1", (24,), "action"),
        ("eth0", (25, 26, 27), "device"),
        ("virtio2", (25, 26, 27), "device"),
        ("0000:00:0a.0", (25, 26, 27), "device"),
        ("00:0A.0", (25, 26, 27), "device"),
        ("00:03.0", (24,), "device"),
        ("nvme0", (28, 29), "device"),
        ("nvme0n1", (28, 29), "device"),
        ("virtio2-*put*", (26, 27), "glob"),
        ("nvme0q[1-9]", (29,), "glob"),
        ("output", (27,), "part"),
        ("NVME0Q", (28, 29), "part"),
        ("30", (30,), "number"),
    ],
)
def test_each_way_of_naming_finds_its_lines(root, word, irqs, how):
    target = find_target(root, read_interrupts(root), word)
    assert (target.irqs, target.how) == (irqs, how)


@pytest.mark.parametrize(
    "word", ["31", "999999999999999999999", "eth1", "lo", "nvme0q[7-9]", "..", "../../x", "", " ", "0000:00:1f.7"]
)
def test_what_nothing_bears_is_an_error(root, word):
    with pytest.raises(SteerError):
        find_target(root, read_interrupts(root), word)


def test_a_counter_of_the_architecture_says_that_it_has_no_mask(root):
    with pytest.raises(SteerError, match="Local timer interrupts.*no mask"):
        find_target(root, read_interrupts(root), "LOC")


def test_without_sysfs_a_device_is_found_by_part_of_its_actions():
    root = MemoryRoot({"/proc/interrupts": INTERRUPTS}, {})
    assert find_target(root, read_interrupts(root), "nvme0").irqs == (28, 29)


def test_without_interrupts_the_folders_of_proc_irq_are_searched():
    root = MemoryRoot({"/proc/irq/7/eth0-rx-0/.keep": b"", "/proc/irq/7/smp_affinity": b"3\n"}, {})
    assert find_target(root, None, "eth0-rx-0").irqs == (7,)
    assert find_target(root, None, "7").irqs == (7,)


def test_identity_changes_when_another_device_takes_the_number(root):
    line = identify(root, read_interrupts(root), 26)
    assert line == {
        "actions": ["virtio2-input.0"],
        "chip": "PCI-MSIX-0000:00:0a.0",
        "hwirq": 1,
        "device": "0000:00:0a.0 0x1af4:0x1041",
    }
    other = MemoryRoot({**FILES, f"{PCI}/0000:00:0a.0/device": b"0x1042\n"}, LINKS)
    assert identify(other, read_interrupts(other), 26) != line


def test_names_to_choose_from_are_cut_after_a_dozen(root):
    assert named(read_interrupts(root), (26, 30)) == "26 (virtio2-input.0), 30 (no action)"
    assert named(None, range(40)).endswith("11 and 28 more")


def test_a_symlink_loop_in_sysfs_finds_nothing(root):
    root.links["/sys/class/net/loop"] = "loop"
    assert device_irqs(root, "loop") == []


def test_this_machine_finds_every_action_it_shows():
    root = live_root()
    interrupts = read_interrupts(root)
    actions = {(line.irq, name) for line in interrupts.lines.values() if line.irq is not None for name in line.actions}
    for irq, name in actions:
        assert irq in find_target(root, interrupts, name).irqs
    assert actions or not any(line.irq for line in interrupts.lines.values())


def test_this_machine_agrees_with_sysfs_on_msi_devices():
    found = 0
    root = live_root()
    for address in root.listing("/sys/bus/pci/devices"):
        place = f"/sys/bus/pci/devices/{address}/msi_irqs"
        if os.path.isdir(place):
            assert device_irqs(root, address) and set(device_irqs(root, address)) == set(map(int, os.listdir(place)))
            found += 1
    if not found:
        pytest.skip("no PCI device with MSI on this machine")


def test_recorded_machine(data):
    root = open_machine(f"{data}/hosts/nvme.tar.xz").moments[0][1]
    assert find_target(root, read_interrupts(root), "nvme0").irqs == (32, 33, 34, 35, 36)
    assert find_target(root, read_interrupts(root), "i8042").irqs == (1, 12)
