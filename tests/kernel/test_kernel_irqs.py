"""`tophalf irqs` on real kernels, each value against a second interface of the same kernel."""

import json

import pytest
from asking import ask, between, by_file, cpus_of_list, cpus_of_mask, in_guest, row_of

IRQS = "python3 -m tophalf irqs --json"
COUNTS = "cd /sys/kernel/irq && grep -H . */per_cpu_count; cd - >/dev/null"
IDENTITY = "cd /sys/kernel/irq && grep -H . */actions */chip_name */hwirq */type; cd - >/dev/null"
MASKS = ("cd /proc/irq && grep -H . [0-9]*/{smp_affinity_list,effective_affinity_list,affinity_hint,node,spurious}; "
         "cd - >/dev/null")
SUMS = "grep ^intr /proc/stat"
WRITE_BACK = """cd /proc/irq; for irq in [0-9]*; do
  mask=$(cat $irq/smp_affinity); echo $mask 2>/dev/null >$irq/smp_affinity && echo $irq taken || echo $irq refused
done 2>/dev/null; cd - >/dev/null"""


@pytest.fixture
def without_cpu1(guest, labirq):
    """The guest with CPU 1 offline, for one test; lines that moved away are put back."""
    masks = ask(guest, "cd /proc/irq; grep -H . [0-9]*/smp_affinity")[0]
    guest.check("echo 0 >/sys/devices/system/cpu/cpu1/online")
    yield
    back = " ".join(f"echo {files['smp_affinity'][0]} >/proc/irq/{irq}/smp_affinity;" for irq, files in by_file(masks).items())
    guest.check(f"echo 1 >/sys/devices/system/cpu/cpu1/online; {{ {back} }} 2>/dev/null; true")


def device_rows(document):
    """Rows of numbered interrupts by number."""
    return {row["irq"]: row for row in document["irqs"] if isinstance(row["irq"], int)}


def counts_of_sysfs(text):
    """{irq: {cpu: count}} of /sys/kernel/irq/*/per_cpu_count, which has a place for each possible CPU."""
    return {int(irq): dict(enumerate(map(int, files["per_cpu_count"][0].split(",")))) for irq, files in by_file(text).items()}


def assert_counts_between(before, document, after):
    for irq, row in device_rows(document).items():
        for cpu, count in row["per_cpu"].items():
            assert before[irq][int(cpu)] <= count <= after[irq][int(cpu)], (irq, cpu)
        assert row["total"] == sum(row["per_cpu"].values())


def test_counts_agree_with_sysfs(guest, labirq):
    labirq.set(**{"raise": 3})
    before, printed, after = between(guest, COUNTS, IRQS)
    document = json.loads(printed)
    assert document["cpus"] == [0, 1, 2, 3]
    assert_counts_between(counts_of_sysfs(before), document, counts_of_sysfs(after))
    assert row_of(document, "labirq")["total"] == labirq.count() >= 3


def test_the_growth_of_all_lines_agrees_with_proc_stat(guest, labirq):
    """fs/proc/stat.c: the first number is every device line, the architecture's own and ERR. Only its growth can be
    compared: it still counts lines that are gone by now."""
    parts = ask(guest, SUMS, IRQS, SUMS, labirq.text(**{"raise": 23}), SUMS, IRQS, SUMS)
    old, new = json.loads(parts[1]), json.loads(parts[5])
    stat = [list(map(int, parts[index].split()[1:])) for index in (0, 2, 4, 6)]
    grown = total_of(new) - total_of(old)
    assert stat[2][0] - stat[1][0] <= grown <= stat[3][0] - stat[0][0]
    for irq, row in device_rows(new).items():
        assert stat[2][1 + irq] <= row["total"] <= stat[3][1 + irq], irq
    assert row_of(new, "labirq")["total"] - row_of(old, "labirq")["total"] == 23


def total_of(document):
    """What the first number of the line `intr` holds: all lines but MIS."""
    return sum(row["total"] for row in document["irqs"] if row["irq"] != "MIS")


