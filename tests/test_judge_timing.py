"""Timing on made-up traces in which each figure is known."""

import pytest

from timelines import Timeline
from tophalf import vocab
from tophalf.judge.times.slow import slow_handlers
from tophalf.judge.times.timing import time_events

pytestmark = pytest.mark.kernels

HARD, SOFT, LOST, RESCHED = vocab.FLAG_HARDIRQ, vocab.FLAG_SOFTIRQ, vocab.FLAG_LOST_BEFORE, vocab.FLAG_NEED_RESCHED
IDLE, KWORKER, KSOFTIRQD, BASH = 0, 50, 17, 300


def timed(line, **fields):
    return time_events(line.table(**fields))


def test_an_empty_trace_has_nothing():
    timing = timed(Timeline())
    assert (timing.events, timing.span_ns, timing.lost_events) == (0, 0, 0)
    assert timing.hardirq == timing.softirq == timing.napi == timing.work == timing.tasklets == timing.vectors == []
    assert timing.unfinished == timing.unmatched == {}


def test_actions_of_a_shared_line_are_timed_apart_and_together():
    line = Timeline()
    for start in (0, 1000):
        line.handler(start + 10, start + 30, 0, 11, "e1000")
        line.handler(start + 31, start + 131, 0, 11, "ahci")
    (irq,) = timed(line).hardirq
    assert (irq.irq, irq.count, irq.run.total, irq.run.max) == (11, 4, 240, 100)
    assert {part.action: (part.count, part.run.total) for part in irq.by_action} == {"e1000": (2, 40), "ahci": (2, 200)}


def test_a_handler_on_one_cpu_does_not_end_on_another():
    line = Timeline()
    line.add(10, 0, vocab.IRQ_HANDLER_ENTRY, 5, name="x", flags=HARD)
    line.add(20, 1, vocab.IRQ_HANDLER_EXIT, 5, flags=HARD)
    timing = timed(line)
    assert timing.hardirq == []
    assert timing.unfinished == {"irq_handler_entry": 1}
    assert timing.unmatched == {"irq_handler_exit": 1}


def test_own_time_of_a_softirq_leaves_out_the_handler_that_interrupted_it():
    line = Timeline()
    line.add(100, 0, vocab.SOFTIRQ_ENTRY, vocab.NET_RX, flags=SOFT)
    line.handler(150, 180, 0, 33, flags=HARD | SOFT)
    line.add(200, 0, vocab.SOFTIRQ_EXIT, vocab.NET_RX, flags=SOFT)
    timing = timed(line)
    (vector,) = timing.softirq
    assert (vector.run.total, vector.own.total) == (100, 70)
    assert slow_handlers(timing.spans, 30)[0].interrupted == "NET_RX in idle"
    assert slow_handlers(timing.spans, 31) == []


def test_a_work_item_is_charged_only_while_it_runs():
    line = Timeline()
    line.add(0, 0, vocab.WORKQUEUE_QUEUE_WORK, 0x1000, b=0x77, pid=BASH, name="events")
    line.switch(100, 0, BASH, KWORKER)
    line.add(110, 0, vocab.WORKQUEUE_EXECUTE_START, 0x1000, b=0x77, pid=KWORKER)
    line.softirq(120, 150, 0, vocab.TIMER, pid=KWORKER)
    line.switch(160, 0, KWORKER, BASH)
    line.handler(300, 350, 0, 9, pid=BASH)
    line.switch(400, 0, BASH, KWORKER)
    line.add(405, 0, vocab.WORKQUEUE_EXECUTE_END, 0x1000, b=0x77, pid=KWORKER)
    (work,) = timed(line).work
    assert (work.function, work.workqueue, work.wait.total) == ("0x77", "events", 110)
    assert work.run.total == 295
    assert work.own.total == (120 - 110) + (160 - 150) + (405 - 400)


def test_a_worker_that_moved_to_another_cpu_keeps_its_work():
    line = Timeline()
    line.add(10, 0, vocab.WORKQUEUE_EXECUTE_START, 0x1000, b=1, pid=KWORKER)
    line.switch(20, 0, KWORKER, IDLE, state=1)
    line.switch(50, 1, IDLE, KWORKER)
    line.add(60, 1, vocab.WORKQUEUE_EXECUTE_END, 0x1000, b=1, pid=KWORKER)
    (work,) = timed(line).work
    assert (work.run.total, work.own.total) == (50, 20)


