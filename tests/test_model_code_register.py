"""Drivers in Python that register and free while they run: lines, threads, masks, kthreads, workqueues; what the kernel's log says.

Costs are 0. Edge lines are messages: one that comes while its line is masked is kept, and comes when that is let through.
"""

import errno

import pytest

from test_model_code_drivers import Machine
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.irq import managefields as g
from tophalf.model.machine.lines import hint
from tophalf.model.machine.logtexts import read_log
from tophalf.model.machine.sight import Sight

pytestmark = pytest.mark.kernels
MS = 1_000_000
HANDLER = """
def handler(irq, dev):
    write_reg(dev, 0, 1)
    dev.count += 1
    dev.cpu = smp_processor_id()
    dev.when = ktime_get()
    return IRQ_HANDLED
"""
WORK = """
def probe(dev):
    kthread_run(work, dev, "work")
    return 0
"""
PROBE = """
def probe(dev):
    kthread_run(work, dev, "work")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""


def words(machine, *names, device=0):
    return [machine.word(name, device) for name in names]


def log_of(machine):
    return [line.text for line in read_log(Sight(machine.world))]


@pytest.mark.parametrize("level", [False, True])
def test_a_line_that_is_freed_and_asked_for_again(tmp_path, level):
    text = HANDLER + """
def work(dev):
    usleep_range(2000, 2000)
    free_irq(dev.irq, dev)
    dev.before = dev.count
    usleep_range(2000, 2000)
    dev.between = dev.count
    dev.error = request_irq(dev.irq, handler, 0, "again", dev)
    spend(1)
    dev.after = dev.count
    dev.late = dev.when
    return 0
""" + PROBE
    machine = Machine(tmp_path, text, [MS, 3 * MS, 5 * MS], level=level).run()
    # what came at 3 ms is there at 4 ms: a message that was kept, a line that is asserted still
    assert words(machine, "before", "between", "error", "after", "late") == [1, 1, 0, 2, 4 * MS]
    assert words(machine, "count", "when") == [3, 5 * MS]
    assert log_of(machine) == []


def test_free_irq_waits_for_the_handler_that_runs_elsewhere(tmp_path):
    """On CPU 1 from 1 ms for 2 ms; CPU 0 frees at 2 ms. What comes at 2.5 ms has nobody, then."""
    text = """
def handler(irq, dev):
    dev.count += 1
    mdelay(2)
    dev.done = ktime_get()
    return IRQ_HANDLED

def work(dev):
    if dev.irq == 25:
        usleep_range(2000, 2000)
        free_irq(dev.irq, dev)
        dev.gone = ktime_get()
    return 0
""" + PROBE
    machine = Machine(tmp_path, text, [], [MS, 2_500_000], cpus=2).run()
    assert words(machine, "count", "done", "gone", device=1) == [1, 3 * MS, 3 * MS]
    desc, m = machine.devices[1].line, machine.world.memory
    assert m[desc + f.D_ACTIONS] == 0 and m[desc + f.D_STATE] & (f.IRQ_DISABLED | f.IRQ_MASKED) == f.IRQ_DISABLED | f.IRQ_MASKED
    assert m[desc + f.D_DEPTH] == 1 and not m[m[desc + f.D_MANAGE] + g.I_FLAGS] & g.IRQD_STARTED


@pytest.mark.parametrize("how", [{}, {"threadirqs": True}, {"preempt": "rt"}])
def test_free_irq_ends_the_thread_after_its_work_and_a_request_begins_it_again(tmp_path, how):
    text = """
def top(irq, dev):
    write_reg(dev, 0, 1)
    return IRQ_WAKE_THREAD

def thread(irq, dev):
    usleep_range(2000, 2000)
    dev.ended = ktime_get()
    dev.count += 1
    return IRQ_HANDLED

def work(dev):
    dev.first = request_threaded_irq(dev.irq, top, thread, IRQF_SHARED | IRQF_ONESHOT, "one", dev)
    usleep_range(2000, 2000)
    free_irq(dev.irq, dev)
    dev.gone = ktime_get()
    dev.second = request_threaded_irq(dev.irq, top, thread, 0, "two", dev)
    usleep_range(5000, 5000)
    free_irq(dev.irq, dev)
    dev.end = ktime_get()
    return 0
""" + WORK
    machine = Machine(tmp_path, text, [MS, 4 * MS], level=True, **how).run(20 * MS)
    # at 1 ms for 2 ms; asked for at 3 ms; at 4 ms for 2 ms; freed at 8 ms
    assert words(machine, "first", "gone", "second", "count", "ended", "end") == [0, 3 * MS, 0, 2, 6 * MS, 8 * MS]
    states = [int(machine.world.memory[task + f.K_STATE]) for task in threads(machine)]
    assert states == [f.DEAD] * len(states) and len(states) == (3 if how else 2)


def threads(machine):
    strings, m = machine.builder.memory.strings, machine.builder.memory
    return [task for task in machine.builder.tasks.values() if strings[m[task + f.K_NAME]].startswith("irq/24-")]


def test_of_a_shared_line_one_device_goes(tmp_path):
    text = """
