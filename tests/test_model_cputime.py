"""Whose time a tick counts for, and the columns of /proc/stat with and without irq time accounting."""

import pytest

from modelprograms import at_times, busy, program
from modelworlds import add_napi
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.machine.cputimes import read_stat
from tophalf.model.machine.sight import Sight
from tophalf.snapshot import STAT_TIMES

pytestmark = pytest.mark.kernels
TICKS_NS = 400_000_000  # 100 ticks at 250 Hz: 40 of /proc/stat


def columns(builder, until_ns=TICKS_NS, cpu=0):
    """The columns of a CPU after a run, those that are not zero, in hundredths of a second."""
    world = builder.world()
    world.run(until_ns + 1)
    ticks = read_stat(Sight(world)).ticks[cpu]
    return {name: count for name, count in zip(STAT_TIMES, ticks, strict=True) if count}


def test_a_task_counts_as_user_and_a_nice_one_as_nice():
    for nice, column in ((0, "user"), (5, "nice"), (-5, "user")):
        builder = Builder(1)
        busy(builder, priority=nice)
        assert columns(builder) == {column: 40}


def test_a_system_call_and_a_kernel_thread_count_as_system():
    builder = Builder(1, cpus=2)
    inside = program(builder, (ops.OP_SPEND_NS, 10**9), (ops.OP_RET,))
    builder.task("app", 0, program(builder, (ops.OP_SYSCALL, inside), (ops.OP_JUMP, "start")))
    busy(builder, "worker", 1, kernel_thread=True, time_class=f.KWORKER)
    world = builder.world()
    world.run(TICKS_NS + 1)
    assert [ticks[2] for ticks in read_stat(Sight(world)).ticks.values()] == [40, 40]


def test_softirqs_count_as_softirq_inline_and_in_ksoftirqd():
    builder = Builder(1)
    add_napi(builder, 24, "eth0", 10_000_000, 400)  # far more than one CPU takes
    found = columns(builder)
    assert found["softirq"] >= 38
    assert set(found) <= {"softirq", "idle", "system"}


def test_a_handler_is_in_what_the_next_tick_finds():
    # 3 of 4 ms in a handler that ends before the tick: the tick finds the task, and tells nothing of interrupts
    builder = Builder(1)
    busy(builder)
    at_times(builder, 24, range(500_000, TICKS_NS, 4_000_000), (ops.OP_SPEND_NS, 3_000_000))
    assert columns(builder) == {"user": 40}


def test_ticks_that_interrupts_hold_off_are_in_no_column():
    builder = Builder(1)
    busy(builder)
    at_times(builder, 24, range(500_000, TICKS_NS, 40_000_000), (ops.OP_SPEND_NS, 20_000_000))  # five ticks become one
    assert columns(builder) == {"user": 24}


@pytest.mark.parametrize("nohz, idle", [(True, 38), (False, 40)])
def test_idle_is_exact_where_its_tick_stops_and_sampled_where_not(nohz, idle):
    builder = Builder(1, nohz=nohz)
    at_times(builder, 24, range(500_000, TICKS_NS, 4_000_000), (ops.OP_SPEND_NS, 200_000))  # 5 % in handlers
    assert columns(builder) == {"idle": idle}


def test_with_irq_time_accounting_all_is_told():
    builder = Builder(1)
    builder.about["irq_time_accounting"] = True
    busy(builder)
    at_times(builder, 24, range(500_000, TICKS_NS, 4_000_000), (ops.OP_SPEND_NS, 3_000_000))
    assert columns(builder) == {"user": 10, "irq": 30}