def test_own_time_of_work_is_unknown_without_switches():
    line = Timeline()
    line.add(10, 0, vocab.WORKQUEUE_EXECUTE_START, 0x1000, b=1, pid=KWORKER)
    line.add(60, 0, vocab.WORKQUEUE_EXECUTE_END, 0x1000, b=1, pid=KWORKER)
    (work,) = timed(line).work
    assert work.own is None
    assert work.wait.count == 0


def test_a_wait_counts_from_the_first_raise():
    line = Timeline()
    line.add(10, 0, vocab.SOFTIRQ_RAISE, vocab.NET_RX, flags=HARD)
    line.add(20, 0, vocab.SOFTIRQ_RAISE, vocab.NET_RX, flags=HARD)
    line.softirq(50, 60, 0, vocab.NET_RX)
    assert timed(line).softirq[0].wait.total == 40


def test_a_raise_between_the_snapshot_and_the_first_entry_belongs_to_the_next_pass():
    line = Timeline()
    line.add(10, 0, vocab.SOFTIRQ_RAISE, vocab.TIMER, flags=HARD)
    line.add(15, 0, vocab.SOFTIRQ_RAISE, vocab.NET_RX, flags=HARD | SOFT)
    line.add(16, 0, vocab.SOFTIRQ_RAISE, vocab.TIMER, flags=HARD | SOFT)
    line.softirq(20, 30, 0, vocab.TIMER)
    line.softirq(40, 50, 0, vocab.TIMER)
    line.softirq(60, 70, 0, vocab.NET_RX)
    timer, net_rx = timed(line).softirq
    assert (timer.wait.count, timer.wait.total, timer.wait.max) == (2, (20 - 10) + (40 - 16), 24)
    assert net_rx.wait.total == 60 - 15


def test_a_raise_while_the_pass_still_holds_the_vector_waits_for_the_next():
    line = Timeline()
    line.add(10, 0, vocab.SOFTIRQ_RAISE, vocab.TIMER, flags=HARD)
    line.add(11, 0, vocab.SOFTIRQ_RAISE, vocab.RCU, flags=HARD)
    line.add(20, 0, vocab.SOFTIRQ_ENTRY, vocab.TIMER, flags=SOFT)
    line.add(22, 0, vocab.SOFTIRQ_RAISE, vocab.RCU, flags=HARD | SOFT)
    line.add(25, 0, vocab.SOFTIRQ_EXIT, vocab.TIMER, flags=SOFT)
    line.softirq(30, 35, 0, vocab.RCU)
    line.softirq(40, 45, 0, vocab.RCU)
    assert timed(line).softirq[1].wait.total == (30 - 11) + (40 - 22)


def test_a_wait_is_unknown_where_the_trace_begins_inside_a_softirq():
    line = Timeline()
    line.add(5, 0, vocab.SOFTIRQ_RAISE, vocab.RCU, flags=HARD | SOFT)
    line.softirq(10, 15, 0, vocab.RCU)
    (vector,) = timed(line).softirq
    assert (vector.count, vector.wait.count) == (1, 0)


@pytest.mark.parametrize("comm", ["ksoftirqd/3", "ktimers/3"])
def test_ksoftirqd_is_known_by_its_task_not_by_a_switch(comm):
    line = Timeline()
    line.tasks = {KSOFTIRQD: comm, BASH: "bash"}
    line.softirq(10, 20, 3, vocab.NET_RX, pid=KSOFTIRQD)
    line.softirq(30, 35, 3, vocab.NET_RX, pid=BASH)
    (vector,) = timed(line).softirq
    assert (vector.count, vector.ksoftirqd.run.total, vector.inline.run.total) == (2, 10, 5)


def test_a_softirq_on_preempt_rt_is_not_charged_while_its_task_is_away():
    line = Timeline()
    line.add(10, 0, vocab.SOFTIRQ_ENTRY, vocab.NET_RX, pid=KSOFTIRQD)
    line.switch(20, 0, KSOFTIRQD, BASH)
    line.switch(90, 0, BASH, KSOFTIRQD)
    line.add(100, 0, vocab.SOFTIRQ_EXIT, vocab.NET_RX, pid=KSOFTIRQD)
    (vector,) = timed(line).softirq
    assert (vector.run.total, vector.own.total) == (90, 20)


