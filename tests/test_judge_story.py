"""Stories: sentences and contexts, on a made trace and on a recorded one."""

import os

from tophalf import vocab
from tophalf.events import make_table
from tophalf.judge.story import tell

HOSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "hosts")
# time, kind, pid, flags, a, b, c, name
ROWS = [
    (10, vocab.IRQ_HANDLER_ENTRY, 0, vocab.FLAG_HARDIRQ, 24, 0, 0, 0),
    (20, vocab.SOFTIRQ_RAISE, 0, vocab.FLAG_HARDIRQ, vocab.NET_RX, 0, 0, -1),
    (30, vocab.IRQ_HANDLER_EXIT, 0, vocab.FLAG_HARDIRQ, 24, 1, 0, -1),
    (40, vocab.SOFTIRQ_ENTRY, 0, vocab.FLAG_SOFTIRQ, vocab.NET_RX, 0, 0, -1),
    (50, vocab.NAPI_POLL, 0, vocab.FLAG_SOFTIRQ, 99, 64, 64, 1),
    (60, vocab.SOFTIRQ_EXIT, 0, vocab.FLAG_SOFTIRQ, vocab.NET_RX, 0, 0, -1),
    (70, vocab.SCHED_SWITCH, 0, 0, 15, 0, 120, 2),
    (80, vocab.SOFTIRQ_ENTRY, 15, vocab.FLAG_SOFTIRQ, vocab.NET_RX, 0, 0, -1),
]


def story(rows=None, tasks=None):
    rows = rows or ROWS
    names = ("time_ns", "kind", "pid", "flags", "a", "b", "c", "name")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) | {"cpu": [0] * len(rows)}
    table = make_table(columns, strings=["eth0-rx-0", "eth0", "ksoftirqd/0"], tasks=tasks or {15: "ksoftirqd/0"}, cpus=(0, 1))
    return list(tell(table))


def test_each_event_is_a_sentence_in_its_context():
    told = story()
    assert [one.stacks[0] for one in told] == [
        ("idle", "IRQ 24"), ("idle", "IRQ 24"), ("idle", "IRQ 24"), ("idle", "NET_RX"), ("idle", "NET_RX"), ("idle", "NET_RX"),
        ("idle",), ("ksoftirqd/0", "NET_RX"),
    ]  # fmt: skip
    assert told[0].text == "top half: the handler of eth0-rx-0 begins, interrupts off"
    assert told[1].text == "raises NET_RX: marked on this CPU, to run when the handler is over"
    assert told[4].text == "polls eth0: 64 packets of at most 64, the whole weight: polled again"
    assert told[6].text == "idle; ksoftirqd/0 runs"
    assert "in ksoftirqd/0, a task among others" in told[7].text


def test_only_who_is_no_busy_poller_lets_the_queue_interrupt_again():
    """net/core/dev.c napi_complete_done does nothing in a busy poll."""
    who = ((0, vocab.FLAG_SOFTIRQ), (21, 0), (22, 0))
    rows = [(10, vocab.NAPI_POLL, pid, flags, 99, 3, 64, 1) for pid, flags in who]
    told = [one.text for one in story(rows, {21: "napi/eth0-8193", 22: "server"})]
    assert [text.endswith("the queue is empty, it may interrupt again") for text in told] == [True, True, False]
    assert told[2] == "polls eth0: 3 packets of at most 64: the queue is empty"


def test_a_cpu_that_has_done_nothing_yet_is_unknown():
    assert story()[0].stacks[1] == ("?",)


def test_a_recorded_trace_can_be_told():
    from tophalf.host.door import open_machine
    from tophalf.host.trace.traces import load_events

    table = load_events(open_machine(os.path.join(HOSTS, "slow.trace.dat"))).rows(slice(0, 2000))
    told = list(tell(table))
    assert len(told) > 1500
    assert any("labirq" in one.text for one in told)
    assert all(len(stack) < 8 for one in told for stack in one.stacks.values())
