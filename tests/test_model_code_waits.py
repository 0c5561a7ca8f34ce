"""Wait queues, completions and kthreads of drivers, against plain programs of what they come to, and at their awkward moments.

Twin of: waits. Nothing costs time here but what a driver says, so that each moment can be told exactly.
"""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from test_model_code_drivers import Machine

pytestmark = pytest.mark.kernels
PREEMPT = ("none", "voluntary", "full", "rt")
UNTIL_NS = 10**9
PROBE = "\ndef probe(dev):\n    init_waitqueue_head(dev.q0)\n    init_waitqueue_head(dev.q1)\n    init_completion(dev.c)\n"


def driver(threads, handler=(), irq=24):
    """A driver of kthreads on CPU0; threads: lines of each. handler: lines of its interrupt handler; irq: its line, 25 on CPU1 of
    two."""
    text = "def handler(irq, dev):\n" + "".join(f"    {line}\n" for line in handler) + "    return IRQ_HANDLED\n"
    for number, lines in enumerate(threads):
        text += f"\ndef thread{number}(dev):\n" + "".join(f"    {line}\n" for line in lines) + "    return 0\n"
    starts = "".join(f'    kthread_run(thread{number}, dev, "t{number}")\n' for number in range(len(threads)))
    probe = PROBE.replace("(dev):\n", "(dev):\n    if dev.irq == 25:\n        return 0\n")
    return text + probe + starts + f'    return request_irq({irq}, handler, 0, "dev", dev)\n'


# Conditions on wait queues: whoever waits goes on at the moment when the count is there, however often it was woken before


def lines_of(number, steps):
    """A thread's steps as it is written: ("sleep", us), ("wait", queue, count, interruptible), ("wake", queue)."""
    for at, (verb, *what) in enumerate(steps):
        if verb == "sleep":
            yield f"usleep_range({what[0]}, {what[0]})"
        elif verb == "wake":
            yield f"dev.n{what[0]} += 1"
            yield f"wake_up(dev.q{what[0]})"
        else:
            yield f"wait_event{'_interruptible' if what[2] else ''}(dev.q{what[0]}, dev.n{what[0]} >= {what[1]})"
            yield f"dev.t{number}_{at} = ktime_get()"


class SlowWaits:
    """Threads that go on one after the other; a thread that waits is asked again after every count."""

    def __init__(self, threads, interrupts):
        self.threads, self.counts, self.ended = threads, [0, 0], {}
        self.at, self.ready = [0] * len(threads), [(0, number) for number in range(len(threads))]
        self.interrupts = sorted(interrupts)

    def run(self):
        waiting = []
        while self.ready or self.interrupts:
            now = min([time for time, _ in self.ready] + self.interrupts[:1])
            if self.interrupts[:1] == [now]:
                self.counts[0] += 1
                self.interrupts.pop(0)
            else:
                number = next(number for time, number in self.ready if time == now)
                self.ready.remove((now, number))
                if self.goes_on(number, now):
                    waiting.append(number)
            self.ready += [(now, number) for number in waiting if self.is_true(number)]
            waiting = [number for number in waiting if not self.is_true(number)]
        return self.ended

    def is_true(self, number):
        _, queue, count, _ = self.threads[number][self.at[number]]
        return self.counts[queue] >= count

    def goes_on(self, number, now):
        """Until it sleeps. Returns whether for a condition."""
        while self.at[number] < len(self.threads[number]):
            verb, *what = self.threads[number][self.at[number]]
            if verb == "wait":
                if not self.is_true(number):
                    return True
                self.ended[f"t{number}_{self.at[number]}"] = now
            self.at[number] += 1
            if verb == "sleep":
                self.ready.append((now + what[0] * 1000, number))
                return False
            if verb == "wake":
                self.counts[what[0]] += 1
        return False


