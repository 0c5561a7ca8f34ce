"""`tophalf record` on real kernels: known work found again in the trace and in the rates, and the laws hold on it."""

import json
import tarfile

import pytest
from asking import here, row_of
from known_work import RAISED, TASKLETS_RUN, WORKS_RUN

from tophalf import vocab
from tophalf.host.door import open_machine
from tophalf.host.readers.softnet import read_softnet
from tophalf.host.trace.traces import load_events

PASS_LAWS = {"softirq-order", "softirq-pass-complete", "softirq-pass-limit", "softirq-no-restart"}
NAPI_WEIGHT = 64
KILLED = """
python3 -m tophalf record /tmp/killed.tar >/tmp/said 2>&1 & recorder=$!
until grep -q '^ *[0-9]* s ' /tmp/said; do sleep 0.05; done
%s
sleep 2.5
kill -KILL $recorder; wait $recorder
for i in $(seq 100); do [ -z "$(ls /sys/kernel/tracing/instances)" ] && break; sleep 0.1; done
mv /tmp/killed.tar /out/ && [ -z "$(ls /sys/kernel/tracing/instances)" ]
"""


def by_name(rows, key="name"):
    return {row[key]: row for row in rows}


def assert_laws_hold(path, exercised, idle=()):
    document = here("laws", path)
    assert document["holds"], [law for law in document["laws"] if law["violation_count"]]
    assert set(exercised) <= set(document["exercised"])
    assert set(idle) <= set(document["not_exercised"])


def test_interrupts_raised_are_counted_in_the_trace_and_in_the_rates(known):
    trace, counters = here("trace", known), here("irqs", known)
    assert trace["lost_events"] == 0
    line = row_of(trace, "labirq")
    assert (line["count"], line["run_ns"]["count"]) == (RAISED, RAISED)
    row = row_of(counters, "labirq")
    assert row["rate"] * counters["machine"]["seconds"] == pytest.approx(RAISED, abs=0.01)
    assert row["irq"] == line["irq"]


def test_every_tasklet_and_work_item_is_counted(known):
    trace = here("trace", known)
    assert by_name(trace["tasklets"], "function")["labirq_tasklet"]["count"] == TASKLETS_RUN
    assert by_name(trace["work"], "function")["labirq_work"]["count"] == WORKS_RUN
    longest = by_name(trace["work"], "function")["labirq_work"]["run_ns"]["max"]
    assert longest >= 3_000_000


def test_tasklets_that_go_on_end_in_ksoftirqd(known):
    vector = by_name(here("trace", known)["softirq"])["TASKLET"]
    assert vector["ksoftirqd"]["count"] > 5 * 200
    assert vector["inline"]["count"] + vector["ksoftirqd"]["count"] == vector["count"]


def test_the_laws_hold_on_known_work(guest, known):
    exercised = {"irq-pair", "irq-return", "vector-pair", "softirq-pair", "softirq-raise", "tasklet-pair", "tasklet-once",
                 "work-pair", "work-queued", "percpu-thread", "switch-context"}  # fmt: skip
    realtime = "-rt-" in guest.release
    assert_laws_hold(known, exercised | (set() if realtime else PASS_LAWS), PASS_LAWS if realtime else ())


def test_polls_under_a_flood_use_their_whole_weight(flooded):
    trace = here("trace", flooded)
    assert trace["lost_events"] == 0
    polls = [row for row in trace["napi"] if row["dev_name"] == "eth0"]
    assert max(row["packets_max"] for row in polls) == NAPI_WEIGHT
    assert sum(row["full_polls"] for row in polls) > 100


@pytest.mark.on("6.12", "6.1")
def test_a_flood_exhausts_the_budget_and_wakes_ksoftirqd(flooded):
    vector = by_name(here("trace", flooded)["softirq"])["NET_RX"]
    assert vector["ksoftirqd"]["count"] > 100
    document = here("cpus", flooded)
    assert document["cpus"][0]["softnet"]["time_squeeze"] > 0 and document["cpus"][0]["ksoftirqd_share"] > 0.3
    handled = sum(cpu["softirqs"]["NET_RX"] for cpu in document["cpus"]) * document["machine"]["seconds"]
    assert 0.9 * handled <= vector["count"] <= handled + 1, "the counters are read just before and just after the events"


def test_packets_of_the_trace_are_those_of_the_counters(flooded):
    """Between two snapshots in the middle, polls of the devices hand up what softnet_stat counts (net/core/dev.c)."""
    machine = open_machine(flooded)
    events = load_events(machine)
    (begin_ns, begin), (end_ns, end) = machine.moments[1], machine.moments[-2]
    processed = [sum(row.processed for row in read_softnet(root).values()) for root in (begin, end)]
    origin_ns = start_mono_ns(flooded)
    inside = (events.kind == vocab.NAPI_POLL) & (events.time_ns >= origin_ns + begin_ns) & (events.time_ns < origin_ns + end_ns)
    assert end_ns - begin_ns > 900_000_000
    assert processed[1] - processed[0] == pytest.approx(int(events.b[inside].sum()), rel=0.1)


def start_mono_ns(path):
    """When the recording says that it began."""
    with tarfile.open(path) as tar:
        name = next(name for name in tar.getnames() if name.endswith("meta.json"))
        return json.load(tar.extractfile(name))["start_mono_ns"]


def test_the_laws_hold_under_a_flood(guest, flooded):
    exercised = {"irq-pair", "softirq-raise", "tasklet-once", "tasklet-one-cpu", "napi-budget", "napi-context"}
    assert_laws_hold(flooded, exercised | (set() if "-rt-" in guest.release else PASS_LAWS))


def test_nothing_of_the_recorder_stays(guest, known):
    assert guest.check("ls /sys/kernel/tracing/instances; ls /tmp/*.tar 2>/dev/null; true") == ""
    assert guest.check("cat /sys/kernel/tracing/set_event; cat /sys/kernel/tracing/tracing_on").split() == ["1"]


@pytest.mark.on("6.12")
def test_a_recorder_that_was_killed_leaves_no_instance_and_a_readable_file(guest, labirq):
    guest.check(KILLED % labirq.text(gap_us=1000, **{"raise": RAISED}))
    trace = here("trace", f"{guest.out}/killed.tar")
    assert row_of(trace, "labirq")["count"] == RAISED, "up to its last second"
