"""Disks: this machine's queues cover its CPUs; NVMe and virtio as archives hold them; damage."""

import os

import pytest
from hypothesis import given

from damage import damaged, survives, text_of
from tophalf.host.readers.block import parse_scheduler, read_block
from tophalf.host.readers.topology import read_topology
from tophalf.host.roots import MemoryRoot, live_root


def test_each_cpu_submits_to_exactly_one_queue_of_a_disk_here():
    """With one queue type (blk_mq_map_queues) the queues' CPU sets are a partition of the possible CPUs."""
    disks = read_block(live_root())
    if not disks:
        pytest.skip("no disks here")
    possible = read_topology(live_root()).possible
    single = {name: disk for name, disk in disks.items() if disk.queues and not name.startswith("nvme")}
    for disk in single.values():
        assert sorted(cpu for cpus in disk.queues.values() for cpu in cpus) == sorted(possible)
    assert set(disks) == {name for name in os.listdir("/sys/block") if os.path.exists(f"/sys/block/{name}/device")}


def made_up():
    """An NVMe namespace and a virtio disk as an archive holds them."""
    nvme = "/sys/devices/pci0000:00/0000:00:1d.0/0000:3b:00.0"
    files = {f"{nvme}/nvme/nvme0/nvme0n1/queue/scheduler": b"[none] mq-deadline\n", "/sys/devices/virtual/block/loop0/size": b"0\n"}
    files |= {f"{nvme}/nvme/nvme0/nvme0n1/mq/{queue}/cpu_list": b"%d, %d\n" % (queue, queue + 2) for queue in (0, 1)}
    links = {"/sys/block/nvme0n1": f"..{nvme[4:]}/nvme/nvme0/nvme0n1", "/sys/block/loop0": "../devices/virtual/block/loop0",
             f"{nvme}/nvme/nvme0/nvme0n1/device": "../../nvme0", f"{nvme}/nvme/nvme0/device": "../../../0000:3b:00.0",
             f"{nvme}/driver": "../../../../bus/pci/drivers/nvme"}  # fmt: skip
    return files, links


def test_an_archive():
    disks = read_block(MemoryRoot(*made_up()))
    assert list(disks) == ["nvme0n1"]
    disk = disks["nvme0n1"]
    assert disk.queues == {0: (0, 2), 1: (1, 3)} and disk.scheduler == "none" and disk.pci_address == "0000:3b:00.0"
    assert disk.driver == "nvme"


@pytest.mark.parametrize(
    ("text", "scheduler"),
    [("none [mq-deadline] kyber", "mq-deadline"), ("none\n", "none"), ("", None), ("a b", None), ("[x]", "x")],
)
def test_scheduler(text, scheduler):
    assert parse_scheduler(text) == scheduler


def test_nothing_recorded():
    assert read_block(MemoryRoot({}, {})) is None


@given(damaged(b"0, 1, 2\n"), damaged(b"none [mq-deadline] kyber\n"))
def test_nothing_breaks_the_reader(cpus, scheduler):
    files, links = made_up()
    nvme = "/sys/devices/pci0000:00/0000:00:1d.0/0000:3b:00.0/nvme/nvme0/nvme0n1"
    survives(read_block, files | {f"{nvme}/mq/0/cpu_list": cpus, f"{nvme}/queue/scheduler": scheduler}, links)
    parse_scheduler(text_of(scheduler))
