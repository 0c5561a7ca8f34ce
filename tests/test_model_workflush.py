"""Waiting for work items and taking them back, with times worked out by hand."""

import pytest

from modelprograms import program
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.work import workfields as g
from tophalf.model.work import workops
from tophalf.model.work.buildwork import add_workqueue, system_workqueue
from workprograms import MS, counts, ended, item, nothing_is_lost, queue, queued_at, run, simulated, started, story

pytestmark = pytest.mark.kernels


def task(builder, *steps, name="waits"):
    """A task that does steps (as workprograms.item), with the time and R0 after each noted by how long it sleeps: see `after`."""
    body = [step if isinstance(step, tuple) else run(step) for step in steps]
    return builder.task(name, 0, program(builder, *body, (ops.OP_EXIT,)))


def exits(world, table, pid_of):
    """When a task ended, ms."""
    pid = int(world.memory[pid_of + f.K_PID])
    rows = (table.kind == 13) & (table.pid == pid) & (table.b == f.DEAD)
    return [time / MS for time in table.time_ns[rows].tolist()]


def one_workqueue(max_active=0, cpus=1):
    builder = Builder(1, cpus=cpus)
    return builder, add_workqueue(builder, "q", 0, max_active)


def test_flush_of_an_item_that_runs_waits_for_its_end():
    builder, wq = one_workqueue()
    work = item(builder, "long", 1, -5)
    queued_at(builder, wq, work, 0)
    waits = task(builder, -2, (workops.OP_FLUSH_WORK, work))
    world, table = simulated(builder, 20)
    assert exits(world, table, waits) == [6]
    assert story(table, "QSE") == [
        (0, "Q", "long", "<idle>"), (0, "S", "long", "kworker/0:0"), (6, "E", "long", "kworker/0:0"),
        (6, "S", "wq_barrier_func", "kworker/0:0"), (6, "E", "wq_barrier_func", "kworker/0:0"),
    ]  # fmt: skip


def test_flush_of_an_item_that_waits_runs_its_barrier_after_it():
    builder, wq = one_workqueue(max_active=1)
    first, second = item(builder, "first", -4), item(builder, "second", -3)
    third = item(builder, "third", -1)
    for work in (first, second, third):
        queued_at(builder, wq, work, 0)
    waits = task(builder, -1, (workops.OP_FLUSH_WORK, second))
    world, table = simulated(builder, 20)
    assert started(table) == [(0, "first"), (4, "second"), (7, "wq_barrier_func"), (7, "third")]
    assert exits(world, table, waits) == [7]


def test_flush_of_an_idle_item_waits_for_nothing():
    builder, wq = one_workqueue()
    work = item(builder, "idle", 1)
    waits = task(builder, -1, (workops.OP_FLUSH_WORK, work))
    world, table = simulated(builder, 5)
    assert exits(world, table, waits) == [1]
    assert world.memory[work + g.X_RUNS] == 0


def test_flush_workqueue_waits_for_what_is_queued_by_then_and_for_nothing_later():
    builder, wq = one_workqueue(max_active=1)
    works = [item(builder, f"w{at}", -4) for at in range(3)]
    queued_at(builder, wq, works[0], 0)
    queued_at(builder, wq, works[1], 0)
    queued_at(builder, wq, works[2], 3)
    waits = task(builder, -2, (workops.OP_FLUSH_WORKQUEUE, wq))
    world, table = simulated(builder, 30)
    assert exits(world, table, waits) == [8]
    assert ended(table) == [(4, "w0"), (8, "w1"), (12, "w2")]


def test_flushers_of_several_colors_are_done_in_turn():
    builder, wq = one_workqueue(max_active=1)
    works = [item(builder, f"w{at}", -4) for at in range(3)]
    for at, work in enumerate(works):
        queued_at(builder, wq, work, at)
    tasks = [task(builder, -(at + 0.5), (workops.OP_FLUSH_WORKQUEUE, wq), name=f"t{at}") for at in range(4)]
    world, table = simulated(builder, 30)
    assert [exits(world, table, waits) for waits in tasks] == [[4], [8], [12], [12]]


def test_more_flushers_than_colors_wait_for_one():
    builder, wq = one_workqueue()
    work = item(builder, "long", -8)
    queued_at(builder, wq, work, 0)
    tasks = [task(builder, -(1 + at / 10), (workops.OP_FLUSH_WORKQUEUE, wq), name=f"t{at}") for at in range(20)]
    world, table = simulated(builder, 30)
    assert [exits(world, table, waits) for waits in tasks] == [[8]] * 20


def test_drain_lets_items_queue_items_of_their_own_and_nobody_else():
    builder, wq = one_workqueue()
    chained, other = item(builder, "chained", -2), item(builder, "other", 1)
    first = item(builder, "first", -3, queue(chained, wq))
    queued_at(builder, wq, first, 0)
    queued_at(builder, wq, other, 2)
    drain = ((workops.OP_DRAIN_BEGIN, wq), (workops.OP_FLUSH_WORKQUEUE, wq), (workops.OP_DRAIN_CHECK, wq))
    waits = task(builder, -1, *drain, queue(other, wq))
    world, table = simulated(builder, 20)
    assert started(table) == [(0, "first"), (3, "chained"), (5, "other")]
    assert counts(world, other) == (1, 1, 0, 0)  # the one at 2 was refused
    assert exits(world, table, waits) == [5]


