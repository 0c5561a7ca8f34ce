"""Costs read off a trace: each from a timeline in which it is known."""

from timelines import Timeline
from tophalf import vocab
from tophalf.judge.times.stepcosts import FEW, step_costs

STEP_NS, TIMES = 1_000_000, FEW + 5


def repeated(add):
    line = Timeline()
    for number in range(TIMES):
        add(line, 10_000_000 + number * STEP_NS, number)
    return line.table(clock="mono")


def tick(line, at, number=0, cpu=0):
    line.add(at, cpu, vocab.VECTOR_ENTRY, 236, name="local_timer", flags=vocab.FLAG_HARDIRQ)
    line.add(at + 1200, cpu, vocab.VECTOR_EXIT, 236, name="local_timer", flags=vocab.FLAG_HARDIRQ)


def test_a_tick_and_the_softirq_behind_it():
    def add(line, at, _):
        tick(line, at)
        line.softirq(at + 1200 + 150, at + 5000, 0, vocab.TIMER)
        line.softirq(at + 5500, at + 6000, 0, vocab.RCU)  # behind a softirq, not behind an interrupt
        line.add(at + 1300, 1, vocab.SOFTIRQ_ENTRY, vocab.RCU)  # elsewhere

    found = step_costs(repeated(add))
    assert set(found["timer_tick"]) == {1200} and set(found["softirq_entry"]) == {150}


def test_what_lies_before_and_after_a_tick_in_a_busy_loop():
    table = repeated(tick)
    gaps = [(10_000_000 + n * STEP_NS - 400, 10_000_000 + n * STEP_NS + 1200 + 300) for n in range(TIMES)]
    found = step_costs(table, gaps, look_ns=60, gap_cpu=0)
    assert set(found["irq_entry"]) == {400 - 30} and set(found["irq_exit"]) == {300 - 30}
    assert "irq_entry" not in step_costs(table, gaps, 60, gap_cpu=1)
    two = [(low, high + STEP_NS) for low, high in gaps]  # more than one thing in each
    assert "irq_entry" not in step_costs(table, two, 60, gap_cpu=0)


def test_an_ipi_from_the_last_wakeup_before_it():
    def add(line, at, _):
        line.add(at - 90, 0, vocab.SCHED_WAKEUP, 7, b=1, name="task")
        line.add(at, 0, vocab.SCHED_WAKEUP, 8, b=1, name="task")
        line.add(at + 2500, 1, vocab.VECTOR_ENTRY, 253, name="reschedule", flags=vocab.FLAG_HARDIRQ)
        line.add(at + 2600, 1, vocab.VECTOR_EXIT, 253, name="reschedule", flags=vocab.FLAG_HARDIRQ)

    assert set(step_costs(repeated(add))["ipi"]) == {2500}


def polls(sizes):
    def add(line, at, number):
        work = sizes[number % len(sizes)]
        line.add(at, 0, vocab.SOFTIRQ_ENTRY, vocab.NET_RX, flags=vocab.FLAG_SOFTIRQ)
        line.add(at + 300 + 400 * work, 0, vocab.NAPI_POLL, 1, b=work, c=64, name="eth0", flags=vocab.FLAG_SOFTIRQ)
        line.add(at + 9_000, 0, vocab.SOFTIRQ_EXIT, vocab.NET_RX, flags=vocab.FLAG_SOFTIRQ)

    line = Timeline()
    for number in range(TIMES * len(sizes)):
        add(line, number * 100_000, number)
    return step_costs(line.table(clock="mono"))


def test_polls_of_several_sizes_part_a_poll_from_a_packet():
    found = polls((1, 8, 16))
    assert set(found["poll"]) == {300} and set(found["packet"]) == {400}


def test_polls_of_one_packet_do_not():
    found = polls((1,))
    assert "poll" not in found and set(found["packet"]) == {700}


def test_few_samples_tell_nothing():
    line = Timeline()
    for number in range(FEW - 1):
        tick(line, number * STEP_NS)
    assert step_costs(line.table()) == {}
