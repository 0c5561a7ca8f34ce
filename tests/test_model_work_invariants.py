"""What always holds of worker pools on any machine, whatever its CPUs do: looked at in the middle of random runs."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anyscenario
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.assemble.world import assemble
from tophalf.model.table import event_table
from tophalf.model.work import workfields as g
from tophalf.scenario.load import read_scenario
from workprograms import nothing_is_lost

pytestmark = pytest.mark.kernels
CUTS = 12


def listed(m, head):
    """Nodes of a list, both ways round."""
    found, node = [], m[head]
    while node != head:
        assert m[m[node] + 1] == m[m[node + 1]] == node
        found.append(int(node))
        node = m[node]
    return found


def pool_is_sound(m, pool):
    workers = [int(m[m[pool + g.O_WORKERS] + at]) for at in range(m[pool + g.O_WORKERS_MAX])]
    there = [worker for worker in workers if m[worker + g.R_EXISTS]]
    idle, busy = listed(m, pool + g.O_IDLE_LIST), [node - g.R_HENTRY for node in listed(m, pool + g.O_BUSY)]
    assert len(there) == m[pool + g.O_NR_WORKERS] or m[pool + g.O_FLAGS] & g.POOL_BH
    assert len(idle) == m[pool + g.O_NR_IDLE] and set(idle) <= set(there)
    assert all(m[worker + g.R_FLAGS] & g.WORKER_IDLE for worker in idle)
    running = [worker for worker in there if not m[worker + g.R_FLAGS] & g.WORKER_NOT_RUNNING and not m[worker + g.R_SLEEPING]]
    assert m[pool + g.O_NR_RUNNING] == len(running)
    assert all(m[worker + g.R_POOL] == pool and m[worker + g.R_CURRENT_WORK] for worker in busy)
    items = [m[worker + g.R_CURRENT_WORK] for worker in busy]
    assert len(set(items)) == len(items)  # an item on one worker at a time
    return items


def somebody_will_see_to_it(world, pool):
    """No pool has items that wait while nobody runs, is about to, makes a worker, or is called for."""
    m = world.memory
    if not listed(m, pool + g.O_WORKLIST) or m[pool + g.O_NR_RUNNING] or m[pool + g.O_FLAGS] & (g.POOL_MANAGER_ACTIVE | g.POOL_BH):
        return
    workers = [m[m[pool + g.O_WORKERS] + at] for at in range(m[pool + g.O_WORKERS_MAX])]
    awake = [worker for worker in workers if m[worker + g.R_EXISTS] and m[m[worker + g.R_TASK] + f.K_STATE] == f.RUNNING]
    # every worker that is there sleeps in its item: then unbound ones wait for as many as there are, others for none
    assert awake


def workqueue_is_sound(m, wq):
    """Items that are active are as many as max_active allows, and as are counted."""
    active, frozen = 0, m[m[f.G_WORK] + g.W_FREEZING]  # what is active goes on then
    for at in range(m[wq + g.WQ_PWQ_COUNT]):
        pwq = m[m[wq + g.WQ_PWQS] + at]
        assert 0 <= m[pwq + g.Y_NR_ACTIVE] <= m[wq + g.WQ_SAVED_MAX]
        waiting = listed(m, pwq + g.Y_INACTIVE_WORKS)
        assert all(m[work + g.X_FLAGS] & g.WORK_STRUCT_INACTIVE for work in waiting)
        assert frozen or not waiting or m[pwq + g.Y_NR_ACTIVE] or m[wq + g.WQ_NODE_NR_ACTIVE]
        active += m[pwq + g.Y_NR_ACTIVE]
        assert sum(m[pwq + g.Y_NR_IN_FLIGHT + color] for color in range(g.WORK_NR_COLORS)) >= len(waiting) + m[pwq + g.Y_NR_ACTIVE]
    if m[wq + g.WQ_NODE_NR_ACTIVE]:
        nodes = [m[m[wq + g.WQ_NODE_NR_ACTIVE] + node] for node in range(m[wq + g.WQ_NODE_COUNT] + 1)]
        assert active == sum(m[node + g.NNA_NR] for node in nodes)
        assert frozen or all(m[node + g.NNA_NR] <= m[node + g.NNA_MAX] for node in nodes)


def sound(world):
    m, known = world.memory, world.builder.workqueues
    items = [item for pool in known.pools.values() for item in pool_is_sound(m, pool)]
    assert len(set(items)) == len(items)
    for pool in known.pools.values():
        somebody_will_see_to_it(world, pool)
    for wq in known.queues:
        workqueue_is_sound(m, wq)
    nothing_is_lost(world)


def never_beside_itself(table):
    """An item starts again when it has ended, not before."""
    starts, ends = ({}, {})
    for kind, found in ((vocab.WORKQUEUE_EXECUTE_START, starts), (vocab.WORKQUEUE_EXECUTE_END, ends)):
        rows = table.kind == kind
        for time, item in zip(table.time_ns[rows].tolist(), table.a[rows].tolist(), strict=True):
            found.setdefault(item, []).append(time)
    for item, times in starts.items():
        assert all(end <= start for end, start in zip(ends.get(item, ()), times[1:], strict=False))
        assert len(times) - len(ends.get(item, ())) in (0, 1)


@st.composite
def machines(draw):
    """A scenario: CPUs in one node or two, workqueues, items, a task; and what it was made from."""
    cpus, kernel = draw(st.integers(1, 4)), draw(st.sampled_from(("6.1", "6.12", "6.12")))
    lines = [f"cpus = {cpus}", f'kernel = "{kernel}"', f'preempt = "{draw(st.sampled_from(("none", "voluntary", "full", "rt")))}"']
    lines += [f"hz = {draw(st.sampled_from((100, 250, 1000)))}", f'worker_creation = "{draw(st.sampled_from((0, 0, 1, 30)))}ms"']
    lines += [f"power_efficient = {str(draw(st.booleans())).lower()}"]
    if cpus > 1 and draw(st.booleans()):
        half = cpus // 2
        lines += [f'nodes = ["0-{half - 1}", "{half}-{cpus - 1}"]']
    if cpus > 1 and draw(st.booleans()):
        lines += ["isolated = [0]"]
    tables = draw(anyscenario._works(cpus, kernel))
    if draw(st.booleans()):
        tables.append(f'[[at]]\ntime = "{draw(st.integers(0, 4000))}us"\nsuspend = "2ms"')
    text = "\n".join(["[machine]", *lines, *tables, '[[task]]\nname = "app"\nrun = "300us"\nsleep = "1ms"']) + "\n"
    pressure = [f"work.rate={draw(st.sampled_from((500, 2000, 5000)))}", "work.arrivals=poisson"] if "[[work]]" in text else []
    return read_scenario(text, "drawn.toml", sets=pressure), text, pressure


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(machines(), st.integers(0, 1 << 20))
def test_pools_are_sound_at_any_moment(machine, seed):
    world = assemble(machine[0], seed).world(trace_rows=20_000)
    for cut in range(1, CUTS + 1):
        world.run(cut * 1_000_003)
        sound(world)
    never_beside_itself(event_table(world))