steps = st.one_of(
    st.tuples(st.just("sleep"), st.integers(1, 40)),
    st.tuples(st.just("wait"), st.integers(0, 1), st.integers(1, 5), st.booleans()),
    st.tuples(st.just("wake"), st.integers(0, 1)),
)
threads_ = st.lists(st.lists(steps, min_size=1, max_size=7), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(threads_, st.lists(st.integers(0, 60_000), max_size=4, unique=True), st.sampled_from(PREEMPT), st.sampled_from([24, 25]))
def test_waiters_go_on_when_their_condition_is_true(tmp_path_factory, threads, interrupts, preempt, irq):
    text = driver([list(lines_of(number, each)) for number, each in enumerate(threads)], ["dev.n0 += 1", "wake_up(dev.q0)"], irq)
    times = [interrupts] if irq == 24 else [[], interrupts]
    machine = Machine(tmp_path_factory.mktemp("waits"), text, *times, cpus=irq - 23, preempt=preempt).run(UNTIL_NS)
    expected = SlowWaits(threads, interrupts).run()
    waits = [f"t{number}_{at}" for number, each in enumerate(threads) for at, step in enumerate(each) if step[0] == "wait"]
    never = [name for name in waits if name not in expected]
    assert {name: machine.word(name) for name in expected} == expected
    assert all(machine.word(name) == 0 for name in never)


# Completions: one for each that waits, in the order in which they came


def completion_lines(number, steps):
    for at, (verb, us) in enumerate(steps):
        yield f"usleep_range({us}, {us})"
        if verb == "complete":
            yield "complete(dev.c)"
        else:
            yield "wait_for_completion(dev.c)"
            yield f"dev.t{number}_{at} = ktime_get()"


def slow_completions(threads):
    """{wait: when it was over}; no two threads may come at one moment, for then it is the scheduler's choice."""
    arrives = {number: each[0][1] * 1000 for number, each in enumerate(threads)}
    at, done, queue, ended = dict.fromkeys(arrives, 0), 0, [], {}
    while arrives:
        now = min(arrives.values())
        assume(list(arrives.values()).count(now) == 1)
        number = next(each for each, time in arrives.items() if time == now)
        del arrives[number]
        over = [number]
        if threads[number][at[number]][0] == "wait":
            queue.append(number)
            over = []
        else:
            done += 1
        while done and queue:
            done -= 1
            ended[f"t{queue[0]}_{at[queue[0]]}"] = now
            over.append(queue.pop(0))
        for each in over:
            at[each] += 1
            if at[each] < len(threads[each]):
                arrives[each] = now + threads[each][at[each]][1] * 1000
    return ended


completion_steps = st.tuples(st.sampled_from(["wait", "complete"]), st.integers(1, 500))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(completion_steps, min_size=1, max_size=6), min_size=2, max_size=5), st.sampled_from(PREEMPT))
def test_completions_are_for_those_that_came_first(tmp_path_factory, threads, preempt):
    expected = slow_completions(threads)
    text = driver([list(completion_lines(number, each)) for number, each in enumerate(threads)])
    machine = Machine(tmp_path_factory.mktemp("waits"), text, [], preempt=preempt).run(UNTIL_NS)
    waits = [f"t{number}_{at}" for number, each in enumerate(threads) for at, step in enumerate(each) if step[0] == "wait"]
    assert {name: machine.word(name) for name in waits} == {name: expected.get(name, 0) for name in waits}


def test_whoever_comes_before_a_woken_task_runs_takes_its_completion(tmp_path):
    waiter = ["wait_for_completion(dev.c)", "dev.waiter = ktime_get()"]
    thief = ["usleep_range(1, 1)", "spend(4000)", "wait_for_completion(dev.c)", "dev.thief = ktime_get()"]
    machine = Machine(tmp_path, driver([waiter, thief], ["complete(dev.c)"]), [2000, 9000], preempt="none").run()
    assert [machine.word(name) for name in ("thief", "waiter")] == [5000, 9000]


def test_completions_that_nobody_waits_for_are_kept_until_it_is_made_anew(tmp_path):
    lines = ["complete(dev.c)", "complete(dev.c)", "wait_for_completion(dev.c)", "dev.first = ktime_get() + 1",
             "init_completion(dev.c)", "wait_for_completion(dev.c)", "dev.second = ktime_get()"]  # fmt: skip
    machine = Machine(tmp_path, driver([lines], ["complete(dev.c)"]), [7000]).run()
    assert [machine.word(name) for name in ("first", "second")] == [1, 7000]


# Awkward moments

SLOW_LOOK = "\ndef ready(dev):\n    seen = dev.flag\n    dev.looks += 1\n    spend(1000)\n    return seen\n\n"


@pytest.mark.parametrize("irq", [24, 25])  # on the task's CPU, on another
@pytest.mark.parametrize("preempt", PREEMPT)
@pytest.mark.parametrize("at, over, looks", [
    (500, 2000, 2),  # before the task is on the queue: it looks again there
    (1500, 3000, 3),  # after it looked and before it sleeps: it does not sleep
    (2500, 3500, 3),  # while it sleeps
])  # fmt: skip
def test_a_wake_up_between_the_look_and_the_sleep_is_not_lost(tmp_path, preempt, at, over, looks, irq):
    lines = ["wait_event(dev.q0, ready(dev))", "dev.over = ktime_get()"]
    text = SLOW_LOOK + driver([lines], ["dev.flag = 1", "wake_up(dev.q0)"], irq)
    machine = Machine(tmp_path, text, *([[at]] if irq == 24 else [[], [at]]), cpus=irq - 23, preempt=preempt).run()
    assert [machine.word(name) for name in ("over", "looks")] == [over, looks]


