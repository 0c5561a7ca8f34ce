"""A thousand random machines: the laws hold on their traces, nothing is lost or made up, a seed gives one run, drivers that do
nothing wrong are not reported."""

import tempfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anyscenario
from anydrivers import devices_are_conserved
from checkedmemory import check_memory, put_guards
from test_export_recording import plain
from tophalf import vocab
from tophalf.compiled import jit_is_enabled
from tophalf.export.recording import write_recording
from tophalf.host.door import open_machine
from tophalf.host.sample import take_snapshots
from tophalf.host.trace.traces import load_events
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model.check.reports import reports_of
from tophalf.model.irq.nmifields import NM_COUNT
from tophalf.model.machine.take import take_snapshot
from tophalf.model.net import stackfields as s
from tophalf.model.summary import TIMES, digest, summarise
from tophalf.model.table import event_table
from workprograms import nothing_is_lost

pytestmark = pytest.mark.kernels
MACHINES, LENGTH_NS = (1000, 10_000_000) if jit_is_enabled() else (40, 1_000_000)
LAWS_MET = 20  # at the least by however few machines; by a thousand all


def test_any_machine_obeys_the_kernel_and_loses_nothing(monkeypatch):
    exercised = set()
    if not jit_is_enabled():
        put_guards(monkeypatch)

    @given(anyscenario.machines(), st.integers(0, 1 << 40))
    @settings(max_examples=MACHINES, suppress_health_check=[HealthCheck.too_slow])
    def each(drawn, seed):
        exercised.update(one_machine(drawn, seed))

    each()
    missed = {law.name for law in laws.LAWS} - exercised
    assert len(exercised) >= LAWS_MET and (not missed or MACHINES < 1000)  # few machines need not meet everything


def one_machine(drawn, seed):
    """Run it and look at it. Returns the names of the laws that had something to judge."""
    world = drawn.builder(seed).world(trace_rows=4096)
    if not jit_is_enabled():
        check_memory(world)
    world.run(LENGTH_NS)
    table = event_table(world)
    exercised = laws_hold(table, drawn.scenario.one("machine").preempt == "rt")
    packets_are_conserved(world)
    devices_are_conserved(world)
    assert not reports_of(world)
    if world.builder.workqueues:
        nothing_is_lost(world)
    times_are_conserved(world)
    if world.builder.workqueues:
        nothing_is_lost(world)
    counters_agree(world, table)
    if seed % 4 == 0:
        same_untraced_and_in_slices(drawn, seed, digest(world))
    if seed % 8 == 1:
        a_host_door_reads_it(world, table)
    return exercised


def laws_hold(table, rt):
    """Returns the names of those that had something to judge."""
    verdicts = laws.judge(table, rt)
    assert not {each.law.name: [one.as_dict() for one in each.violations[:3]] for each in verdicts if not each.holds}
    return {each.law.name for each in verdicts if each.exercised}


def packets_are_conserved(world):
    m, above = world.memory, 0
    for queue in world.builder.queues:
        waiting = m[queue + f.Q_TAIL] - m[queue + f.Q_HEAD]
        assert 0 <= waiting <= m[queue + f.Q_RING_SIZE]
        gone = m[queue + f.Q_OFFERED] - m[queue + f.Q_DELIVERED] - m[queue + f.Q_DROPPED] - waiting
        if queue in world.builder.stacked:
            sink = m[queue + f.Q_SINK]
            above += gone - m[sink + s.X_BACKLOG_DROPPED] - m[sink + s.X_SOCKET_DROPPED]
        else:
            assert gone == 0
        cells = m[m[queue + f.Q_HISTOGRAM] : m[queue + f.Q_HISTOGRAM] + f.HISTOGRAM_SIZE]
        assert sum(int(count) for count in cells) == m[queue + f.Q_DELIVERED]
    assert above == free_records(world.builder.memory) - free_records(m)  # each has a record between its ring and its end


def free_records(m):
    packet, count = m[m[f.G_STACK] + s.ST_FREE] if m[f.G_STACK] else 0, 0
    while packet:
        packet, count = m[packet + s.P_NEXT], count + 1
    return count


def times_are_conserved(world):
    m, found = world.memory, summarise(world)
    for cpu in found["cpus"]:
        assert sum(cpu[part] for part in TIMES) == world.now_ns
    of_tasks = sum(int(m[task + f.K_RUNTIME]) for task in world.builder.tasks.values())
    threads = ("ksoftirqd_ns", "irq_thread_ns", "kworker_ns", "task_ns", "idle_ns")
    assert of_tasks == sum(cpu[part] for cpu in found["cpus"] for part in threads)


def counters_agree(world, table):
    """What is counted is what was traced, and what a snapshot says."""
    m, shot = world.memory, take_snapshot(world)
    gone = [number for number, cpu in enumerate(world.builder.cpus) if not m[cpu + f.C_ONLINE]]  # has no column
    missing = sum(int(m[desc + f.D_COUNTS + number]) for desc in world.builder.irqs.values() for number in gone)
    missing += sum(2 * int(m[world.builder.nmis[number] + NM_COUNT]) for number in gone if number in world.builder.nmis)  # and PMI
    assert sum(sum(line.counts) for line in shot.interrupts.lines.values()) + missing == m[f.G_INTERRUPTS]
    for vector, name in enumerate(vocab.SOFTIRQS):
        entries = np.count_nonzero((table.kind == vocab.SOFTIRQ_ENTRY) & (table.a == vector))
        assert entries == sum(shot.softirqs.rows[name]) == shot.stat.softirqs[name]
    polls = table.kind == vocab.NAPI_POLL
    processed = sum(int(m[world.builder.cpus[number] + f.C_PROCESSED]) for number in gone)
    worked, received = int(table.b[polls].sum()), sum(row.processed for row in shot.softnet.values()) + processed
    # a driver that has sent descriptors left to clean says that it worked the whole weight (ixgbe_poll: return budget)
    assert worked == received or worked > received and any(m[napi + f.N_TX] for napi in world.builder.napis)
    assert np.count_nonzero(table.kind == vocab.SCHED_SWITCH) == shot.stat.context_switches
    for number, desc in world.builder.irqs.items():
        traced = np.count_nonzero((table.kind == vocab.IRQ_HANDLER_ENTRY) & (table.a == number))
        assert traced <= m[desc + f.D_COUNT] * 8 or number < 0


def a_host_door_reads_it(world, table):
    shot = take_snapshot(world).replace(time_ns=0)
    with tempfile.TemporaryDirectory() as folder:
        write_recording(f"{folder}/x.tar", [shot], table)
        machine = open_machine(f"{folder}/x.tar")
        assert plain(take_snapshots(machine)[0].replace(missing=None)) == plain(shot.replace(missing=None))
        assert load_events(machine).digest() == table.digest()


def same_untraced_and_in_slices(drawn, seed, expected):
    world = drawn.builder(seed).world()
    for end_ns in (1, *range(LENGTH_NS // 9, LENGTH_NS, LENGTH_NS // 9), LENGTH_NS):
        world.run(end_ns)
    assert digest(world) == expected
