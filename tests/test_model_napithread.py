"""Threads of NAPI: when and where they are woken, poll and can be switched out, and what the machine's files show of them.

Twin of: floating.
"""

import random

import pytest

from modelprograms import at_times, busy, run, times_of
from modelworlds import add_napi
from stackworlds import latencies_of, stack_world
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.assemble.world import assemble
from tophalf.model.build import Builder
from tophalf.model.machine.take import take_snapshot
from tophalf.model.net.builddriver import add_napi_thread
from tophalf.model.sched import floating
from tophalf.model.world import _as_memory
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
COSTS = {"irq_entry": 200, "irq_exit": 100, "context_switch": 500, "ipi": 700}


def threaded(arrivals, cpus=1, thread_cpu=0, weight=64, fifo=0, **machine):
    """A queue whose packets take 1 µs, a poll 300 ns, and its thread. Returns (Builder, queue, task)."""
    builder = Builder(1, cpus, costs=COSTS, **machine)
    queue = add_napi(builder, 30, "eth0", arrivals, 1000, "times", poll=300, weight=weight)
    return builder, queue, add_napi_thread(builder, builder.napis[0], thread_cpu, fifo)


def test_the_interrupt_wakes_the_thread_and_no_softirq_is_raised():
    builder, queue, task = threaded([1000, 1500])
    world, table = run(builder, 20_000)
    pid = int(world.memory[task + f.K_PID])
    assert table.tasks[pid] == "napi/eth0-8193"
    assert times_of(table, vocab.SCHED_WAKING, a=pid) == [1200]  # 1000 + entry
    assert times_of(table, vocab.SCHED_SWITCH, a=pid) == [1300]
    assert times_of(table, vocab.NAPI_POLL, pid=pid, b=2) == [1300 + 500 + 300 + 2 * 1000]
    assert times_of(table, vocab.SCHED_SWITCH, a=0) == [4100]
    assert not times_of(table, vocab.SOFTIRQ_RAISE)
    assert int(world.memory[queue + f.Q_LATENCY_SUM]) == 3100 - 1000 + 4100 - 1500


def test_bottom_halves_are_off_in_a_poll_as_the_trace_shows():
    builder, _, _ = threaded([1000])
    _, table = run(builder, 20_000)
    poll = table.kind == vocab.NAPI_POLL
    assert table.flags[poll].tolist() == [vocab.FLAG_BH_OFF]
    assert table.preempt[poll].tolist() == [0]


def test_on_another_cpu_it_is_woken_by_an_ipi_and_its_time_is_that_cpus():
    builder, _, task = threaded([1000], cpus=2, thread_cpu=1)
    world, table = run(builder, 20_000)
    pid = int(world.memory[task + f.K_PID])
    assert times_of(table, vocab.SCHED_WAKING, a=pid, b=1, cpu=0) == [1200]
    # 700 ns for the IPI, its own interrupt of 200 and 100 ns, then the switch and the poll
    assert times_of(table, vocab.NAPI_POLL, pid=pid, cpu=1) == [1200 + 700 + 300 + 500 + 300 + 1000]
    assert [int(world.memory[cpu + f.C_TIMES + f.TASK]) for cpu in builder.cpus] == [0, 1800]


def test_full_polls_go_on_without_budget_and_another_task_comes_between_them():
    # Nobody else: polls of two, one after the other. A FIFO task that wakes in the second has to wait for its end
    builder, _, task = threaded([1000] * 7, weight=2)
    waits = busy(builder, "rt", policy=f.FIFO, priority=1, asleep=True)
    at_times(builder, 24, [4500], (ops.OP_WAKE, waits))
    world, table = run(builder, 100_000)
    assert times_of(table, vocab.NAPI_POLL, b=2) == [4100, 6700]  # 2600 between, of which 300 are the interrupt's at 4500
    assert times_of(table, vocab.SCHED_SWITCH, a=int(world.memory[waits + f.K_PID])) == [6700]
    assert int(world.memory[builder.cpus[0] + f.C_SQUEEZED]) == 0


def test_a_thread_of_fifo_takes_the_cpu_from_a_busy_task_at_once():
    late = {}
    for fifo in (0, 50):
        builder, _, _ = threaded([1000], fifo=fifo)
        busy(builder)
        _, table = run(builder, 20_000_000)
        late[fifo] = times_of(table, vocab.NAPI_POLL)[0]
    assert late[50] == 3100
    assert late[0] >= late[50]


def test_an_interrupt_that_comes_while_it_polls_lets_it_poll_once_more():
    # Its handler schedules again: MISSED, so that the first poll does not complete
    builder, _, _ = threaded([1000])
    at_times(builder, 24, [2500], (ops.OP_NAPI_SCHEDULE, builder.napis[0]))
    world, table = run(builder, 20_000)
    assert times_of(table, vocab.NAPI_POLL) == [3400, 3700]  # 3100 and 300 of the interrupt; another poll
    assert table.b[table.kind == vocab.NAPI_POLL].tolist() == [1, 0]
    assert int(world.memory[builder.napis[0] + f.N_STATE]) == 0