def test_a_task_that_is_preempted_while_it_looks_still_runs(tmp_path):
    text = SLOW_LOOK + """
def top(irq, dev):
    return IRQ_WAKE_THREAD

def bottom(irq, dev):
    dev.flag = 1
    wake_up(dev.q0)
    spend(5000)
    return IRQ_HANDLED

def thread(dev):
    wait_event(dev.q0, ready(dev))
    dev.over = ktime_get()

def probe(dev):
    init_waitqueue_head(dev.q0)
    kthread_run(thread, dev, "waits")
    return request_threaded_irq(dev.irq, top, bottom, IRQF_ONESHOT, "dev", dev)
"""
    machine = Machine(tmp_path, text, [1500], preempt="full").run()  # the thread has the CPU from 1500 to 6500
    assert [machine.word(name) for name in ("over", "looks")] == [8000, 3]


def test_the_last_that_waits_is_woken_first(tmp_path):
    lines = ["usleep_range({0}, {0})", "wait_event(dev.q0, dev.flag)"]
    threads = [[line.format(number) for line in lines] for number in (1, 2, 3)]
    rows = machine_rows(tmp_path, driver(threads, ["dev.flag = 1", "wake_up(dev.q0)"]), [50_000])
    assert [pid for time, pid in rows if time == 50_000] == sorted({pid for _, pid in rows}, reverse=True)


def machine_rows(tmp_path, text, times):
    """(ns, pid) of the wakeups of kthreads of a driver."""
    from tophalf import vocab
    from tophalf.model.table import event_table

    machine = Machine(tmp_path, text, times)
    world = machine.builder.world(1000)
    world.run(10**6)
    table = event_table(world)
    mask = table.kind == vocab.SCHED_WAKING
    return list(zip(table.time_ns[mask].tolist(), table.a[mask].tolist(), strict=True))


def test_a_condition_that_waits_itself_is_looked_at_again(tmp_path):
    inner = "\ndef inner(dev):\n    wait_event(dev.q1, dev.n1)\n    return dev.n0\n\n"
    text = inner + driver([["wait_event(dev.q0, inner(dev))", "dev.over = ktime_get()"],
                           ["usleep_range(5, 5)", "dev.n1 = 1", "wake_up(dev.q1)"]], ["dev.n0 = 1", "wake_up(dev.q0)"])  # fmt: skip
    assert Machine(tmp_path, text, [9000]).run().word("over") == 9000


# Kthreads


@pytest.mark.parametrize("wait, answer", [
    ("wait_event(dev.q0, kthread_should_stop())", 0),
    ("dev.answer = wait_event_interruptible(dev.q0, kthread_should_stop())", 0),
    ("dev.answer = wait_event_interruptible(dev.q0, dev.never)", -512),  # TIF_NOTIFY_SIGNAL ends what waits for something else
])  # fmt: skip
def test_kthread_stop_wakes_the_thread_and_returns_what_it_returned(tmp_path, wait, answer):
    text = f"""
def thread(dev):
    {wait}
    spend(3000)
    return 42 + kthread_should_stop()

def stopper(dev):
    usleep_range(10, 10)
    dev.result = kthread_stop(dev.task)
    dev.stopped = ktime_get()

def probe(dev):
    init_waitqueue_head(dev.q0)
    dev.task = kthread_run(thread, dev, "works")
    kthread_run(stopper, dev, "stops")
    return 0
"""
    machine = Machine(tmp_path, text, []).run()
    assert [machine.word(name) for name in ("result", "stopped")] == [43, 13_000]
    assert "answer" not in machine.devices[0].words or machine.word("answer") == answer


def test_a_kthread_that_has_ended_or_never_began_can_be_stopped(tmp_path):
    text = """
def ended(dev):
    return 7

def never(dev):
    dev.began = 1
    return 8

def stopper(dev):
    dev.second = kthread_stop(dev.late)
    usleep_range(10, 10)
    dev.first = kthread_stop(dev.early)

def probe(dev):
    kthread_run(stopper, dev, "stops")
    dev.early = kthread_run(ended, dev, "early")
    dev.late = kthread_run(never, dev, "late")
    return 0
"""
    machine = Machine(tmp_path, text, []).run()
    assert [machine.word(name) for name in ("first", "second", "began")] == [7, -4, 0]


def test_schedule_lets_another_task_run_that_is_owed_more(tmp_path):
    text = """
def polite(dev):
    spend(4000)
    schedule()
    dev.first = ktime_get()

def other(dev):
    spend(1000)
    dev.second = ktime_get()

def probe(dev):
    kthread_run(polite, dev, "polite")
    kthread_run(other, dev, "other")
    return 0
"""
    machine = Machine(tmp_path, text, [], preempt="none").run()
    assert [machine.word(name) for name in ("second", "first")] == [5000, 5000]


def test_waiting_in_a_handler_ends_the_run(tmp_path):
    from tophalf.errors import TophalfError

    for line in ("wait_event(dev.q0, dev.flag)", "wait_for_completion(dev.c)", "schedule()"):
        with pytest.raises(TophalfError, match="driver.py:3, in handler.*sleeps where its context may not"):
            Machine(tmp_path, driver([], [line]), [1000]).run()
