"""[[disk]] and [[job]]: what they become, what a machine shows of them, and what cannot be."""

import pytest

from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model.machine.take import take_snapshot
from tophalf.model.simulate import figures, make_world, run_on, simulate
from tophalf.scenario.load import load_scenario, read_scenario


def ran(toml, ns=2_000_000):
    world = make_world(read_scenario(toml, "disks.toml"), 0)
    run_on(world, ns)
    return world


def test_nvme_8q_finishes_in_place_what_has_a_queue_and_elsewhere_what_has_none():
    run = simulate("nvme-8q", seconds=0.005)
    found = run.as_dict()
    nvme, sata = found["disks"]
    for disk in (nvme, sata):
        assert disk["submitted"] == disk["completed"] + disk["in_flight"]
        assert sum(disk["finished"].values()) >= disk["completed"] > 0
    assert nvme["finished"]["softirq"] == nvme["finished"]["ipi"] == sata["finished"]["in_place"] == 0
    assert min(sata["finished"]["softirq"], sata["finished"]["ipi"]) > 10
    lines = {line["name"]: line["per_cpu"] for line in found["lines"]}
    assert [sum(count > 0 for count in lines[f"nvme0q{queue}"]) for queue in range(9)] == [0] + [1] * 8
    assert [name for name, _ in figures(found) if name.startswith("disk")] == ["disk nvme0n1", "disk sda"]
    softirqs = take_snapshot(run.world).softirqs.rows["BLOCK"]
    assert [cpu for cpu, count in enumerate(softirqs) if count] == [0, 5]


def test_rq_affinity_0_keeps_all_where_the_interrupt_comes():
    _, sata = simulate(load_scenario("nvme-8q", ["disk.rq_affinity=0"]), seconds=0.003).as_dict()["disks"]
    assert sata["finished"]["ipi"] == 0 < sata["finished"]["softirq"]


DISKS = """
[machine]
cpus = 4
[[disk]]
queues = 2
poll_queues = 1
[[disk]]
name = "sda"
driver = "ahci"
irq = 20
cpu = 2
[[job]]
cpus = "0"
[[job]]
name = "hipri"
cpus = "3"
poll = true
[[job]]
disk = "sda"
cpus = "2"
rate = 20000
arrivals = "poisson"
depth = 16
"""


def test_a_machine_shows_its_disks():
    world = ran(DISKS)
    snapshot = take_snapshot(world)
    block = snapshot.facts.block
    assert {name: (disk.driver, disk.queues, disk.scheduler) for name, disk in block.items()} == {
        "nvme0n1": ("nvme", {0: (0, 1), 1: (2, 3), 2: (0, 1, 2, 3)}, "none"), "sda": ("ahci", {0: (0, 1, 2, 3)}, "none"),
    }  # fmt: skip
    pci = snapshot.facts.pci
    assert {number: (pci[number].driver, pci[number].class_code) for number in (20, 64)} == {
        20: ("ahci", 0x010601), 64: ("nvme", 0x010802),
    }  # fmt: skip
    assert pci[64].address == block["nvme0n1"].pci_address != block["sda"].pci_address
    assert [snapshot.interrupts.lines[str(number)].actions for number in (20, 64, 65, 66)] == [
        ("ahci",), ("nvme0q0",), ("nvme0q1",), ("nvme0q2",),
    ]  # fmt: skip
    assert snapshot.interrupts.lines["20"].counts[2] == sum(snapshot.interrupts.lines["20"].counts) > 0
    assert vocab.SOFTIRQS[vocab.BLOCK] in snapshot.softirqs.rows


def test_a_job_that_polls_leaves_its_cpu_no_idle_time():
    cpus = simulate(read_scenario(DISKS, "disks.toml"), seconds=0.002).as_dict()["cpus"]
    assert cpus[3]["idle_ns"] == 0 < cpus[0]["idle_ns"]


@pytest.mark.parametrize("toml, what", [
    ("[[disk]]\nqueues = 2", "more queues than CPUs"),
    ("[[disk]]\nservice = 0", "takes no time"),
    ("[[disk]]\ndriver = \"ahci\"\npoll_queues = 1", "no queues that are polled"),
    ("[[disk]]\ncpu = 0", "places managed interrupts"),
    ("[[disk]]\n[[disk]]", "a second disk"),
    ("[[device]]\nname = \"lab\"\nirq = 65\n[[disk]]", "another device's"),
    ("[[job]]", "there is no disk"),
    ("[[disk]]\n[[job]]\npoll = true", "no queues to poll"),
    ("[[disk]]\npoll_queues = 1\n[[job]]\npoll = true\npoll_cost = 0", "takes no time"),
    ("[machine]\ncpus = 512\n[[disk]]\n[[job]]\ndepth = 4096", "too many requests"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_its_line(toml, what):
    with pytest.raises(TophalfError, match=what) as caught:
        ran(toml, 1)
    assert "disks.toml:" in caught.value.where
