"""Workqueue masks: this machine's, made-up isolation, damage."""

from hypothesis import given

from damage import damaged, survives
from tophalf.host.readers.topology import read_topology
from tophalf.host.readers.workqueues import WORKQUEUE, read_workqueues
from tophalf.host.roots import MemoryRoot, live_root


def test_this_machine():
    found = read_workqueues(live_root())
    possible = set(read_topology(live_root()).possible)
    assert found["default"] and set(found["default"]) <= possible
    assert set(found.get("writeback", ())) <= possible


def test_isolated_cpus_are_out_of_the_default():
    files = {f"{WORKQUEUE}/cpumask": b"3\n", f"{WORKQUEUE}/cpumask_isolated": b"c\n", f"{WORKQUEUE}/cpumask_requested": b"f\n",
             f"{WORKQUEUE}/writeback/cpumask": b"1\n", f"{WORKQUEUE}/power/control": b"auto\n"}  # fmt: skip
    assert read_workqueues(MemoryRoot(files, {})) == {"default": (0, 1), "isolated": (2, 3), "writeback": (0,)}
    assert read_workqueues(MemoryRoot({}, {})) is None


@given(damaged(b"ffffffff,00000001\n"))
def test_nothing_breaks_the_reader(mask):
    survives(read_workqueues, {f"{WORKQUEUE}/cpumask": mask, f"{WORKQUEUE}/a/cpumask": mask})