def test_cancel_takes_an_item_out_of_the_queue_and_lets_the_next_in():
    builder, wq = one_workqueue(max_active=1)
    works = [item(builder, f"w{at}", -4) for at in range(3)]
    for work in works:
        queued_at(builder, wq, work, 0)
    task(builder, -1, (workops.OP_CANCEL_WORK, works[1]))
    world, table = simulated(builder, 20)
    assert ended(table) == [(4, "w0"), (8, "w2")]
    assert counts(world, works[1]) == (1, 0, 1, 0)


def test_cancel_sync_waits_for_one_that_runs_and_nobody_can_queue_it_meanwhile():
    builder, wq = one_workqueue()
    work = item(builder, "long", -5)
    queued_at(builder, wq, work, 0, 3, 7)
    waits = task(builder, -2, (workops.OP_CANCEL_WORK_SYNC, work))
    world, table = simulated(builder, 20)
    assert exits(world, table, waits) == [5]
    assert [time for time, name in started(table) if name == "long"] == [0, 7]


def test_cancel_of_an_item_with_a_barrier_leaves_the_barrier_to_the_next_worker():
    builder, wq = one_workqueue(max_active=1)
    first, second = item(builder, "first", -6), item(builder, "second", -1)
    queued_at(builder, wq, first, 0)
    queued_at(builder, wq, second, 0)
    waits = task(builder, -1, (workops.OP_FLUSH_WORK, second))
    task(builder, -3, (workops.OP_CANCEL_WORK, second), name="cancels")
    world, table = simulated(builder, 20)
    assert exits(world, table, waits) == [6]  # it goes to the pool's list at 3, but nobody is woken for it (kernel 6.12, too)
    assert [time for time, name in started(table) if name == "wq_barrier_func"] == [6]
    assert counts(world, second) == (1, 0, 1, 0)


def test_a_disabled_item_is_not_queued_until_it_is_enabled_as_often():
    builder, wq = one_workqueue()
    work = item(builder, "off", 1)
    queued_at(builder, wq, work, 2, 4, 6)
    disable = (workops.OP_CANCEL_WORK, work, workops.DISABLE)
    task(builder, -1, disable, disable, -2, (workops.OP_ENABLE_WORK, work), -2, (workops.OP_ENABLE_WORK, work))
    world, table = simulated(builder, 20)
    assert started(table) == [(6, "off")]


def delayed(work, wq, jiffies, op=workops.OP_QUEUE_DELAYED_WORK):
    return op, work, wq, jiffies * workops.DELAY_UNIT


def test_delayed_work_is_queued_by_the_timer_softirq_at_its_jiffy():
    builder = Builder(1, hz=1000)
    wq = system_workqueue(builder, "system_wq")
    work = item(builder, "late", 1)
    task(builder, -2.5, delayed(work, wq, 3))
    _, table = simulated(builder, 20)
    assert started(table) == [(6, "late")]  # jiffy 2 and 3 more are over
    queued = (table.kind == 9).nonzero()[0][0]
    assert table.flags[queued] & 0x10  # in a softirq


def test_without_a_delay_it_is_queued_at_once():
    builder, wq = one_workqueue()
    work = item(builder, "now", 1)
    task(builder, -2.5, delayed(work, wq, 0))
    _, table = simulated(builder, 20)
    assert started(table) == [(2.5, "now")]


def test_mod_delayed_work_moves_the_time():
    builder = Builder(1, hz=1000)
    wq = system_workqueue(builder, "system_wq")
    work = item(builder, "moved", 1)
    modify = workops.OP_MOD_DELAYED_WORK
    task(builder, -1.5, delayed(work, wq, 5), -2, delayed(work, wq, 5), delayed(work, wq, 9, modify), delayed(work, wq, 4, modify))
    world, table = simulated(builder, 30)
    assert started(table) == [(8, "moved")]
    assert counts(world, work) == (1, 1, 0, 0)


def test_cancel_delayed_work_stops_the_timer():
    builder = Builder(1, hz=1000)
    wq = system_workqueue(builder, "system_wq")
    work = item(builder, "never", 1)
    task(builder, -1.5, delayed(work, wq, 5), -2, (workops.OP_CANCEL_WORK_SYNC, work, workops.DELAYED))
    world, table = simulated(builder, 30)
    assert started(table) == []
    assert counts(world, work) == (0, 0, 0, 0)


def test_flush_delayed_work_queues_it_now():
    builder = Builder(1, hz=1000)
    wq = system_workqueue(builder, "system_wq")
    work = item(builder, "hurried", -1)
    waits = task(builder, -1.5, delayed(work, wq, 50), (workops.OP_FLUSH_WORK, work, workops.DELAYED))
    world, table = simulated(builder, 30)
    assert started(table)[0] == (1.5, "hurried")
    assert exits(world, table, waits) == [2.5]
    nothing_is_lost(world)