def test_after_lost_events_a_cpu_starts_anew():
    line = Timeline()
    line.add(10, 0, vocab.IRQ_HANDLER_ENTRY, 5, name="x", flags=HARD)
    line.add(10, 1, vocab.IRQ_HANDLER_ENTRY, 6, name="x", flags=HARD)
    line.add(50, 0, vocab.IRQ_HANDLER_EXIT, 5, flags=HARD | LOST)
    line.add(50, 1, vocab.IRQ_HANDLER_EXIT, 6, flags=HARD)
    timing = timed(line, lost={0: 7})
    assert [irq.irq for irq in timing.hardirq] == [6]
    assert timing.lost_events == 7


def test_work_parked_before_events_were_lost_is_not_timed():
    line = Timeline()
    line.add(10, 0, vocab.WORKQUEUE_EXECUTE_START, 0x1000, b=1, pid=KWORKER)
    line.switch(20, 0, KWORKER, IDLE, state=1)
    line.switch(30, 1, IDLE, BASH)
    line.add(35, 1, vocab.SOFTIRQ_RAISE, vocab.RCU, pid=BASH, flags=LOST)
    line.switch(50, 0, IDLE, KWORKER)
    line.add(60, 0, vocab.WORKQUEUE_EXECUTE_END, 0x1000, b=1, pid=KWORKER)
    assert timed(line).work == []


def test_a_queueing_before_lost_events_gives_no_wait():
    line = Timeline()
    line.add(10, 0, vocab.WORKQUEUE_QUEUE_WORK, 0x1000, b=1, name="events")
    line.add(20, 1, vocab.SOFTIRQ_RAISE, vocab.RCU, flags=LOST)
    line.add(30, 0, vocab.WORKQUEUE_EXECUTE_START, 0x1000, b=1, pid=KWORKER)
    line.add(40, 0, vocab.WORKQUEUE_EXECUTE_END, 0x1000, b=1, pid=KWORKER)
    (work,) = timed(line).work
    assert (work.workqueue, work.wait.count, work.run.total) == ("events", 0, 10)


def test_napi_polls_are_counted_by_instance():
    line = Timeline()
    for time_ns, work in enumerate((0, 3, 64, 64, 300)):
        line.add(time_ns, 0, vocab.NAPI_POLL, -4096, b=work, c=64, name="eth0")
    line.add(9, 0, vocab.NAPI_POLL, 77, b=8, c=8, name="eth1")
    eth0, eth1 = timed(line).napi
    assert (eth0.napi, eth0.dev_name) == ((1 << 64) - 4096, "eth0")
    assert (eth0.polls, eth0.packets, eth0.packets_max, eth0.full_polls) == (5, 431, 300, 3)
    assert eth0.polls_by_packets == {0: 1, 3: 1, 64: 2, 256: 1}
    assert (eth1.dev_name, eth1.budget, eth1.full_polls) == ("eth1", 8, 1)


def test_tasklets_and_vectors_are_timed():
    line = Timeline()
    line.add(0, 0, vocab.SOFTIRQ_ENTRY, vocab.TASKLET, flags=SOFT)
    line.add(10, 0, vocab.TASKLET_ENTRY, 0x2000, b=0x99, flags=SOFT)
    line.add(20, 0, vocab.VECTOR_ENTRY, 0xEC, name="local_timer", flags=HARD | SOFT)
    line.add(25, 0, vocab.VECTOR_EXIT, 0xEC, name="local_timer", flags=HARD | SOFT)
    line.add(30, 0, vocab.TASKLET_EXIT, 0x2000, b=0x99, flags=SOFT)
    line.add(31, 0, vocab.SOFTIRQ_EXIT, vocab.TASKLET, flags=SOFT)
    timing = timed(line)
    assert [(one.function, one.run.total, one.own.total) for one in timing.tasklets] == [("0x99", 20, 15)]
    assert [(one.name, one.run.total) for one in timing.vectors] == [("local_timer", 5)]
    assert (timing.softirq[0].run.total, timing.softirq[0].own.total) == (31, 11)