def test_preempt_rt_waits_for_the_lock_of_the_bottom_halves():
    builder, queue, _ = threaded([1000, 30_000, 60_000], preempt="rt")
    world, _ = run(builder, 1_000_000)
    assert int(world.memory[queue + f.Q_DELIVERED]) == 3


def elsewhere(builder, busy_cpus, from_cpu, home):
    """Numbers of the CPUs that a twin says and that the model chooses, for a task that was at `home` and is woken from from_cpu."""
    m, count = builder.memory, len(builder.cpus)
    for number, cpu in enumerate(builder.cpus):
        m[cpu + f.C_CURRENT] = m[cpu + (f.C_KSOFTIRQD if number in busy_cpus else f.C_IDLE)]
    wanted = [home, from_cpu, *((home + step) % count for step in range(1, count))]
    twin = next((number for number in wanted if number not in busy_cpus), home)
    words = _as_memory(m.words)
    return twin, int(words[floating.idle_cpu_for(words, builder.cpus[from_cpu], builder.cpus[home]) + f.C_NUMBER])


def test_it_wakes_on_the_cpu_that_a_plain_search_finds():
    rng, builder = random.Random(3), Builder(1, cpus=6)
    for _ in range(200):
        busy_cpus = set(rng.sample(range(6), rng.randrange(7)))
        twin, found = elsewhere(builder, busy_cpus, rng.randrange(6), rng.randrange(6))
        assert twin == found


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_a_thread_that_may_be_anywhere_leaves_the_cpu_of_a_busy_task(kernel):
    builder = Builder(1, 3, costs=COSTS, kernel=kernel)
    add_napi(builder, 30, "eth0", [1000, 50_000], 1000, "times", poll=300)
    task = add_napi_thread(builder, builder.napis[0], 0, floats=True)
    busy(builder, cpu=0)
    busy(builder, "other", cpu=1)
    world, table = run(builder, 100_000)
    pid = int(world.memory[task + f.K_PID])
    assert times_of(table, vocab.NAPI_POLL, cpu=2, pid=pid) == [1200 + 700 + 300 + 500 + 300 + 1000, 50_200 + 2800]
    waking, wakeup = ((table.kind == kind) & (table.a == pid) for kind in (vocab.SCHED_WAKING, vocab.SCHED_WAKEUP))
    assert table.b[waking].tolist() == [0, 2] and table.b[wakeup].tolist() == [2, 2]  # where it slept; where it wakes


def stacked(times, **how):
    builder, queue = stack_world(times, machine={"kernel": how.pop("kernel", "6.12")}, **how)
    add_napi_thread(builder, builder.napis[0], 0)
    return builder, queue


@pytest.mark.parametrize("kernel, raised", [("6.1", 2), ("6.12", 0)])
def test_packets_for_another_cpu_are_told_to_it_by_the_thread_itself_in_6_12(kernel, raised):
    builder, queue = stacked([1000, 50_000], kernel=kernel, rps=(1,))
    world, table = run(builder, 100_000)
    assert len(times_of(table, vocab.SOFTIRQ_RAISE, cpu=0)) == raised
    assert times_of(table, vocab.NAPI_POLL, cpu=1) == [2150, 51_150]  # packet 100, steered 50; there 1000 of protocols
    assert int(world.memory[queue + f.Q_DELIVERED]) == 2


def test_after_a_full_poll_gro_is_flushed_before_the_next():
    builder, queue = stacked([1000] * 3, weight=2, segments=64)
    world, table = run(builder, 100_000)
    # Two packets of 100, told; the one that they became: 1000 of protocols. One more, which completes before it is told
    assert times_of(table, vocab.NAPI_POLL) == [1200, 2200 + 100 + 1000]
    assert latencies_of(world, queue) == {1200: 2, 2300 >> 5 << 5: 1}


NIC = "[machine]\ncpus = 3\n[[nic]]\nrate = 1000\nqueues = 2\n"


def test_a_scenario_has_threads_and_its_machine_shows_them():
    text = NIC + 'threaded = true\nthread_cpus = "1-2"\nthread_fifo = 40\n'
    world = assemble(read_scenario(text, "x.toml"), 1).world()
    world.run(10_000_000)
    shot = take_snapshot(world)
    threads = {thread.name: (thread.kind, thread.rt_priority) for thread in shot.threads.values() if thread.kind == "napi"}
    assert threads == {"napi/eth0-8193": ("napi", 40), "napi/eth0-8194": ("napi", 40)}
    device = shot.facts.net["eth0"]
    assert device.threaded
    assert [napi.pid for napi in device.napi] == [pid for name, pid in shot.threads if name.startswith("napi/")]
    assert [softnet.processed > 0 for softnet in shot.softnet.values()] == [False, True, True]


@pytest.mark.parametrize("more, key", [
    ('mode = "handler"\nthreaded = true', "threaded"), ("thread_fifo = 3", "thread_fifo"), ("thread_cpus = 1", "thread_cpus"),
])  # fmt: skip
def test_threads_that_cannot_be_are_refused(more, key):
    with pytest.raises(TophalfError) as caught:
        assemble(read_scenario(NIC + more, "x.toml"), 1)
    assert key in caught.value.where
