"""Kinds of workqueues: BH, unbound with its nodes and scopes, ordered, with a rescuer, freezable; times worked out by hand."""

import pytest

from modelprograms import at_times, busy, program
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_tasklet
from tophalf.model.work import workfields as g
from tophalf.model.work import workops
from tophalf.model.work.buildwork import SYSTEM, add_source, add_workqueue, system_workqueue, workqueues
from workprograms import MS, counts, ended, item, nothing_is_lost, queue, queued_at, run, simulated, started, story

pytestmark = pytest.mark.kernels

# BH


def test_bh_items_run_in_the_softirq_that_the_interrupt_ends_with():
    builder = Builder(1)
    wq = system_workqueue(builder, "system_bh_wq")
    queued_at(builder, wq, item(builder, "bottom", 1), 0)
    world, table = simulated(builder, 5)
    assert story(table) == [(0, "S", "bottom", "<idle>"), (1, "E", "bottom", "<idle>")]
    start = (table.kind == vocab.WORKQUEUE_EXECUTE_START).nonzero()[0][0]
    assert table.flags[start] & vocab.FLAG_SOFTIRQ
    assert table.a[(table.kind == vocab.SOFTIRQ_ENTRY)].tolist() == [vocab.TASKLET]
    assert world.memory[builder.cpus[0] + f.C_TIMES + f.SOFTIRQ] == MS


def test_bh_items_come_before_the_tasklets_of_their_softirq():
    builder = Builder(1)
    wq = system_workqueue(builder, "system_bh_wq")
    tasklet = add_tasklet(builder, "tasklet", program(builder, (ops.OP_SPEND_NS, 1000), (ops.OP_RET,)))
    work = item(builder, "bottom", 1)
    at_times(builder, 30, [MS], (ops.OP_TASKLET_SCHEDULE, tasklet, vocab.TASKLET), queue(work, wq))
    _, table = simulated(builder, 5)
    order = table.kind[(table.kind == vocab.TASKLET_ENTRY) | (table.kind == vocab.WORKQUEUE_EXECUTE_START)]
    assert order.tolist() == [vocab.WORKQUEUE_EXECUTE_START, vocab.TASKLET_ENTRY]


def test_highpri_bh_items_run_in_the_softirq_hi():
    builder = Builder(1)
    queued_at(builder, system_workqueue(builder, "system_bh_wq"), item(builder, "plain", 0.1), 0)
    work, wq = item(builder, "urgent", 0.1), system_workqueue(builder, "system_bh_highpri_wq")
    queued_at(builder, wq, work, 0)
    _, table = simulated(builder, 5)
    assert table.a[(table.kind == vocab.SOFTIRQ_ENTRY)].tolist() == [vocab.HI, vocab.TASKLET]
    assert [name for _, name in ended(table)] == ["urgent", "plain"]  # two timers of one moment have one interrupt


def test_ten_bh_items_a_run_then_the_softirq_is_raised_again():
    builder = Builder(1, hz=1000)
    wq = system_workqueue(builder, "system_bh_wq")
    works = [item(builder, f"w{at}", 0.01) for at in range(25)]
    at_times(builder, 30, [MS], *(queue(work, wq) for work in works))
    _, table = simulated(builder, 5)
    entries = table.time_ns[table.kind == vocab.SOFTIRQ_ENTRY].tolist()
    assert entries == [MS, MS + 100_000, MS + 200_000]
    assert len(ended(table)) == 25


def test_bh_items_for_two_milliseconds_a_run():
    builder = Builder(1, hz=1000)
    wq = system_workqueue(builder, "system_bh_wq")
    works = [item(builder, f"w{at}", 0.8) for at in range(4)]
    at_times(builder, 30, [MS], *(queue(work, wq) for work in works))
    _, table = simulated(builder, 8)
    # from jiffy 1 until jiffy 3 has come: three items, the third begins at 2.6
    assert table.time_ns[table.kind == vocab.SOFTIRQ_ENTRY].tolist()[:2] == [MS, 3_400_000]


def test_bh_items_of_another_cpu_are_raised_there_by_an_interrupt():
    builder = Builder(1, cpus=2, costs={"ipi": 500})
    wq = system_workqueue(builder, "system_bh_wq")
    queued_at(builder, wq, item(builder, "there", 1), 2, cpu=1)
    _, table = simulated(builder, 5)
    assert story(table, "QSE") == [(2, "Q", "there", "<idle>"), (2.0005, "S", "there", "<idle>"), (3.0005, "E", "there", "<idle>")]
    names = [table.strings[name] for name, cpu in zip(table.name.tolist(), table.cpu.tolist(), strict=True) if cpu and name >= 0]
    assert names[0] == "irq_work"


