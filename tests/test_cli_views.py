"""`irqs`, `cpus` and `diff` on this host and on recordings: the JSON they promise, and tables that line up."""

import json
import os

import pytest

from tophalf.cli.main import main
from tophalf.host.roots import live_root
from tophalf.vocab import cpu_list

IRQ_KEYS = {"irq", "kind", "total", "per_cpu", "chip", "hwirq", "trigger", "actions", "affinity", "effective_affinity",
            "affinity_hint", "node", "managed", "spurious"}  # fmt: skip


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def hosts(data):
    return os.path.join(data, "hosts")


def test_irqs_json_of_this_host(capsys):
    status, out, _ = run(capsys, "irqs", "--json")
    document = json.loads(out)
    assert status == 0 and document["cpus"] == list(range(os.cpu_count()))
    assert all(set(row) >= IRQ_KEYS for row in document["irqs"])
    by_irq = {row["irq"]: row for row in document["irqs"]}
    assert by_irq["LOC"]["kind"] == "timer" and by_irq["LOC"]["rate"] is None
    for irq, row in by_irq.items():
        if isinstance(irq, int):
            assert cpu_list(row["affinity"]) == live_root().word(f"/proc/irq/{irq}/smp_affinity_list")


def test_irqs_of_a_series_have_rates_and_both_masks(capsys, hosts):
    _, out, _ = run(capsys, "irqs", "--json", f"{hosts}/cpu0.tar.xz")
    rows = {row["irq"]: row for row in json.loads(out)["irqs"]}
    inputs = [row for row in rows.values() if row["actions"] and row["actions"][0].startswith("virtio4-input")]
    assert len(inputs) == 4 and all(row["affinity"] == [0] and row["rate"] > 40 for row in inputs)
    assert rows["ERR"]["per_cpu"] is None and rows["ERR"]["total"] == 0


def test_one_moment_has_no_rates(capsys, hosts):
    _, out, _ = run(capsys, "irqs", "--json", f"{hosts}/cpu0.tar.xz@2")
    document = json.loads(out)
    assert document["machine"]["seconds"] is None
    assert {row["rate"] for row in document["irqs"]} == {None}
    assert {str(row["affinity"]) for row in document["irqs"]} == {"None"}, "masks are recorded at the first and last moment only"


def test_irqs_table_sorts_and_filters(capsys, hosts):
    _, out, _ = run(capsys, "irqs", f"{hosts}/storm.tar.xz")
    assert "eth0, labirq" in out.splitlines()[3], "the storm's line comes first"
    _, out, _ = run(capsys, "irqs", f"{hosts}/storm.tar.xz", "--filter", "LABIRQ")
    assert len(out.splitlines()) == 4


def test_irqs_with_a_cpu_offline(capsys, tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "interrupts").write_text(
        "           CPU0       CPU2       CPU3\n 24:  1  2  3  IO-APIC   2-edge      timer\nERR:   4\n"
    )
    _, out, _ = run(capsys, "irqs", "--json", tmp_path)
    document = json.loads(out)
    assert document["cpus"] == [0, 2, 3]
    assert document["irqs"][0]["per_cpu"] == {"0": 1, "2": 2, "3": 3}
    assert document["irqs"][0]["affinity"] is None and document["irqs"][0]["spurious"] is None


def test_cpus_of_a_flood(capsys, hosts):
    _, out, _ = run(capsys, "cpus", "--json", f"{hosts}/netrx-flood.tar.xz")
    rows = json.loads(out)["cpus"]
    assert [row["cpu"] for row in rows] == [0, 1, 2, 3]
    assert rows[0]["ksoftirqd_share"] > 0.9 and rows[1]["ksoftirqd_share"] < 0.01
    assert rows[0]["softnet"]["processed"] > 50_000


def test_cpus_table_lines_up(capsys, hosts):
    _, out, _ = run(capsys, "cpus", f"{hosts}/balanced.tar.xz")
    header, *rows = out.splitlines()[1:6]
    assert header.split()[0] == "CPU" and len({len(row) for row in rows}) == 1


