"""CPUs that go offline and come back: a machine that does nothing else against a slow twin, event by event."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hotplugtwin import HotplugTwin
from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.cpu.buildhotplug import add_hotplug
from tophalf.model.irq.manage import OFFLINE_CPU, ONLINE_CPU, command
from tophalf.model.irq.managefields import HP_WRITER, M_HOTPLUG, P_CPUHP, P_STOPPER
from tophalf.model.table import event_table

ORDERS_NS = 3_010_000  # between two orders; HZ=100, so that no tick comes in the middle of one
COSTS = ("context_switch", "ipi", "irq_entry", "irq_exit")


def twin_of(builder, costs, kernel):
    m = builder.memory

    def thread(field):
        return lambda cpu: m[m[m[builder.cpus[cpu] + f.C_MANAGE] + field] + f.K_PID]

    writer = m[m[m[f.G_MANAGE] + M_HOTPLUG] + HP_WRITER]
    return HotplugTwin(
        len(builder.cpus), costs, kernel, m[writer + f.K_PID], lambda cpu: m[m[builder.cpus[cpu] + f.C_KSOFTIRQD] + f.K_PID],
        thread(P_CPUHP), thread(P_STOPPER),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 5), st.fixed_dictionaries({name: st.integers(1, 900) for name in COSTS}),
       st.sampled_from(("6.1", "6.12")), st.lists(st.integers(1, 4), min_size=1, max_size=3))  # fmt: skip
def test_each_event_is_the_twins(cpus, costs, kernel, orders):
    builder = Builder(1, cpus=cpus, hz=100, kernel=kernel, preempt="none", costs=costs)
    add_hotplug(builder)
    twin, world = twin_of(builder, costs, kernel), builder.world(5000)
    for number, order in enumerate(orders):
        target, time = 1 + order % (cpus - 1), 2 * ORDERS_NS * (number + 1)
        for what, told in ((OFFLINE_CPU, twin.offline), (ONLINE_CPU, twin.online)):
            world.run(time)
            assert command(world.memory, what, builder.cpus[target]) == 0
            told(time, target)
            time += ORDERS_NS
    world.run(2 * ORDERS_NS * (len(orders) + 1))
    table = event_table(world)
    columns = (table.time_ns, table.cpu, table.kind, table.pid, table.a, table.b)
    assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == sorted(twin.events)