def test_masks_hints_nodes_and_spurious_counts_agree_with_proc_irq(guest):
    printed, text = ask(guest, IRQS, MASKS)
    rows, files = device_rows(json.loads(printed)), by_file(text)
    for irq, row in rows.items():
        seen = files[str(irq)]
        assert row["affinity"] == cpus_of_list(seen["smp_affinity_list"][0]), irq
        assert row["effective_affinity"] == cpus_of_list(seen["effective_affinity_list"][0]), irq
        assert row["affinity_hint"] == cpus_of_mask(seen["affinity_hint"][0]), irq
        assert row["node"] == int(seen["node"][0]), irq
        spurious = dict(line.split()[:2] for line in seen["spurious"])
        assert row["spurious"].keys() == {"count", "unhandled", "last_unhandled_ms"}
        assert row["spurious"]["unhandled"] == int(spurious["unhandled"]), irq
        assert row["spurious"]["last_unhandled_ms"] == int(spurious["last_unhandled"]), irq
    assert any(row["affinity"] != row["effective_affinity"] for row in rows.values())


def test_names_chips_and_triggers_agree_with_sysfs(guest):
    printed, text = ask(guest, IRQS, IDENTITY)
    rows = device_rows(json.loads(printed))
    files = {int(irq): seen for irq, seen in by_file(text).items() if "actions" in seen}
    assert rows.keys() == files.keys()
    for irq, seen in files.items():
        row = rows[irq]
        assert ",".join(row["actions"]) == seen["actions"][0]
        assert row["chip"] == seen["chip_name"][0]
        assert row["hwirq"] == int(seen["hwirq"][0])
        assert row["trigger"] == {"level": "fasteoi"}.get(seen["type"][0], seen["type"][0]), irq


def test_managed_is_said_of_just_the_lines_whose_masks_are_refused(guest):
    printed, text = ask(guest, IRQS, WRITE_BACK)
    rows = device_rows(json.loads(printed))
    answers = dict(line.split() for line in text.splitlines())
    refused = {irq for irq, row in rows.items() if answers[str(irq)] == "refused"} - {0}  # 0: the timer, no balancing
    assert {irq for irq, row in rows.items() if row["managed"]} == refused
    assert {name for irq in refused for name in rows[irq]["actions"]} == {
        "nvme0q1", "nvme0q2", "nvme0q3", "nvme0q4", "virtio0-req.0"}
    assert all(rows[irq]["managed_evidence"] for irq in refused)


def test_managed_queues_are_where_the_block_layer_says(guest):
    printed, text = ask(guest, IRQS, "cd /sys/block/nvme0*1/mq && grep -H . */cpu_list")
    document = json.loads(printed)
    queues = by_file(text)
    assert sorted(queues) == ["0", "1", "2", "3"]
    for queue, files in queues.items():
        assert row_of(document, f"nvme0q{int(queue) + 1}")["affinity"] == cpus_of_list(files["cpu_list"][0].replace(" ", ""))


def test_with_cpu_1_offline_columns_are_keyed_by_the_cpu_number(guest, labirq, without_cpu1):
    guest.check(f"echo 2 >/proc/irq/{labirq.irq}/smp_affinity_list")
    labirq.set(**{"raise": 1})
    old = row_of(in_guest(guest, "irqs"), "labirq")["per_cpu"]
    labirq.set(**{"raise": 7})
    before, printed, after = between(guest, COUNTS, IRQS)
    document = json.loads(printed)
    assert document["cpus"] == [0, 2, 3]
    assert_counts_between(counts_of_sysfs(before), document, counts_of_sysfs(after))
    new = row_of(document, "labirq")["per_cpu"]
    assert {cpu: new[cpu] - old[cpu] for cpu in new} == {"0": 0, "2": 7, "3": 0}
    assert row_of(document, "labirq")["effective_affinity"] == [2]
    for row in device_rows(document).values():
        assert row["managed"] or 1 not in row["effective_affinity"]


@pytest.mark.on("6.12")
def test_a_live_rate_times_its_seconds_is_the_number_raised(guest, labirq):
    order = labirq.text(gap_us=1000, **{"raise": 23})
    text = guest.check(f"python3 -m tophalf irqs --json --seconds 6 >/tmp/rates & sleep 3; ({order}); wait; cat /tmp/rates")
    document = json.loads(text)
    row = row_of(document, "labirq")
    assert document["machine"]["seconds"] >= 6
    assert row["rate"] * document["machine"]["seconds"] == pytest.approx(23, abs=0.01)
    assert sum(row["rate_per_cpu"].values()) == pytest.approx(row["rate"], abs=0.005)


def test_a_shared_line_names_every_action(guest, labirq, level_line):
    labirq.set(**{"raise": 5})
    row = row_of(in_guest(guest, "irqs"), "labirq")
    assert sorted(row["actions"]) == ["eth2", "labirq"]
    assert (row["chip"], row["trigger"], row["managed"]) == ("IO-APIC", "fasteoi", False)
    assert row["irq"] == level_line and row["total"] >= 5