def test_diff_of_the_ends_of_a_series(capsys, hosts):
    _, out, _ = run(capsys, "diff", "--json", f"{hosts}/irqbalance.tar.xz")
    document = json.loads(out)
    changed = [row["what"] for row in document["changed"]]
    assert any(what.endswith(" affinity") for what in changed), "irqbalance moved masks"
    moved = {row["what"]: row for row in document["moved"]}
    assert moved["softirq NET_RX"]["change"] > 0


def test_diff_of_two_series_compares_rates(capsys, hosts):
    _, out, _ = run(capsys, "diff", f"{hosts}/balanced.tar.xz", f"{hosts}/netrx-flood.tar.xz")
    assert "softnet CPU0 processed" in out.splitlines()[2], "what moved most comes first"


def test_diff_of_a_machine_with_itself_is_empty(capsys, hosts):
    _, out, _ = run(capsys, "diff", "--json", f"{hosts}/slow.tar.xz", f"{hosts}/slow.tar.xz")
    document = json.loads(out)
    assert document["moved"] == [] and document["changed"] == []


@pytest.mark.parametrize("command", ["irqs", "cpus", "diff"])
def test_nothing_to_show_is_one_line_and_status_2(capsys, tmp_path, command):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "interrupts").write_bytes(b"\xff\x00 not counters")
    (tmp_path / "proc" / "softirqs").write_bytes(b"")
    status, out, err = run(capsys, command, tmp_path)
    assert status == 2 and out == "" and err.count("\n") == 1 and "/proc/interrupts:1" in err


def test_a_bare_trace_holds_no_counters(capsys, hosts):
    status, _, err = run(capsys, "irqs", f"{hosts}/slow.trace.dat")
    assert status == 2 and "no counters" in err


def test_help_has_an_example_for_each_command(capsys):
    from tophalf.cli.main import COMMANDS

    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "example:" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["irqs", "cpus", "diff"])
def test_what_shows_counters_takes_no_trace(capsys, hosts, command):
    with pytest.raises(SystemExit):
        main([command, f"{hosts}/slow.tar.xz", "--trace", f"{hosts}/slow.trace.dat"])
    assert "unrecognized arguments: --trace" in capsys.readouterr().err


def test_unknown_command_suggests(capsys):
    status, _, err = run(capsys, "chek")
    assert status == 2 and "did you mean check" in err


def test_a_cpu_that_is_not_there_is_said(capsys, hosts):
    status, _, err = run(capsys, "irqs", f"{hosts}/storm.tar.xz", "--cpu", "99")
    assert status == 2 and "no CPU 99" in err and "0-3" in err
    _, out, _ = run(capsys, "irqs", f"{hosts}/storm.tar.xz", "--filter", "nonesuch")
    assert "no interrupt fits" in out


def test_a_wide_machine_keeps_its_device_names(capsys, tmp_path):
    cpus = range(0, 1152, 2)
    (tmp_path / "proc" / "irq" / "24").mkdir(parents=True)
    (tmp_path / "proc" / "irq" / "24" / "smp_affinity_list").write_text(",".join(map(str, cpus)))
    header = "".join(f"{f'CPU{cpu}':>10} " for cpu in range(1152))
    counts = "".join(f"{cpu % 2:10} " for cpu in range(1152))
    (tmp_path / "proc" / "interrupts").write_text(f"{header}\n 24: {counts} IO-APIC   2-edge      timer\n")
    _, out, _ = run(capsys, "irqs", tmp_path)
    line = out.splitlines()[-1]
    assert "timer" in line and "1,3,5,7,9,11,13…(576)" in line and "0,2,4,6,8,10,12…(576)" in line


def test_no_cpu_times_is_not_taken_for_no_accounting(capsys, tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "interrupts").write_text("           CPU0\n 24:  1  IO-APIC   2-edge      timer\n")
    _, out, _ = run(capsys, "cpus", tmp_path)
    assert "no CPU times to compare" in out and "%irq is 0" not in out