def test_cancel_sync_of_a_bh_item_on_another_cpu_waits_busily():
    builder = Builder(1, cpus=2)
    wq = system_workqueue(builder, "system_bh_wq")
    work = item(builder, "there", 2)
    queued_at(builder, wq, work, 0, home=1)
    task = builder.task("cancels", 0, program(builder, run(-1), (workops.OP_CANCEL_WORK_SYNC, work), (ops.OP_EXIT,)))
    world, table = simulated(builder, 5)
    assert world.memory[task + f.K_RUNTIME] == MS
    assert started(table) == [(0, "there"), (2, "wq_barrier_func")]


@pytest.mark.parametrize(("kernel", "flags", "max_active", "says"), [
    ("6.12", g.WQ_BH | g.WQ_UNBOUND, 0, "BH workqueue may only be highpri"), ("6.12", g.WQ_BH, 4, "no max_active"),
    ("6.1", g.WQ_BH, 0, "6.1 has no BH"), ("6.12", 0, 513, "out of range"),
])  # fmt: skip
def test_what_the_kernel_would_warn_of_is_refused(kernel, flags, max_active, says):
    with pytest.raises(TophalfError, match=says):
        add_workqueue(Builder(1, kernel=kernel), "q", flags, max_active)


# Unbound


def test_unbound_items_run_beside_each_other_on_idle_cpus():
    builder = Builder(1, cpus=3)
    wq = system_workqueue(builder, "system_unbound_wq")
    for at in range(3):
        queued_at(builder, wq, item(builder, f"w{at}", 4), 1)
    _, table = simulated(builder, 10)
    starts = table.kind == vocab.WORKQUEUE_EXECUTE_START
    assert table.time_ns[starts].tolist() == [MS] * 3
    assert sorted(table.cpu[starts].tolist()) == [0, 1, 2]


def test_unbound_on_one_cpu_shares_it_by_the_scheduler():
    builder = Builder(1, preempt="full", hz=1000)
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND)
    for at in range(2):
        queued_at(builder, wq, item(builder, f"w{at}", 6), 0)
    _, table = simulated(builder, 20)
    assert started(table)[1][0] < 2  # bound, the second would begin at 6
    assert all(11 <= time <= 12 for time, _ in ended(table))


def test_max_active_of_an_unbound_workqueue_is_for_the_machine_and_by_node():
    builder = Builder(1, cpus=4)
    builder.about["nodes"] = {0: (0, 1), 1: (2, 3)}
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND, 32)
    nodes = builder.memory[wq + g.WQ_NODE_NR_ACTIVE]
    assert [builder.memory[builder.memory[nodes + at] + g.NNA_MAX] for at in range(3)] == [16, 16, 32]
    small = builder.memory[add_workqueue(builder, "small", g.WQ_UNBOUND, 3) + g.WQ_NODE_NR_ACTIVE]
    assert [builder.memory[builder.memory[small + at] + g.NNA_MAX] for at in range(3)] == [3, 3, 3]


def test_an_unbound_workqueue_with_two_active_runs_two():
    builder = Builder(1, cpus=4)
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND, 2)
    for at in range(5):
        queued_at(builder, wq, item(builder, f"w{at}", 3), 0)
    world, table = simulated(builder, 20)
    assert [time for time, _ in started(table)] == [0, 0, 3, 3, 6]
    nothing_is_lost(world)


def test_pods_that_wait_take_turns():
    builder = Builder(1, cpus=2)
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND, 1, scope="cpu")
    for at in range(3):
        queued_at(builder, wq, item(builder, f"a{at}", 2), 0, home=0)
        queued_at(builder, wq, item(builder, f"b{at}", 2), 0.5, home=1)
    _, table = simulated(builder, 20)
    assert started(table) == [(0, "a0"), (2, "a1"), (4, "b0"), (6, "a2"), (8, "b1"), (10, "b2")]


@pytest.mark.parametrize(("scope", "pools"), [
    ("cpu", [(0,), (1,), (2,), (3,)]), ("smt", [(0, 2), (1, 3)]), ("cache", [(0, 1), (2, 3)]), (None, [(0, 1), (2, 3)]),
    ("numa", [(0, 1), (2, 3)]), ("system", [(0, 1, 2, 3)]),
])  # fmt: skip
def test_affinity_scopes_share_workers_among_the_cpus_of_a_pod(scope, pools):
    builder = Builder(1, cpus=4)
    builder.about |= {"nodes": {0: (0, 1), 1: (2, 3)}, "siblings": ((0, 2), (1, 3))}
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND, scope=scope)
    used = {pool for queue_, pool in workqueues(builder).pwqs if queue_ == wq}
    assert [key[1] for key, pool in workqueues(builder).pools.items() if pool in used] == pools


