"""Block devices: where requests are finished, by interrupt, softirq, IPI and poll, with times worked out by hand."""

import pytest

from modelprograms import busy, program, run, times_of
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.block import blockfields as b
from tophalf.model.block.buildblock import add_disk, add_job, add_queue, irq_handler
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_device
from tophalf.model.summary import digest

COSTS = {"irq_entry": 200, "irq_exit": 100, "softirq_entry": 50, "syscall": 300, "context_switch": 1000, "ipi": 500}
SERVICE, CQE, COMPLETE, SUBMIT, HANDLER = 20_000, 60, 400, 700, 150


def machine(cpus=1, queues=None, nodes=None, channels=1, costs=COSTS, **how):
    """(builder, disk) with a disk whose queues have a line each. queues: [(CPUs, the one of its line; None: polled)]."""
    kernel = {key: how.pop(key) for key in ("kernel", "threadirqs", "preempt", "hz") if key in how}
    builder = Builder(1, cpus=cpus, costs=costs, **kernel)
    builder.about["nodes"] = nodes or {}
    disk = add_disk(
        builder, "nvme0n1", builder.cost(SERVICE, "service"), channels, cqe_cost=builder.cost(CQE, "cqe"),
        complete_cost=builder.cost(COMPLETE, "complete"), **how,
    )  # fmt: skip
    for number, (members, cpu) in enumerate([((0,), 0)] if queues is None else queues):
        desc = 0 if cpu is None else builder.irq(40 + number, cpu, name=f"nvme0q{number + 1}")
        hctx = add_queue(builder, disk, members, desc)
        if desc:
            builder.action(desc, f"nvme0q{number + 1}", irq_handler(builder, hctx, builder.cost(HANDLER, f"handler {number}")))
    return builder, disk


def job(builder, disk, cpu=0, depth=1, **how):
    return add_job(builder, disk, "fio", cpu, depth, builder.cost(SUBMIT, f"submit {cpu} {len(builder.tasks)}"), **how)


def counted(world, disk):
    """(submitted, completed, finished in place, by softirq, by IPI)."""
    fields = (b.B_SUBMITTED, b.B_COMPLETED, b.B_IN_PLACE, b.B_BY_SOFTIRQ, b.B_BY_IPI)
    return tuple(int(world.memory[disk.address + field]) for field in fields)


def holds(table):
    assert not [verdict.law.name for verdict in laws.judge(table, False) if not verdict.holds]


def test_a_request_goes_out_and_its_interrupt_wakes_who_waits():
    """Context switch 1000, system call 300, submission 700: out at 2000. In the device until 22,000; interrupt 200, handler 150,
    one completion seen 60, finished 400: 22,810. The job has gone to sleep meanwhile (300 for the system call)."""
    builder, disk = machine()
    job(builder, disk)
    world, table = run(builder, 23_000)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=40) == [22_200]
    assert times_of(table, vocab.SCHED_WAKING) == [22_810]
    assert times_of(table, vocab.IRQ_HANDLER_EXIT, a=40) == [22_810]
    assert counted(world, disk) == (1, 1, 1, 0, 0)
    assert world.memory[disk.address + b.B_LATENCY_SUM] == 20_810
    holds(table)


def test_depth_and_channels():
    """Four in flight, two served at a time: the second pair waits for the first."""
    builder, disk = machine(channels=2, costs={})
    job(builder, disk, depth=4)
    world, table = run(builder, 30_000)
    # out at 700, 1400, 2100, 2800; served from 700, 1400, then from the end of each of those
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [20_700, 21_400]
    assert counted(world, disk)[:2] == (6, 2)


def test_one_interrupt_for_completions_that_come_before_its_handler_looks():
    builder, disk = machine(channels=8)
    job(builder, disk, depth=2)  # out at 2000 and 3000
    add_device(builder, "other", builder.irq(60, 0), False, ("times", [21_500]))
    builder.action(builder.irqs[60], "other", program(builder, (ops.OP_SPEND_NS, 3000), (ops.OP_RET, f.IRQ_HANDLED)))
    world, table = run(builder, 27_000)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=40) == [25_000]  # 21,500 + 200 + 3000 + 100 + 200
    assert times_of(table, vocab.IRQ_HANDLER_EXIT, a=40) == [25_000 + HANDLER + 2 * CQE + 2 * COMPLETE]
    assert counted(world, disk)[1] == 2


@pytest.mark.parametrize("rq_affinity", [0, 1, 2])
def test_who_finishes_a_request_of_another_cpu(rq_affinity):
    """One queue for two CPUs of one cache: rq_affinity=2 alone sends an IPI to the submitter; else a disk with one queue leaves it
    to the softirq of the CPU that was interrupted."""
    builder, disk = machine(2, [((0, 1), 0)], rq_affinity=rq_affinity)
    job(builder, disk, cpu=1)
    world, table = run(builder, 24_500)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, cpu=0) == [22_200]
    if rq_affinity == 2:  # seen at 22,410; the IPI is there at 22,910, its handler runs at 23,110, the softirq after 100 + 50
        assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=1, a=vocab.BLOCK) == [23_260]
        assert times_of(table, vocab.SCHED_WAKING, cpu=1) == [23_260 + COMPLETE]
        assert counted(world, disk) == (1, 1, 0, 0, 1)
    else:
        assert times_of(table, vocab.SOFTIRQ_ENTRY, cpu=0, a=vocab.BLOCK) == [22_410 + 150]
        assert times_of(table, vocab.SCHED_WAKING, cpu=0) == [22_560 + COMPLETE]
        assert counted(world, disk) == (1, 1, 0, 1, 0)
    holds(table)