def woken(line, flags, pid=BASH):
    """A handler of line 9 on CPU 0 that wakes task 400, then a switch from `pid` to it."""
    line.add(10, 0, vocab.IRQ_HANDLER_ENTRY, 9, name="disk", pid=pid, flags=HARD)
    line.add(12, 0, vocab.SCHED_WAKING, 400, pid=pid, flags=flags, name="reader")
    line.add(20, 0, vocab.IRQ_HANDLER_EXIT, 9, pid=pid, flags=HARD)


def test_a_switch_to_what_a_handler_woke_was_caused_by_it():
    line = Timeline()
    woken(line, HARD)
    line.switch(30, 0, BASH, 400)
    timing = timed(line)
    assert (timing.hardirq[0].switches, timing.switches.by_interrupts) == (1, 1)


def test_a_task_that_sleeps_by_itself_was_not_switched_by_an_interrupt():
    line = Timeline()
    woken(line, HARD)
    line.switch(30, 0, BASH, 400, state=1)
    assert timed(line).switches.as_dict() == {"count": 1, "by_interrupts": 0, "untraced": 0}


def test_an_irq_thread_is_woken_after_its_handler_ended():
    line = Timeline()
    line.handler(10, 20, 0, 40, "labirq", pid=BASH)
    line.switch(30, 0, BASH, 233, comm="irq/40-labirq")
    line.switch(40, 0, 233, BASH)
    line.switch(50, 0, BASH, 233, comm="irq/40-labirq")
    assert timed(line).hardirq[0].switches == 1


def test_need_resched_seen_at_an_exit_names_the_cause():
    line = Timeline()
    line.add(10, 0, vocab.SOFTIRQ_ENTRY, vocab.TIMER, pid=BASH, flags=SOFT)
    line.add(20, 0, vocab.SOFTIRQ_EXIT, vocab.TIMER, pid=BASH, flags=SOFT | RESCHED)
    line.switch(30, 0, BASH, 400)
    line.add(40, 0, vocab.SOFTIRQ_RAISE, vocab.RCU, pid=400, flags=HARD | RESCHED)
    line.switch(50, 0, 400, BASH)
    assert timed(line).switches.as_dict() == {"count": 2, "by_interrupts": 1, "untraced": 1}


def test_a_handler_whose_exit_is_missing_does_not_swallow_the_next():
    line = Timeline()
    line.add(10, 0, vocab.IRQ_HANDLER_ENTRY, 5, name="x", flags=HARD)
    line.handler(100, 120, 0, 6)
    line.add(130, 0, vocab.IRQ_HANDLER_EXIT, 5, flags=HARD)
    timing = timed(line)
    assert [(irq.irq, irq.run.total) for irq in timing.hardirq] == [(6, 20)]
    assert (timing.unfinished, timing.unmatched) == ({"irq_handler_entry": 1}, {"irq_handler_exit": 1})


def test_an_nmi_handler_may_interrupt_another():
    line = Timeline()
    line.add(10, 0, vocab.IRQ_HANDLER_ENTRY, 5, name="x", flags=HARD)
    line.handler(20, 25, 0, 23, "arm-pmu", flags=HARD | vocab.FLAG_NMI)
    line.add(30, 0, vocab.IRQ_HANDLER_EXIT, 5, flags=HARD)
    assert [(irq.irq, irq.run.total, irq.own.total) for irq in timed(line).hardirq] == [(5, 20, 15), (23, 5, 5)]


def test_work_of_unseen_queueing_joins_the_only_known_workqueue():
    line = Timeline()
    for number, start in enumerate((10, 100)):
        if number:
            line.add(start - 5, 0, vocab.WORKQUEUE_QUEUE_WORK, 0x1000, b=1, name="events")
        line.add(start, 0, vocab.WORKQUEUE_EXECUTE_START, 0x1000, b=1, pid=KWORKER)
        line.add(start + 7, 0, vocab.WORKQUEUE_EXECUTE_END, 0x1000, b=1, pid=KWORKER)
    assert [(work.workqueue, work.count, work.wait.count) for work in timed(line).work] == [("events", 2, 1)]


def test_cpu_numbers_of_any_size_are_taken():
    line = Timeline()
    line.handler(10, 30, 1 << 30, 5)
    assert timed(line).hardirq[0].run.total == 20