def test_unbound_work_stays_off_isolated_cpus():
    builder = Builder(1, cpus=4)
    builder.about["isolated"] = (0, 1)
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND, scope="cpu")
    for at in range(3):
        queued_at(builder, wq, item(builder, f"w{at}", 1), at * 2, home=0)
    _, table = simulated(builder, 10)
    assert table.cpu[table.kind == vocab.WORKQUEUE_EXECUTE_START].tolist() == [2, 3, 2]  # in turn (wq_rr_cpu_last)


def test_an_unbound_worker_never_wakes_on_a_cpu_that_is_offline():
    builder = Builder(1, cpus=3)
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND, scope="cpu")
    queued_at(builder, wq, item(builder, "w", 1), 1, home=2, cpu=0)
    builder.memory[builder.cpus[0] + f.C_ONLINE] = 0
    _, table = simulated(builder, 10)
    assert table.cpu[table.kind == vocab.WORKQUEUE_EXECUTE_START].tolist() == [2]  # its pod is CPU 0 alone


def test_an_ordered_workqueue_runs_one_after_the_other_in_the_order_of_queueing():
    builder = Builder(1, cpus=4)
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND | g.WQ_ORDERED)
    for at in range(4):
        queued_at(builder, wq, item(builder, f"w{at}", -2), at / 10, home=at)
    _, table = simulated(builder, 20)
    assert started(table) == [(0, "w0"), (2, "w1"), (4, "w2"), (6, "w3")]


def test_unbound_with_one_active_was_ordered_until_6_8():
    flags = {}
    for kernel in ("6.1", "6.12"):
        builder = Builder(1, kernel=kernel)
        flags[kernel] = builder.memory[add_workqueue(builder, "q", g.WQ_UNBOUND, 1) + g.WQ_FLAGS] & g.WQ_ORDERED
    assert flags == {"6.1": g.WQ_ORDERED, "6.12": 0}


def test_power_efficient_workqueues_are_unbound_only_if_the_machine_says_so():
    for setting, name in ((False, "kworker/1:0"), (True, "kworker/u8:0")):
        builder = Builder(1, cpus=2)
        builder.about["power_efficient"] = setting
        queued_at(builder, system_workqueue(builder, "system_power_efficient_wq"), item(builder, "w", 1), 0, home=1)
        _, table = simulated(builder, 5)
        assert story(table, "S") == [(0, "S", "w", name)]


@pytest.mark.parametrize("variable", sorted(SYSTEM))
def test_the_systems_workqueues_run_items(variable):
    builder = Builder(1, cpus=2)
    queued_at(builder, system_workqueue(builder, variable), item(builder, "w", 1), 0)
    world, table = simulated(builder, 5)
    assert ended(table) == [(1, "w")]
    assert [table.strings[name] for name in table.name[table.kind == vocab.WORKQUEUE_QUEUE_WORK].tolist()] == [SYSTEM[variable][0]]


# Rescuers


def stalled(mem_reclaim, cpus=1):
    """Item a sleeps from 0 on with no worker left to take over; making one takes 50 ms. Item b is queued at 1."""
    builder = Builder(1, hz=1000, cpus=cpus)
    builder.about["worker_creation_ns"] = 50 * MS
    plain = system_workqueue(builder, "system_wq")
    wq = add_workqueue(builder, "rescued", g.WQ_MEM_RECLAIM if mem_reclaim else 0)
    queued_at(builder, plain, item(builder, "a", 1), 0, home=cpus - 1)
    queued_at(builder, wq, item(builder, "b", 1), 1, home=cpus - 1)
    return builder


def test_a_worker_is_made_before_the_last_idle_one_works():
    _, table = simulated(stalled(False), 100)
    assert story(table, "S") == [(50, "S", "a", "kworker/0:0"), (51, "S", "b", "kworker/0:0")]


def test_the_rescuer_comes_when_no_worker_does():
    world, table = simulated(stalled(True), 100)
    assert story(table, "S") == [(11, "S", "b", "kworker/R-rescu"), (50, "S", "a", "kworker/0:0")]
    nothing_is_lost(world)


def test_the_rescuer_goes_to_the_cpu_of_the_pool():
    _, table = simulated(stalled(True, cpus=2), 100)
    starts = (table.kind == vocab.WORKQUEUE_EXECUTE_START).nonzero()[0]
    assert story(table, "S")[0] == (11, "S", "b", "kworker/R-rescu")
    assert table.cpu[starts[0]] == 1


# Freezing


def suspends(builder, *steps):
    """A task that suspends; numbers are sleeps in ms."""
    body = [(workops.OP_SUSPEND, step) if isinstance(step, int) else run(-step) for step in steps]
    return builder.task("suspends", 0, program(builder, *body, (ops.OP_EXIT,)))


