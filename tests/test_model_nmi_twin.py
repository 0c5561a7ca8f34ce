"""NMIs: against a slow twin, event by event, in tasks, softirqs and hardirqs; and the rules one by one.

Twin of: nmi.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, busy, run, times_of
from softirqtwin import GRID, Twin, model_of
from test_model_softirq import ns, scenarios
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq import nmifields as n
from tophalf.model.irq.buildnmi import add_nmi
from tophalf.model.machine.take import take_snapshot
from tophalf.model.simulate import simulate
from tophalf.model.table import event_table
from tophalf.scenario.load import read_scenario
from twincompare import same_events, same_ticks

FIRST_NS = 31  # a residue that nothing else has modulo GRID


class NmiTwin(Twin):
    """As softirqtwin's, with NMIs every `period` from FIRST_NS on: looked for wherever time has passed, interrupts on or off."""

    def __init__(self, scenario, period, cost):
        super().__init__(scenario)
        self.period, self.nmi_cost, self.next_nmi = period, cost, FIRST_NS
        self.waits, self.inside, self.nmis = False, False, 0

    def next_event(self):
        return min(super().next_event(), self.next_nmi)

    def look_at_devices(self):
        super().look_at_devices()
        while self.next_nmi <= self.now:
            self.next_nmi += self.period
            self.waits |= self.current is not self.idle or bool(self.hardirq) or self.softirq_of is not None

    def take_interrupts(self):
        while self.waits and not self.inside:
            self.waits, self.inside, outer = False, True, self.irqs_off
            self.irqs_off, self.nmis = True, self.nmis + 1
            self.burn(self.nmi_cost)
            self.irqs_off, self.inside = outer, False
        if not self.inside:
            super().take_interrupts()


@settings(max_examples=60)
@given(scenarios(), st.integers(100, 20_000), ns(3000))
def test_each_event_is_the_twins(scenario, period, cost):
    period, cost = period * GRID, cost + GRID
    twin = NmiTwin(scenario, period, cost)
    expected = twin.run()
    builder = model_of(scenario)
    source = add_nmi(builder, 0, period, builder.cost(cost, "nmi"), FIRST_NS)
    world = builder.world(trace_rows=3000)
    world.run(scenario["until_ns"])
    same_events(world, twin, expected)
    same_ticks(world, twin)
    assert int(world.memory[source + n.NM_COUNT]) == twin.nmis
    assert not [verdict.law.name for verdict in laws.judge(event_table(world), False) if not verdict.holds]


def test_a_handler_is_interrupted_though_interrupts_are_off():
    """From 10,000 for 5000 ns; NMIs of 300 ns at 12,000 and 14,000: out at 15,600. One that came at 12,100 waits for that."""
    builder = Builder(1)
    at_times(builder, 24, [10_000], (ops.OP_SPEND_NS, 5000))
    at_times(builder, 25, [12_100], (ops.OP_SPEND_NS, 10))
    source = add_nmi(builder, 0, 2000, builder.cost(300, "nmi"), 12_000)
    world, table = run(builder, 17_000)
    assert times_of(table, vocab.IRQ_HANDLER_EXIT, a=24) == [15_600]
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=25) == [15_600]
    assert world.memory[source + n.NM_COUNT] == 2  # in idle the counter stands still
    assert world.memory[builder.cpus[0] + f.C_TIMES + f.HARDIRQ] == 5610


def test_one_that_comes_in_an_nmi_waits_and_more_are_one():
    """Every 1000 ns, 2500 each: the first until 3500, in which two come that are one; it follows until 6000, and so on."""
    builder = Builder(1)
    busy(builder)
    source = add_nmi(builder, 0, 1000, builder.cost(2500, "nmi"))
    world, _ = run(builder, 11_001, trace_rows=0)
    assert world.memory[source + n.NM_COUNT] == 5
    assert world.memory[builder.cpus[0] + f.C_TIMES + f.TASK] == 11_001


def test_an_idle_machine_has_none():
    builder = Builder(1)
    source = add_nmi(builder, 0, 1000, builder.cost(100, "nmi"))
    world, _ = run(builder, 50_000)
    assert world.memory[source + n.NM_COUNT] == 0


TOML = """
[machine]
cpus = 2
[nmi]
rate = 4000
cpus = "1"
[[task]]
run = "1ms"
"""


def test_a_machine_shows_them():
    lines = take_snapshot(simulate(read_scenario(TOML, "nmi.toml"), seconds=0.0101).world).interrupts.lines
    assert lines["NMI"].counts == lines["PMI"].counts == (0, 40)
    assert "NMI" not in take_snapshot(simulate("syscalls-and-faults", seconds=0.001).world).interrupts.lines


@pytest.mark.parametrize("cost", ["0", '"250us"'])
def test_handlers_that_take_nothing_or_all_are_refused(cost):
    with pytest.raises(TophalfError, match="must take some time"):
        simulate(read_scenario(f"[nmi]\nrate = 4000\ncost = {cost}\n", "nmi.toml"), seconds=0.001)
