"""CPUs that go offline and come back, by times worked out by hand: what leaves, what waits for the CPU, what it costs the rest."""

import pytest

from modelprograms import at_times, busy, program, times_of
from modelworlds import TICKLESS, add_napi
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.cpu.buildhotplug import add_hotplug
from tophalf.model.ground.kmsg import LOG_NO_VECTORS_TO_UNPLUG
from tophalf.model.irq import managefields as g
from tophalf.model.irq.builddevices import add_tasklet, spend_program
from tophalf.model.irq.manage import OFFLINE_CPU, ONLINE_CPU, command
from tophalf.model.machine.take import take_snapshot
from tophalf.model.net.stackfields import SD_INPUT, SD_INPUT_LEN, SD_PROCESS, SD_PROCESS_LEN
from tophalf.model.simulate import make_world
from tophalf.model.summary import summarise
from tophalf.model.table import event_table
from tophalf.model.work.buildwork import add_source, add_work, system_workqueue
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
MS = 1_000_000


def machine(cpus=2, **how):
    return Builder(1, cpus=cpus, **({"nohz": TICKLESS, "preempt": "none"} | how))


def ran(builder, *orders, until_ns=10 * MS, rows=20_000):
    """orders: (ns, OFFLINE_CPU or ONLINE_CPU, CPU's number). Returns (world, table)."""
    add_hotplug(builder)
    world = builder.world(rows)
    for time, what, number in orders:
        world.run(time)
        assert command(world.memory, what, builder.cpus[number]) == 0
    world.run(until_ns)
    return world, event_table(world)


def cpus_of(table, kind, **columns):
    """[CPU] of the events of a kind, with the values given."""
    mask = table.kind == kind
    for column, value in columns.items():
        mask &= getattr(table, column) == value
    return table.cpu[mask].tolist()


def test_orders_that_are_refused_or_ask_for_nothing():
    builder = machine()
    world = builder.world()
    assert command(world.memory, OFFLINE_CPU, builder.cpus[1]) == -g.EOPNOTSUPP  # built without
    add_hotplug(builder)
    world = builder.world()
    assert command(world.memory, OFFLINE_CPU, builder.cpus[0]) == -g.EACCES
    assert command(world.memory, ONLINE_CPU, builder.cpus[1]) == 0  # is online
    world.run(MS)
    assert world.memory[builder.cpus[1] + f.C_ONLINE] == g.CPU_ACTIVE
    assert command(world.memory, OFFLINE_CPU, builder.cpus[1]) == 0
    world.run(MS + 1)
    assert command(world.memory, ONLINE_CPU, builder.cpus[1]) == 0  # the other has begun: this one waits its turn
    assert command(world.memory, ONLINE_CPU, builder.cpus[1]) == -g.EBUSY
    world.run(4 * MS)
    assert world.memory[builder.cpus[1] + f.C_ONLINE] == g.CPU_ACTIVE


def test_interrupts_are_off_on_all_cpus_for_a_millisecond():
    # Nothing costs time but fixup_irqs' mdelay: the order of 1 ms stops all CPUs from there to 2 ms
    builder = machine(3)
    at_times(builder, 24, [1_500_000], cpu=0)
    _, table = ran(builder, (MS, OFFLINE_CPU, 2))
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=24) == [2 * MS]


def test_an_interrupt_that_waits_on_the_cpu_is_sent_where_its_line_is_now():
    # The stopper of CPU 1 spins with interrupts on when CPU 0's handler begins, 100 us before the last CPU is there. Then all but
    # that handler have interrupts off, and the device of CPU 2, which goes, signals: 1.36 ms is between 1.35 and 1.4 ms
    builder = machine(4)
    at_times(builder, 30, [1_000_000], (ops.OP_SPEND_NS, 350_000), cpu=3)  # CPU 3's stopper is late: at 1.35 ms
    at_times(builder, 31, [1_300_000], (ops.OP_SPEND_NS, 100_000), cpu=1)  # CPU 1's is there, and back at 1.4 ms
    at_times(builder, 32, [1_360_000], (ops.OP_SPEND_NS, 1_000), cpu=2)
    world, table = ran(builder, (MS, OFFLINE_CPU, 2))
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=31) == [1_300_000]
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=32) == [2_400_000] and cpus_of(table, vocab.IRQ_HANDLER_ENTRY, a=32) == [0]
    assert world.memory[builder.irqs[32] + f.D_COUNT] == 1
    shot = take_snapshot(world)
    assert shot.interrupts.cpus == (0, 1, 3) and shot.irq_files[32].affinity == (0, 1, 3)
    assert shot.irq_files[32].effective_affinity == (0,) and shot.stat.ticks.keys() == {0, 1, 3}