@pytest.mark.parametrize("flags", [0, g.WQ_UNBOUND])
def test_freezable_work_waits_until_the_thaw_and_what_is_active_goes_on(flags):
    builder = Builder(1)
    wq = add_workqueue(builder, "frozen", g.WQ_FREEZABLE | flags, 1)
    other = system_workqueue(builder, "system_wq")
    queued_at(builder, wq, item(builder, "active", -4), 0)
    queued_at(builder, wq, item(builder, "waits", -1), 0)
    queued_at(builder, wq, item(builder, "later", -1), 3)
    queued_at(builder, other, item(builder, "other", -1), 5)
    suspends(builder, 1.0, workops.FREEZE_BEGIN, 9.0, workops.THAW)
    world, table = simulated(builder, 20)
    assert started(table) == [(0, "active"), (5, "other"), (10, "waits"), (11, "later")]
    nothing_is_lost(world)


def test_freezing_is_busy_as_long_as_a_freezable_item_is_active():
    builder = Builder(1)
    queued_at(builder, system_workqueue(builder, "system_freezable_wq"), item(builder, "active", -4), 0)
    body = [run(-1), (workops.OP_SUSPEND, workops.FREEZE_BEGIN), "busy", (workops.OP_SUSPEND, workops.FREEZE_BUSY),
            (ops.OP_JUMP_ZERO, f.F_R0, "frozen"), run(-0.5), (ops.OP_JUMP, "busy"), "frozen", (ops.OP_EXIT,)]  # fmt: skip
    task = builder.task("suspends", 0, program(builder, *body))
    _, table = simulated(builder, 20)
    pid = builder.memory[task + f.K_PID]
    assert table.time_ns[(table.kind == vocab.SCHED_SWITCH) & (table.pid == pid)].tolist()[-1] == 4 * MS


def test_lines_are_off_while_suspended_and_an_edge_that_came_is_sent_again():
    builder = Builder(1)
    at_times(builder, 30, [2 * MS, 5 * MS, 6 * MS], (ops.OP_SPEND_NS, 1000))
    suspends(builder, 3.0, workops.SUSPEND_IRQS, 7.0, workops.RESUME_IRQS)
    _, table = simulated(builder, 20)
    assert table.time_ns[table.kind == vocab.IRQ_HANDLER_ENTRY].tolist() == [2 * MS, 10 * MS]


# Who queues


@pytest.mark.parametrize(("context", "flag"), [("hrtimer", vocab.FLAG_HARDIRQ), ("softirq", vocab.FLAG_SOFTIRQ)])
def test_sources_queue_from_the_context_that_they_name(context, flag):
    builder = Builder(1)
    queued_at(builder, system_workqueue(builder, "system_wq"), item(builder, "w", 1), 3, context=context)
    _, table = simulated(builder, 10)
    row = (table.kind == vocab.WORKQUEUE_QUEUE_WORK).nonzero()[0][0]
    assert (table.time_ns[row], table.flags[row] & (vocab.FLAG_HARDIRQ | vocab.FLAG_SOFTIRQ)) == (3 * MS, flag)


def test_a_task_queues_at_its_times_and_several_items_in_turn():
    builder = Builder(1)
    wq = system_workqueue(builder, "system_wq")
    works = [item(builder, f"w{at}", 0.1) for at in range(2)]
    source = add_source(builder, "task", works, wq, ("times", [MS, 2 * MS, 3 * MS]), context="task")
    builder.task("queues", 0, program(builder, (workops.OP_WAIT_ARRIVAL, source), (ops.OP_JUMP, "start")))
    busy(builder, priority=19)
    world, table = simulated(builder, 10)
    queued = table.kind == vocab.WORKQUEUE_QUEUE_WORK
    assert [table.function(work) for work in table.b[queued].tolist()] == ["w0", "w1", "w0"]
    assert {table.tasks[pid] for pid in table.pid[queued].tolist()} == {"queues"}
    assert [counts(world, work)[0] for work in works] == [2, 1]


def test_a_frozen_unbound_workqueue_whose_item_is_cancelled_is_stuck_as_in_the_kernel():
    builder = Builder(1)
    wq = add_workqueue(builder, "q", g.WQ_UNBOUND | g.WQ_FREEZABLE)
    work = item(builder, "w", 1)
    queued_at(builder, wq, work, 2, 6)
    cancel = [(workops.OP_CANCEL_WORK, work), run(-1), (workops.OP_SUSPEND, workops.THAW), (ops.OP_EXIT,)]
    builder.task("suspends", 0, program(builder, run(-1), (workops.OP_SUSPEND, workops.FREEZE_BEGIN), run(-2), *cancel))
    world, table = simulated(builder, 20)
    assert started(table) == []
    assert counts(world, work) == (2, 0, 1, 1)
