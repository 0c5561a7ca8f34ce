"""Topology: this machine's against its other files, made-up two-socket machines, /proc/cpuinfo alone, damage."""

import os
import subprocess

import pytest
from hypothesis import given

from damage import damaged, survives
from tophalf.errors import FormatError
from tophalf.host.readers.topology import parse_cpuinfo, read_topology
from tophalf.host.roots import MemoryRoot, live_root

CPU = "/sys/devices/system/cpu"
CPUINFO = b"".join(
    f"processor\t: {cpu}\nmodel name\t: made up\nphysical id\t: {cpu // 4}\ncore id\t\t: {cpu % 2}\n\n".encode() for cpu in range(8)
)
ARM = b"processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\nBogoMIPS\t: 50.00\n\nHardware\t: made up\n"


def two_sockets(online=b"0-7\n"):
    """Made up: 2 packages, each 2 cores of 2 threads (n and n + 2), one last-level cache and one node."""
    files = {f"{CPU}/online": online, f"{CPU}/possible": b"0-7\n", "/sys/devices/system/node/node0/cpulist": b"0-3\n",
             "/sys/devices/system/node/node1/cpulist": b"4-7\n", "/sys/devices/system/node/has_cpu": b"0-1\n"}  # fmt: skip
    for cpu in range(8):
        first = cpu // 4 * 4
        twin = sorted((cpu, first + (cpu - first + 2) % 4))
        files[f"{CPU}/cpu{cpu}/topology/physical_package_id"] = b"%d\n" % (cpu // 4)
        files[f"{CPU}/cpu{cpu}/topology/package_cpus_list"] = b"%d-%d\n" % (first, first + 3)
        files[f"{CPU}/cpu{cpu}/topology/core_cpus_list"] = b"%d,%d\n" % tuple(twin)
        for index, level, shared in ((0, 1, b"%d,%d\n" % tuple(twin)), (3, 3, b"%d-%d\n" % (first, first + 3))):
            files[f"{CPU}/cpu{cpu}/cache/index{index}/level"] = b"%d\n" % level
            files[f"{CPU}/cpu{cpu}/cache/index{index}/shared_cpu_list"] = shared
    return files


def test_this_machine_as_lscpu_sees_it():
    shown = subprocess.run(["lscpu", "-p=cpu,socket,node"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(",") for line in shown.splitlines() if not line.startswith("#")]
    topology = read_topology(live_root())
    assert topology.online == tuple(int(row[0]) for row in rows)
    assert len(set(topology.package_of.values())) == len({row[1] for row in rows})
    if topology.node_of:
        assert [topology.node_of[int(row[0])] for row in rows] == [int(row[2] or 0) for row in rows]
    assert all(cpu in topology.siblings[cpu] for cpu in topology.online)


def test_sys_and_cpuinfo_agree_on_this_machine():
    with open("/proc/cpuinfo") as file:
        told = parse_cpuinfo(file.read())
    topology = read_topology(live_root())
    assert told.online == topology.online
    if told.siblings:
        assert told.siblings == topology.siblings


def test_two_sockets():
    topology = read_topology(MemoryRoot(two_sockets(), {}))
    assert topology.nodes == {0: (0, 1, 2, 3), 1: (4, 5, 6, 7)} and topology.node_of[5] == 1
    assert topology.siblings[0] == topology.siblings[2] == (0, 2) and topology.llc[6] == (4, 5, 6, 7)
    assert topology.package_of == {cpu: cpu // 4 for cpu in range(8)}


def test_an_offline_cpu_is_possible_but_not_online():
    topology = read_topology(MemoryRoot(two_sockets(b"0,2-7\n"), {}))
    assert 1 not in topology.online and topology.possible == tuple(range(8))


def test_a_shared_package_or_cache_is_read_once():
    class Counting(MemoryRoot):
        reads = ()

        def read(self, path):
            self.reads += (path,)
            return super().read(path)

    root = Counting(two_sockets(), {})
    read_topology(root)
    assert len(root.reads) == len(set(root.reads))
    assert [path for path in root.reads if path.endswith("index3/shared_cpu_list")] == [
        f"{CPU}/cpu0/cache/index3/shared_cpu_list", f"{CPU}/cpu4/cache/index3/shared_cpu_list"]  # fmt: skip


def test_cpuinfo_alone():
    topology = read_topology(MemoryRoot({"/proc/cpuinfo": CPUINFO}, {}))
    assert topology.online == tuple(range(8)) and topology.package_of[7] == 1 and topology.siblings[5] == (5, 7)
    assert topology.llc is None and topology.nodes is None and topology.possible is None
    arm = read_topology(MemoryRoot({"/proc/cpuinfo": ARM}, {}))
    assert arm.online == (0, 1) and arm.siblings is None and arm.package_of is None


def test_the_lines_of_proc_stat_tell_at_least_who_is_online():
    root = MemoryRoot({"/proc/stat": b"cpu  1 2\ncpu0 1 2\ncpu2 1 2\nintr 5\n"}, {})
    assert read_topology(root).online == (0, 2) and root.missing[f"{CPU}/online"] == "not recorded"
    assert read_topology(MemoryRoot({}, {})) is None


def test_damage_says_where():
    with pytest.raises(FormatError, match="/proc/cpuinfo:1: not a CPU number"):
        parse_cpuinfo("processor : 99999\n")


def test_all_cpus_of_this_machine_have_a_last_level_cache_or_none_has():
    llc = read_topology(live_root()).llc
    assert llc is None or set(llc) >= set(range(os.cpu_count()))


@given(damaged(CPUINFO[:300], ARM), damaged(b"cpu0 1\ncpu1 2\n"), damaged(b"0-7\n"))
def test_nothing_breaks_the_reader(cpuinfo, stat, cpus):
    survives(read_topology, {"/proc/cpuinfo": cpuinfo})
    survives(read_topology, {"/proc/stat": stat})
    survives(
        read_topology, {**two_sockets(cpus), f"{CPU}/cpu0/topology/core_cpus_list": cpus, f"{CPU}/cpu0/cache/index3/level": cpus}
    )