def test_tasks_leave_when_they_are_chosen_and_when_they_wake():
    builder = machine()
    first, second = busy(builder, "first", 1), busy(builder, "second", 1)
    code = program(builder, (ops.OP_SLEEP, 3 * MS), (ops.OP_SPEND_NS, 10), (ops.OP_JUMP, "start"))
    sleeper = builder.task("sleeper", 1, code, policy=f.FIFO, priority=1)
    world, table = ran(builder, (MS, OFFLINE_CPU, 1), (8 * MS, ONLINE_CPU, 1), until_ns=12 * MS)
    m = world.memory
    assert all(m[task + f.K_CPU] == builder.cpus[0] for task in (first, second, sleeper))
    assert times_of(table, vocab.SCHED_WAKEUP, a=m[sleeper + f.K_PID]) == [3 * MS, 6 * MS + 10, 9 * MS + 20]
    texts = [line.text for line in take_snapshot(world).log]
    said = [f"process {m[task + f.K_PID]} ({name}) no longer affine to cpu1"
            for name, task in (("first", first), ("second", second), ("sleeper", sleeper))]  # fmt: skip
    assert sorted(texts) == sorted(said)  # once each, whoever they are pushed by


def test_a_task_that_slept_all_the_while_keeps_its_cpu():
    builder = machine()
    task = builder.task("sleeper", 1, program(builder, (ops.OP_SLEEP, 9 * MS), (ops.OP_SPEND_NS, 10), (ops.OP_JUMP, "start")))
    world, table = ran(builder, (MS, OFFLINE_CPU, 1), (5 * MS, ONLINE_CPU, 1), until_ns=12 * MS)
    assert world.memory[task + f.K_CPU] == builder.cpus[1] and not take_snapshot(world).log
    # its timer went to CPU 0 with the others, and stays there
    assert cpus_of(table, vocab.SCHED_WAKING, a=world.memory[task + f.K_PID]) == [0]


def test_packets_that_were_left_to_a_ksoftirqd_that_is_parked_are_polled_elsewhere():
    # CPU 1 is over its budget all the time: what the softirq leaves is ksoftirqd/1's, which is parked when the CPU goes
    builder = machine(cpus=2, hz=1000)
    queue = add_napi(builder, 24, "eth0", 2_000_000, 600, cpu=1)
    world, table = ran(builder, (3 * MS, OFFLINE_CPU, 1), until_ns=12 * MS)
    m = world.memory
    polls = table.kind == vocab.NAPI_POLL
    last_there = int(table.time_ns[polls & (table.cpu == 1)].max())
    first_here = int(table.time_ns[polls & (table.cpu == 0)].min())
    assert last_there < first_here and m[builder.cpus[1] + f.C_POLL_HEAD] == 0
    waiting = m[queue + f.Q_TAIL] - m[queue + f.Q_HEAD]
    assert m[queue + f.Q_OFFERED] == m[queue + f.Q_DELIVERED] + m[queue + f.Q_DROPPED] + waiting
    assert m[builder.cpus[0] + f.C_PROCESSED] > 10_000  # 1.67 million a second from 4 ms on


def test_tasklets_that_wait_are_taken_over():
    # Disabled, it is raised again and again; ksoftirqd/1 is parked, so it waits, and CPU 0 has it when it is enabled
    builder = machine()
    tasklet = add_tasklet(builder, "waits", spend_program(builder, builder.cost(1000, "waits")))
    disable = (ops.OP_TASKLET_DISABLE, tasklet)
    at_times(builder, 24, [500_000], disable, (ops.OP_TASKLET_SCHEDULE, tasklet, vocab.TASKLET), (ops.OP_SPEND_NS, 100), cpu=1)
    at_times(builder, 25, [5 * MS], (ops.OP_TASKLET_ENABLE, tasklet), cpu=0)
    builder.set_cost(builder.costs["softirq_entry"], 1000, "softirq_entry")
    world, table = ran(builder, (MS, OFFLINE_CPU, 1), until_ns=6 * MS)
    assert cpus_of(table, vocab.TASKLET_ENTRY) == [0] and world.memory[builder.cpus[1] + f.C_TASKLET_HEAD] == 0


