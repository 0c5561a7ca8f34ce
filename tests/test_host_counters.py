"""Softirqs, softnet_stat, /proc/stat and /proc/irq: real files, damaged files."""

import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import FormatError
from tophalf.host.readers.irqs import read_default_affinity, read_irq_files
from tophalf.host.readers.softirqs import parse_softirqs, read_softirqs
from tophalf.host.readers.softnet import parse_softnet, read_softnet
from tophalf.host.readers.stat import parse_stat, read_stat
from tophalf.host.roots import MemoryRoot, live_root
from tophalf.vocab import SOFTIRQS


def test_softirqs_of_this_machine_name_all_vectors():
    table = read_softirqs(live_root())
    assert set(table.rows) == set(SOFTIRQS)
    assert all(len(counts) == len(table.cpus) for counts in table.rows.values())


def test_softirqs_rows_must_fit_the_header():
    with pytest.raises(FormatError, match="/proc/softirqs:2: 1 counts for 2 CPUs"):
        parse_softirqs(b"  CPU0 CPU1\n HI: 1\n")


@pytest.mark.parametrize(("columns", "cpu", "input_qlen"), [(9, 4, None), (11, 4, None), (13, 12, None), (15, 12, 13)])
def test_softnet_column_layouts(columns, cpu, input_qlen):
    line = " ".join(f"{value:08x}" for value in range(columns)).encode()
    rows = parse_softnet(line, online=(4,))
    assert list(rows) == [cpu]
    assert (rows[cpu].processed, rows[cpu].dropped, rows[cpu].time_squeeze) == (0, 1, 2)
    assert rows[cpu].input_qlen == input_qlen
    assert rows[cpu].received_rps == (9 if columns > 9 else None)


def test_softnet_rows_without_a_cpu_column_follow_the_online_cpus():
    root = MemoryRoot({"/proc/net/softnet_stat": b"00000001 0 0 0 0 0 0 0 0\n00000002 0 0 0 0 0 0 0 0",
                       "/sys/devices/system/cpu/online": b"0,2\n"}, {})  # fmt: skip
    assert {cpu: row.processed for cpu, row in read_softnet(root).items()} == {0: 1, 2: 2}


def test_softnet_of_others(shared_hosts):
    with open(os.path.join(shared_hosts, "files", "softnet_stat"), "rb") as file:
        rows = parse_softnet(file.read())
    assert rows[1].processed == 0xDFB82 and rows[1].dropped == 0x29 and rows[1].time_squeeze == 0xA


def test_stat_of_this_machine():
    stat = read_stat(live_root())
    assert stat.context_switches > 0 and stat.boot_time_s > 1e9 and set(stat.softirqs) == set(SOFTIRQS)
    assert set(stat.ticks) == set(range(os.cpu_count()))


def test_stat_without_a_number_says_where():
    with pytest.raises(FormatError, match="/proc/stat:2"):
        parse_stat(b"cpu 1 2\ncpu0 a b\n")


@pytest.mark.parametrize("parse", [parse_softirqs, parse_softnet, parse_stat])
@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_end_in_a_table_or_a_format_error(parse, data):
    try:
        parse(data)
    except FormatError as error:
        assert error.where.startswith("/proc/")


def test_irq_files_of_this_machine_agree_with_the_list_form():
    root, files = live_root(), read_irq_files(live_root())
    for irq, file in files.items():
        if file.affinity is not None:
            from tophalf.host.cpumask import parse_list

            assert file.affinity == parse_list(root.word(f"/proc/irq/{irq}/smp_affinity_list"))
            assert file.spurious.count >= 0


def test_irq_files_of_a_recorded_line(data):
    with tarfile.open(os.path.join(data, "hosts", "storm.tar.xz")) as tar:
        files = {"/" + m.name.split("/", 2)[2]: tar.extractfile(m).read() for m in tar if m.isfile() and "/000.000/" in m.name}
    irq = read_irq_files(MemoryRoot(files, {}))[11]
    assert irq.affinity == (1,) and irq.actions == ("eth0", "labirq")
    assert irq.spurious.as_dict() == {"count": 0, "unhandled": 0, "last_unhandled_ms": 0}


def test_a_broken_mask_costs_its_field_only():
    root = MemoryRoot({"/proc/irq/5/smp_affinity": b"zz\n", "/proc/irq/5/node": b"0\n",
                       "/proc/irq/default_smp_affinity": b"f\n"}, {})  # fmt: skip
    files = read_irq_files(root)
    assert files[5].affinity is None and files[5].node == 0
    assert "not a CPU mask" in root.missing["/proc/irq/5/smp_affinity"]
    assert read_default_affinity(root) == (0, 1, 2, 3)


def test_only_list_files_recorded():
    assert read_irq_files(MemoryRoot({"/proc/irq/7/smp_affinity_list": b"0-1\n"}, {}))[7].affinity == (0, 1)


