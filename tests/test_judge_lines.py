"""Names that real drivers give their interrupts, as device, role and queue; and what makes a line likely managed."""

import pytest

from tophalf.judge.lines import is_storage, label, source_of, works_out_of_sight
from tophalf.judge.managed import managed
from tophalf.snapshot import Facts, IrqFiles, Line, NetDevice, PciDevice


def line(action, chip="PCI-MSIX", irq=30, **fields):
    return Line(key=str(irq), irq=irq, kind="device", counts=(0,), per_cpu=True, chip=chip, actions=(action,), **fields)


@pytest.mark.parametrize(
    ("action", "device", "role", "queue"),
    [
        ("virtio4-input.0", "virtio4", "rx", 0),
        ("virtio4-output.3", "virtio4", "tx", 3),
        ("virtio0-req.0", "virtio0", "block", 0),
        ("virtio0-config", "virtio0", "admin", None),
        ("virtio1-requests", "virtio1", "other", None),
        ("eth0-rx-0", "eth0", "rx", 0),
        ("eth0-TxRx-3", "eth0", "rxtx", 3),
        ("ens3f0-Tx-Rx-7", "ens3f0", "rxtx", 7),
        ("i40e-eth0-TxRx-0", "eth0", "rxtx", 0),
        ("mlx5_comp3@pci:0000:3b:00.0", "0000:3b:00.0", "rxtx", 3),
        ("mlx5_async0@pci:0000:3b:00.0", "0000:3b:00.0", "admin", None),
        ("eth0-event-4", "eth0", "admin", None),
        ("nvme10q31", "nvme10", "block", 31),
        ("nvme0q0", "nvme0", "admin", 0),
        ("megasas0-msix3", "megasas0", "block", 3),
        ("labirq", "labirq", "other", None),
        ("PCIe PME", "PCIe PME", "other", None),
    ],
)
def test_names_of_drivers(action, device, role, queue):
    source = source_of(line(action))
    assert (source.device, source.role, source.queue) == (device, role, queue)


def test_lines_of_one_pci_device_are_one_device_and_carry_its_network_name():
    facts = Facts(
        pci={30: PciDevice(address="0000:00:06.0", driver="virtio-pci")},
        net={"eth0": NetDevice(name="eth0", pci_address="0000:00:06.0")},
    )
    assert source_of(line("virtio4-input.2"), facts).as_dict() == {
        "device": "0000:00:06.0", "name": "eth0", "role": "rx", "queue": 2}  # fmt: skip
    assert source_of(line("virtio4-input.2", chip="PCI-MSIX-0000:00:06.0")).device == "0000:00:06.0"


def test_one_line_for_a_whole_nic_is_its_queue():
    facts = Facts(net={"eth0": NetDevice(name="eth0")})
    assert source_of(line("eth0", chip="IO-APIC"), facts).role == "rxtx"
    assert source_of(line("eth0", chip="IO-APIC")).role == "other"


def test_lines_whose_work_this_kernel_does_not_see():
    assert works_out_of_sight(line("vfio-msix[0](0000:01:00.0)")) and not works_out_of_sight(line("eth0-rx-0"))
    assert is_storage(line("mpt3sas0-msix1")) and not is_storage(line("virtio1-requests"))


def test_label_of_a_line_without_number():
    assert label(Line(key="TLB", description="TLB shootdowns")) == "TLB (TLB shootdowns)"
    assert label(line("eth0-rx-0")) == "IRQ 30 eth0-rx-0"


@pytest.mark.parametrize(
    ("action", "chip", "hint", "verdict"),
    [
        ("nvme0q2", "PCI-MSIX-0000:00:06.0", (), "likely"),
        ("nvme0q0", "PCI-MSIX-0000:00:06.0", (), False),
        ("virtio0-req.0", "PCI-MSIX", (), "likely"),
        ("virtio4-input.0", "PCI-MSIX", (0,), False),
        ("eth0", "IO-APIC", (), False),
        ("eth0-TxRx-0", "IR-PCI-MSIX", (0,), False),
        ("eth0-TxRx-0", "IR-PCI-MSIX", (), None),
        ("labirq", "PCI-MSI", (), None),
    ],
)
def test_managed_is_weighed_from_names_chips_and_hints(action, chip, hint, verdict):
    value, evidence = managed(line(action, chip), IrqFiles(affinity=(1,), affinity_hint=hint))
    assert value == verdict and bool(evidence) == (verdict is not None)


def test_lines_of_the_architecture_are_not_asked():
    assert managed(Line(key="LOC", kind="timer")) == (None, None)