def test_a_managed_line_waits_for_a_cpu_of_its_mask():
    builder = machine(3)
    desc = builder.irq(24, None, affinity=[2], managed=True)
    from tophalf.model.irq.builddevices import add_device

    add_device(builder, "dev", desc, False, ("times", [MS // 2, 4 * MS, 9 * MS]))
    builder.action(desc, "dev", program(builder, (ops.OP_RET, f.IRQ_HANDLED)))
    world, table = ran(builder, (MS, OFFLINE_CPU, 2), (6 * MS, ONLINE_CPU, 2))
    # what the device signals meanwhile it keeps, and sends when its line begins again
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=24) == [MS // 2, 6 * MS, 9 * MS]
    assert cpus_of(table, vocab.IRQ_HANDLER_ENTRY, a=24) == [2, 2, 2]


def test_a_cpu_stays_where_the_others_have_too_few_vectors():
    builder = machine()
    for number in range(24, 24 + 110):
        builder.irq(number, number % 2)
        builder.irq(number + 200, number % 2)
    world, table = ran(builder, (MS, OFFLINE_CPU, 1), until_ns=4 * MS)
    m = world.memory
    assert m[builder.cpus[1] + f.C_ONLINE] == g.CPU_ACTIVE and m[m[m[f.G_MANAGE] + g.M_ONLINE]] == 3
    assert [m[m[f.G_LOG] + 2], m[m[f.G_LOG] + 3]] == [LOG_NO_VECTORS_TO_UNPLUG, 110]
    assert m[m[builder.cpus[1] + f.C_KSOFTIRQD] + f.K_STATE] == f.SLEEPING  # and its threads go on


def test_on_rt_a_task_with_bottom_halves_off_is_waited_for():
    builder = machine(preempt="rt")
    steps = ((ops.OP_SLEEP, MS // 2), (ops.OP_BH_OFF,), (ops.OP_SPEND_NS, 3 * MS), (ops.OP_BH_ON,), (ops.OP_SPEND_NS, MS))
    task = builder.task("holder", 1, program(builder, *steps, (ops.OP_BLOCK, f.SLEEPING)), priority=-20)
    world, table = ran(builder, (MS, OFFLINE_CPU, 1))
    m = world.memory
    assert m[builder.cpus[1] + f.C_ONLINE] == g.CPU_OFFLINE and m[task + f.K_CPU] == builder.cpus[0]
    stopped = times_of(table, vocab.SCHED_SWITCH, a=m[m[m[builder.cpus[1] + f.C_MANAGE] + g.P_STOPPER] + f.K_PID])
    assert stopped[-1] >= 3 * MS + MS // 2  # stop_machine begins when it is gone


def test_work_of_a_cpu_that_is_away_is_done_elsewhere_and_comes_home():
    builder = machine()
    wq = system_workqueue(builder, "system_wq")
    work = add_work(builder, "job", spend_program(builder, builder.cost(50_000, "job")))
    add_source(builder, "source", [work], wq, ("times", [MS // 2, 4 * MS, 8 * MS]), home=0, cpu=1)
    world, table = ran(builder, (MS, OFFLINE_CPU, 1), (6 * MS, ONLINE_CPU, 1))
    assert cpus_of(table, vocab.WORKQUEUE_EXECUTE_START) == [1, 0, 1]


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_packets_in_a_backlog_are_steered_again(kernel):
    # CPU 2 is given more than it can do: what its softirqs leave is its parked ksoftirqd's, and it has a backlog when it goes
    world = make_world(read_scenario(f"""
[machine]
cpus = 3
kernel = "{kernel}"
[[nic]]
cpus = 0
rate = 0
arrivals = "times"
times = {[2500 * number for number in range(1800)]}
rx_usecs = 50
flows = 64
packet_cost = "400ns"
protocol_cost = "3us"
rps_cpus = "4"
[[at]]
time = "3ms"
offline = 2
""", "test"), 0, 50_000)  # fmt: skip
    there = world.memory[world.builder.cpus[2] + f.C_STACK]
    world.run(3_000_000)
    assert world.memory[there + SD_INPUT_LEN] > 100
    world.run(20_000_000)
    assert [world.memory[there + field] for field in (SD_INPUT, SD_INPUT_LEN, SD_PROCESS, SD_PROCESS_LEN)] == [0] * 4
    assert summarise(world)["packets"]["delivered"] == 1800  # without a CPU of the mask RPS leaves packets where they came


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_a_thread_follows_its_line(kernel):
    from tophalf.model.irq.builddevices import add_device, add_threaded_action

    builder = machine(3, kernel=kernel)
    desc = builder.irq(24, 2, affinity=[1, 2])
    add_device(builder, "dev", desc, False, ("times", [MS // 2, 4 * MS]))
    thread = program(builder, (ops.OP_SPEND_NS, 1000), (ops.OP_RET, f.IRQ_HANDLED))
    add_threaded_action(builder, desc, "dev", thread, program(builder, (ops.OP_RET, f.IRQ_WAKE_THREAD)))
    world, table = ran(builder, (MS, OFFLINE_CPU, 2))
    m = world.memory
    pid = m[m[m[desc + f.D_ACTIONS] + f.A_TASK] + f.K_PID]
    # 6.12 wakes it when the line moves, on CPU 0 as its own is gone; 6.1 when it next has work. Either way it goes to CPU 1
    assert cpus_of(table, vocab.SCHED_SWITCH, a=pid) == [2, 0, 1, *([1] if kernel == "6.12" else [])]