def test_another_cache_is_asked_by_ipi_unless_handlers_are_in_threads():
    for threadirqs, expected in ((False, (0, 0, 1)), (True, (0, 1, 0))):
        builder, disk = machine(2, [((0, 1), 0)], nodes={0: (0,), 1: (1,)}, threadirqs=threadirqs)
        job(builder, disk, cpu=1)
        world, table = run(builder, 32_000)
        assert counted(world, disk)[2:] == expected
        holds(table)


def test_a_disk_with_several_queues_finishes_in_the_handler():
    """Two queues of two CPUs each: the other CPU shares the cache, so no IPI; several queues, so no softirq."""
    builder, disk = machine(4, [((0, 1), 0), ((2, 3), 2)])
    job(builder, disk, cpu=3)
    world, table = run(builder, 23_000)
    assert times_of(table, vocab.SCHED_WAKING, cpu=2) == [22_810]
    assert counted(world, disk) == (1, 1, 1, 0, 0)


@pytest.mark.parametrize("kernel, expected", [("6.12", (1, 1, 0, 0, 1)), ("6.1", (1, 1, 1, 0, 0))])
def test_a_queue_of_one_cpu_whose_line_is_elsewhere(kernel, expected):
    """6.1 finishes it where the interrupt came, as the queue has one CPU; 6.12 asks whether that is this one."""
    builder, disk = machine(2, [((0,), 0), ((1,), 0)], kernel=kernel, rq_affinity=2)
    job(builder, disk, cpu=1)
    world, _ = run(builder, 24_500)
    assert counted(world, disk) == expected


def test_a_polled_queue_has_no_interrupt():
    """Out at 2000; the system call to poll until 2300, looks at 2800, 3300 ...: at 22,300 it is there. Finished at 22,760."""
    builder, disk = machine(1, [((0,), 0), ((0,), None)])
    job(builder, disk, poll=builder.cost(500, "poll"))
    world, table = run(builder, 23_000)
    assert counted(world, disk)[:3] == (1, 1, 1)
    assert world.memory[disk.address + b.B_LATENCY_SUM] == 22_760 - 2000
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == []
    assert world.memory[builder.cpus[0] + f.C_TIMES + f.IDLE] == 0


def test_a_poll_ends_when_another_wants_the_cpu():
    builder, disk = machine(1, [((0,), 0), ((0,), None)], hz=1000, costs={})
    builder.memory[disk.address + b.B_SERVICE] = builder.cost(10**9, "slow")
    job(builder, disk, poll=builder.cost(500, "poll"))
    busy(builder)
    world, _ = run(builder, 50_000_000, trace_rows=0)
    tasks = [int(world.memory[task + f.K_RUNTIME]) for pid, task in builder.tasks.items() if pid >= 1000]
    assert min(tasks) > 20_000_000


def test_a_job_with_a_rate_submits_at_its_times():
    builder, disk = machine(channels=9, costs={})
    job(builder, disk, depth=9, arrivals=("times", [0, 5000, 50_000]))
    world, table = run(builder, 100_000)
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY) == [20_700, 25_700, 70_700]
    assert counted(world, disk)[:2] == (3, 3)


def test_what_is_finished_where_is_conserved_and_a_cut_changes_nothing():
    def made(cuts):
        builder, disk = machine(4, [((0, 1), 0), ((2, 3), 2)], nodes={0: (0, 2), 1: (1, 3)}, channels=3, rq_affinity=1)
        for cpu in range(4):
            job(builder, disk, cpu=cpu, depth=3, think=builder.cost(("exponential", 5000), f"think {cpu}"))
        world = builder.world()
        for end_ns in (*cuts, 3_000_000):
            world.run(end_ns)
        return world, disk

    (world, disk), (other, _) = made(()), made((1_000, 777_777, 2_000_001))
    submitted, completed, in_place, softirq, ipi = counted(world, disk)
    assert 0 <= submitted - completed <= 12 and completed <= in_place + softirq + ipi <= submitted
    assert ipi > 100 and in_place > 100 and softirq == 0
    assert digest(world) == digest(other)


def test_what_a_cpu_that_went_offline_was_to_finish_is_finished_elsewhere():
    from tophalf.model.block.block import blk_softirq_cpu_dead

    builder, disk = machine(2, [((0, 1), 0)], rq_affinity=2, costs={"ipi": 10**6})
    job(builder, disk, cpu=1, depth=3)
    world, _ = run(builder, 90_000)
    assert counted(world, disk) == (3, 0, 0, 0, 3)  # sent to CPU 1, which the message has not reached
    blk_softirq_cpu_dead(world.memory, builder.cpus[0], builder.cpus[1])
    assert counted(world, disk)[1] == 3