def handler(irq, dev):
    dev.asked += 1
    if not read_reg(dev, 0) & 1:
        return IRQ_NONE
    write_reg(dev, 0, 1)
    dev.count += 1
    return IRQ_HANDLED

def work(dev):
    if dev.leaves:
        usleep_range(2000, 2000)
        free_irq(dev.irq, dev)
    return 0

def probe(dev):
    dev.leaves = 1 - seen(dev)
    kthread_run(work, dev, "work")
    return request_irq(dev.irq, handler, IRQF_SHARED, "dev", dev)

def seen(dev):
    return read_reg(dev, 5)
"""
    text = text.replace("read_reg(dev, 5)", "read_reg(dev, 0) * 0")
    machine = Machine(tmp_path, text, [MS], [1_500_000, 3 * MS], level=True, same_line=True)
    machine.builder.memory[machine.devices[1].words["leaves"]] = 0
    machine.run()
    assert words(machine, "asked", "count") == [2, 1] and words(machine, "asked", "count", device=1) == [3, 2]


def test_what_is_refused_while_the_driver_runs_and_what_the_log_says(tmp_path):
    text = HANDLER + """
def work(dev):
    spend(1000)
    dev.other_flags = request_irq(dev.irq, handler, IRQF_SHARED, "other", dev)
    dev.no_line = request_irq(99, handler, 0, "none", dev)
    dev.nobody = request_irq(dev.irq, handler, IRQF_SHARED, "nobody", None)
    free_irq(dev.irq, dev)
    dev.no_oneshot = request_threaded_irq(dev.irq, None, handler, 0, "thread", dev)
    free_irq(dev.irq, dev)
    enable_irq(dev.irq)
    enable_irq(dev.irq)
    dev.fine = request_threaded_irq(dev.irq, None, handler, IRQF_ONESHOT, "thread", dev)
    return 0
""" + PROBE
    machine = Machine(tmp_path, text, [], level=True).run()
    expected = [-errno.EBUSY, -errno.EINVAL, -errno.EINVAL, -errno.EINVAL, 0]
    assert words(machine, "other_flags", "no_line", "nobody", "no_oneshot", "fine") == expected
    assert log_of(machine) == [
        "genirq: Flags mismatch irq 24. 00000084 (other) vs. 00000004 (dev)",
        "genirq: Threaded irq requested with handler=NULL and !ONESHOT for thread (irq 24)",
        "Trying to free already-free IRQ 24", "Unbalanced enable for IRQ 24",
    ]  # fmt: skip


def test_a_line_that_is_not_enabled_by_itself(tmp_path):
    text = HANDLER + """
def work(dev):
    dev.error = request_irq(dev.irq, handler, IRQF_NO_AUTOEN, "dev", dev)
    usleep_range(2000, 2000)
    dev.before = dev.count
    enable_irq(dev.irq)
    return 0
""" + WORK
    machine = Machine(tmp_path, text, [MS]).run()
    assert words(machine, "error", "before", "count", "when") == [0, 0, 1, 2 * MS]


def test_a_driver_moves_its_line(tmp_path):
    text = HANDLER + """
def work(dev):
    usleep_range(2000, 2000)
    dev.moved = irq_set_affinity(dev.irq, 1 << 1)
    dev.no_cpu = irq_set_affinity(dev.irq, 1 << 5)
    usleep_range(12000, 12000)  # the old vector is free again
    dev.was = dev.cpu
    dev.hinted = irq_set_affinity_hint(dev.irq, dev.count << 1)
    return 0
""" + PROBE
    machine = Machine(tmp_path, text, [MS, 3 * MS, 20 * MS], cpus=3).run(30 * MS)
    assert words(machine, "moved", "no_cpu", "was", "hinted", "cpu") == [0, -errno.EINVAL, 1, 0, 2]
    assert hint(Sight(machine.world), 24) == (2,)


def test_kthreads_that_begin_while_the_driver_runs(tmp_path):
    text = """
def loop(dev):
    dev.began = ktime_get()
    while not kthread_should_stop():
        dev.rounds += 1
        usleep_range(1000, 1000)
    return 7

def work(dev):
    usleep_range(500, 500)
    for i in range(2):
        dev.thread = kthread_run(loop, dev, "loop")
        usleep_range(2500, 2500)
        dev.answer += kthread_stop(dev.thread)
    dev.ended = ktime_get()
    return 0
""" + WORK
    machine = Machine(tmp_path, text, []).run(20 * MS)
    # from 0.5 ms rounds at 0.5, 1.5, 2.5; stopped at 3 ms, seen at 3.5; again from there: 3.5, 4.5, 5.5; seen at 6.5
    assert words(machine, "began", "rounds", "answer", "ended") == [3_500_000, 6, 14, 6_500_000]


def test_bottom_halves_and_workqueues_that_are_set_up_while_the_driver_runs(tmp_path):
    text = """
def low(t):
    dev = from_tasklet(t)
    dev.low = ktime_get()

