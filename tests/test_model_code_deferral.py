"""Works and tasklets of drivers whose CPU or delay is known while they run, and what waits for them, against plain reckoning.

Twin of: deferral. HZ is 250: a jiffy lasts 4 ms.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_model_code_drivers import Machine
from tophalf.errors import TophalfError

pytestmark = pytest.mark.kernels
JIFFY_NS = 4_000_000
HEAD = """
def work(w):
    dev = container_of(w)
    dev.runs += 1
    dev.cpu = smp_processor_id()
    dev.began = ktime_get()
    usleep_range(100, 100)
    dev.ended = ktime_get()
"""
PROBE = """
def probe(dev):
    dev.wq = alloc_workqueue("own", WQ_PERCPU, 0)
    dev.ordered = alloc_ordered_workqueue("in-order", 0)
    INIT_WORK(dev.work, work)
    INIT_DELAYED_WORK(dev.later, work)
    kthread_run(thread, dev, "thread")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""


def driver(handler=(), thread=(), more=""):
    parts = [f"def {name}:\n" + "".join(f"    {line}\n" for line in [*lines, "return 1"])
             for name, lines in (("handler(irq, dev)", handler), ("thread(dev)", thread))]  # fmt: skip
    return HEAD + more + "\n" + "\n".join(parts) + PROBE


def words(machine, *names):
    return [machine.word(name) for name in names]


# Queueing


def slow_runs(at_ns, delay):
    """When a work whose delay was given at some moment begins: at once, or at the tick after the jiffy at which it is over."""
    return at_ns if delay == 0 else (at_ns // JIFFY_NS + max(delay, 0) + 1) * JIFFY_NS


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 20_000_000), st.integers(-3, 20), st.sampled_from(["queue_delayed_work(dev.wq, ", "mod_delayed_work(dev.wq, ",
                                                                        "schedule_delayed_work("]))  # fmt: skip
def test_a_delay_that_is_reckoned_is_kept_as_one_that_is_written(tmp_path_factory, at_ns, delay, call):
    text = driver([f"dev.first = {call}dev.later, dev.delay)", f"dev.second = {call}dev.later, dev.delay)"])
    text = text.replace("def probe(dev):\n", f"def probe(dev):\n    dev.delay = {delay}\n")
    machine = Machine(tmp_path_factory.mktemp("delay"), text, [at_ns]).run(200_000_000)
    written = Machine(tmp_path_factory.mktemp("delay"), text.replace("dev.delay)", f"{delay})"), [at_ns]).run(200_000_000)
    expected = [0, 1, 1] if "mod" in call else [1, 0, 1]  # whether it was pending; whether it was not
    assert words(machine, "first", "second", "runs") == expected == words(written, "first", "second", "runs")
    assert machine.word("began") == written.word("began") == slow_runs(at_ns, delay)


def test_a_work_is_queued_on_the_cpu_that_a_local_names(tmp_path):
    lines = ["cpu = 1 - smp_processor_id()", "dev.first = queue_work_on(cpu, dev.wq, dev.work)",
             "dev.second = queue_work_on(cpu, dev.wq, dev.work)"]  # fmt: skip
    machine = Machine(tmp_path, driver(lines), [1000], cpus=2).run()
    assert words(machine, "first", "second", "runs", "cpu", "began") == [1, 0, 1, 1, 1000]
    with pytest.raises(TophalfError, match="driver.py:.., in handler.*CPU that is not there"):
        Machine(tmp_path, driver(lines), [1000], cpus=1).run()


# Waiting, from a thread at 50 us; the work is queued at 10 us and takes 100 us

QUEUE, LATER = ["queue_work(dev.wq, dev.work)"], ["queue_delayed_work(dev.wq, dev.later, 5)"]
WAIT = ["usleep_range(50, 50)", "dev.answer = {}", "dev.over = ktime_get()"]


@pytest.mark.parametrize("queue, call, answer, over, ran", [
    (QUEUE, "flush_work(dev.work)", 1, 110_000, 1),
    (QUEUE, "flush_workqueue(dev.wq)", None, 110_000, 1),
    (QUEUE, "drain_workqueue(dev.wq)", None, 110_000, 1),
    (QUEUE, "destroy_workqueue(dev.wq)", None, 110_000, 1),
    (QUEUE, "flush_workqueue(dev.ordered)", None, 50_000, 1),
    (QUEUE, "cancel_work_sync(dev.work)", 0, 110_000, 1),
    (LATER, "flush_delayed_work(dev.later)", 1, 150_000, 1),
    (LATER, "cancel_delayed_work(dev.later)", 1, 50_000, 0),
    (LATER, "cancel_delayed_work_sync(dev.later)", 1, 50_000, 0),
    (LATER, "flush_workqueue(dev.wq)", None, 50_000, 1),  # what is not queued yet is not waited for
])  # fmt: skip
def test_what_waits_for_works_and_takes_them_back(tmp_path, queue, call, answer, over, ran):
    lines = [line.format(call) if answer is not None else line.replace("dev.answer = ", "").format(call) for line in WAIT]
    machine = Machine(tmp_path, driver(queue, lines), [10_000]).run(50_000_000)
    assert words(machine, "over", "runs") == [over, ran]
    assert answer is None or machine.word("answer") == answer


def test_a_destroyed_workqueue_takes_no_work_any_more(tmp_path):
    lines = ["usleep_range(20, 20)", "destroy_workqueue(dev.wq)", "dev.answer = queue_work(dev.wq, dev.work)"]
    machine = Machine(tmp_path, driver(QUEUE, lines), [10_000]).run()
    assert words(machine, "runs", "answer") == [1, 0]


def test_works_of_an_ordered_workqueue_run_one_after_the_other(tmp_path):
    lines = ["queue_work(dev.ordered, dev.work)", "queue_delayed_work(dev.ordered, dev.later, 0)"]
    machine = Machine(tmp_path, driver(lines), [10_000], cpus=2).run()
    assert words(machine, "runs", "began", "ended") == [2, 110_000, 210_000]


# Tasklets

TASKLET = """
def soft(t):
    dev = from_tasklet(t)
    dev.came = ktime_get()
    spend(5000)

def handler(irq, dev):
    tasklet_schedule(dev.t)
    return IRQ_HANDLED

def thread(dev):
    usleep_range(2, 2)
    tasklet_disable(dev.t)
    dev.order += 1
    dev.off = ktime_get()
    usleep_range(50, 50)
    tasklet_enable(dev.t)
    return 0

def probe(dev):
    if dev.irq == 25:
        return 0
    tasklet_setup(dev.t, soft)
    for i in range({0}):
        kthread_run(thread, dev, "thread")
    return request_irq(25, handler, 0, "dev", dev)
"""


@pytest.mark.parametrize("tasks", [1, 3])
def test_tasklet_disable_waits_until_it_does_not_run(tmp_path, tasks):
    """It runs on CPU1 from 1.01 to 6.01 us. The threads are on CPU0, and come at 2 us; the tasklet is scheduled again at 30 us, and
    the softirq looks for it each 10 ns until it is enabled at 56.01 us."""
    machine = Machine(tmp_path, TASKLET.format(tasks), [], [1000, 30_000], cpus=2, costs={"softirq_entry": 10}).run()
    assert words(machine, "order", "off") == [tasks, 6010]
    assert 56_010 <= machine.word("came") <= 56_020