def job(w):
    dev = container_of(w)
    dev.jobs += 1
    usleep_range(1000, 1000)

def later(w):
    dev = container_of(w)
    dev.later = ktime_get()

def vector():
    spend(1)

def work(dev):
    dev.wq = alloc_workqueue("own", WQ_HIGHPRI, 0)
    if not dev.wq:
        return -ENOMEM
    tasklet_setup(dev.t, low)
    INIT_WORK(dev.job, job)
    INIT_DELAYED_WORK(dev.delayed, later)
    open_softirq(HI_SOFTIRQ, vector)
    spend(1000)
    local_bh_disable()
    tasklet_schedule(dev.t)
    local_bh_enable()
    queue_delayed_work(system_wq, dev.delayed, 1)
    dev.queued = queue_work(dev.wq, dev.job)
    flush_workqueue(dev.wq)
    dev.flushed = ktime_get()
    queue_work(dev.wq, dev.job)
    drain_workqueue(dev.wq)
    dev.drained = ktime_get()
    queue_work(dev.wq, dev.job)
    destroy_workqueue(dev.wq)
    dev.destroyed = ktime_get()
    queue_work(dev.wq, dev.job)
    return 0
""" + WORK
    machine = Machine(tmp_path, text, [], hz=1000).run(20 * MS)
    assert words(machine, "low", "queued", "jobs", "later") == [1000, 1, 3, 2 * MS]
    assert words(machine, "flushed", "drained", "destroyed") == [1_001_000, 2_001_000, 3_001_000]


@pytest.mark.parametrize("lines", [
    'request_irq(dev.irq, handler, IRQF_SHARED, "dev", dev)', 'dev.t = kthread_run(sleeps, dev, "sleeps")',
])  # fmt: skip
def test_a_call_that_registers_once_more_what_is_there_ends_the_run(tmp_path, lines):
    text = HANDLER + f"""
def sleeps(dev):
    msleep(100)
    return 0

def work(dev):
    for i in range(2):
        {lines}
    return 0
""" + WORK
    with pytest.raises(TophalfError) as caught:
        Machine(tmp_path, text, []).run()
    assert "registers once more" in caught.value.what and "driver.py:16, in work" in caught.value.where


@pytest.mark.parametrize("line, what", [
    ("request_irq(dev.irq, handler, dev.count, 'dev', dev)", "not known before the run"),
    ("alloc_workqueue('x', dev.count, 0)", "not known before the run"), ("irq_set_affinity(dev.count, 1)", "number of the IRQ"),
    ("destroy_workqueue(dev.nothing)", "never set up"), ("open_softirq(77, work)", "no softirq 77"),
    ("request_irq(dev.irq, handler, 0, 'dev', dev.count)", "not known to be a device"),
    ("free_irq(dev.irq, dev.count)", "not known to be a device"), ("kthread_run(work, dev.count, 'x')", "not known to be a device"),
])  # fmt: skip
def test_what_cannot_be_laid_out_before_the_run_is_refused_with_the_line(tmp_path, line, what):
    text = HANDLER + f"\ndef work(dev):\n    {line}\n    return 0\n" + WORK
    text = text.replace("77, work", "77, nothing") + "\ndef nothing():\n    spend(1)\n"
    with pytest.raises(TophalfError) as caught:
        Machine(tmp_path, text, [])
    assert what in caught.value.what and "driver.py:11" in caught.value.where


@pytest.mark.parametrize("line, what", [
    ("t = dev.other\n    tasklet_setup(t, low)", "t is not known to be a tasklet"), ("mod_timer(0 or dev, 5)", "takes a timer"),
    ("request_irq(dev.irq, handler, dev, 'dev', dev)", "dev is not known to be a number"),
    ("request_irq(dev.irq, handler, 0, 'dev', dev.lock)", "dev.lock is not known to be a dev"),
    ("write_reg(None, 0, 1)", "no register 0x0"), ("x = dev.other\n    mod_timer(x, 5)", "x is not known to be a timer"),
])  # fmt: skip
def test_what_probe_hands_over_must_be_what_it_is_taken_for(tmp_path, line, what):
    text = HANDLER + f"\ndef low(t):\n    spend(1)\n\ndef probe(dev):\n    spin_lock_init(dev.lock)\n    {line}\n    return 0\n"
    with pytest.raises(TophalfError) as caught:
        Machine(tmp_path, text, [])
    assert what in caught.value.what and "driver.py:1" in caught.value.where


def test_asking_again_for_a_line_of_ones_own_is_ebusy(tmp_path):
    text = HANDLER + """
def work(dev):
    dev.again = again(dev)
    free_irq(dev.irq, dev)
    dev.first = again(dev)
    dev.second = again(dev)
    return 0


def again(dev):
    return request_irq(dev.irq, handler, 0, "dev", dev)
""" + PROBE
    machine = Machine(tmp_path, text, []).run()
    assert words(machine, "again", "first", "second") == [-errno.EBUSY, 0, -errno.EBUSY]
