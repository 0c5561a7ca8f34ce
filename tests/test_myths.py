"""Myths: the verdict is counted from effects, costs are scaled one at a time, and each myth runs and gives the page's verdict."""

import pytest

from tophalf.compiled import jit_is_enabled
from tophalf.errors import TophalfError
from tophalf.myths import affinity, coalescing, ksoftirqd, polling, softirqcpu, spinlock, tasklets, workqueues
from tophalf.myths.arms import ModelArm
from tophalf.myths.collection import MYTHS, find_myth
from tophalf.myths.costs import costs_in, scaled, times
from tophalf.myths.myth import DEPENDS, FALSE, TRUE, Myth, Situation, say, verdict
from tophalf.myths.trial import costs_of_myth, ranges, try_myth, turned
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels

# At full length with seed 0; docs/myths.md says why.
VERDICTS = {"affinity": DEPENDS, "softirq-cpu": TRUE, "workqueues": DEPENDS, "napi": DEPENDS, "tasklets": FALSE,
            "spin-lock-irq": FALSE, "more-interrupts": DEPENDS, "coalescing": FALSE, "ksoftirqd": DEPENDS}  # fmt: skip


@pytest.mark.parametrize("myth", MYTHS, ids=lambda myth: myth.name)
def test_each_myth_runs_and_its_verdict_is_the_pages(myth):
    if myth.name != "spin-lock-irq" and not jit_is_enabled():
        pytest.skip("millions of packets need the compiled engine; the next test runs it shorter")
    trial = try_myth(myth, vary=False)
    assert trial.verdict == VERDICTS[myth.name]
    assert all(situation.why and situation.means for situation in myth.situations)


@pytest.mark.parametrize("myth", MYTHS, ids=lambda myth: myth.name)
def test_each_myth_runs_shorter(myth):
    trial = try_myth(myth, vary=False, shorter=100)
    assert trial.verdict in (TRUE, FALSE, DEPENDS)
    assert all(figure.of(found) >= 0 for situation, runs in zip(myth.situations, trial.found, strict=True)
               for figure in situation.shown for found in runs)  # fmt: skip


@pytest.mark.parametrize("myth", MYTHS, ids=lambda myth: myth.name)
def test_a_verdict_can_come_out_otherwise(myth):
    """Other effects, other verdicts: nothing of it is written down."""
    outside = [situation.limit + (1 if situation.below else -1) for situation in myth.situations]
    inside = [situation.limit + (-1 if situation.below else 1) for situation in myth.situations]
    assert verdict(myth, inside) == TRUE
    assert verdict(myth, outside) == FALSE
    assert verdict(myth, [inside[0], *outside[1:]]) == (FALSE if myth.universal else DEPENDS)


def test_other_figures_turn_the_effects():
    """What the runs found decides: the same functions on made-up runs."""
    mean = coalescing.MYTH.situations[0]
    slow, fast = ({"latency_ns": {"mean": value, "p99": value}} for value in (9000, 3000))
    assert mean.holds(mean.effect(fast, slow)) and not mean.holds(mean.effect(slow, fast))
    p99 = tasklets.MYTH.situations[0]
    assert p99.holds(p99.effect(slow, fast)) and not p99.holds(p99.effect(fast, slow))
    spread = ksoftirqd.MYTH.situations[0]
    busy, idle = ({"cpus": [{"ksoftirqd_ns": value}], "simulated_ns": 1000} for value in (990, 0))
    assert spread.holds(spread.effect(busy, busy)) and not spread.holds(spread.effect(busy, idle))
    line = {"lines": [{"per_cpu": [0, 0, 0, 7]}, {"per_cpu": [1, 0, 0, 0]}]}
    assert affinity.landed(line) == 7 / 8


def test_a_handler_that_spins_for_its_own_cpus_lock_is_stuck():
    """Until the first interrupt in the hole all goes well; from then on the handler has all the time."""
    irq, mended = spinlock.MYTH.situations[1].arms
    found = irq.run(0)
    calls, handlers = found["calls"][0]["done"], found["drivers"][0]["numbers"]["seen"]
    stuck_ns = found["cpus"][0]["hardirq_ns"]
    began_ns = found["simulated_ns"] - stuck_ns
    assert 0 < calls < 1000 and 0 < handlers < 5000 and began_ns > calls * 1_000_000  # a read each millisecond, until then
    assert stuck_ns + sum(found["cpus"][0][name] for name in ("task_ns", "idle_ns")) <= found["simulated_ns"]
    again = mended.run(0)
    assert again["calls"][0]["done"] > 900 and not again["reports"]
    assert again["cpus"][0]["hardirq_ns"] < again["simulated_ns"] // 100


def test_a_softirq_that_another_cpu_raised_would_be_seen():
    from tophalf import vocab
    from tophalf.events import make_table

    def table(*rows):
        kinds, cpus = zip(*rows, strict=True)
        return {"events": make_table({"time_ns": range(len(rows)), "kind": kinds, "cpu": cpus, "a": [vocab.NET_RX] * len(rows)})}

    raised, runs = vocab.SOFTIRQ_RAISE, vocab.SOFTIRQ_ENTRY
    assert softirqcpu.runs_of(table((raised, 1), (runs, 1), (raised, 0), (runs, 0))) == (2, 0)
    other = table((raised, 1), (runs, 2), (runs, 1))
    assert softirqcpu.runs_of(other) == (2, 1)
    situation = softirqcpu.MYTH.situations[0]
    assert not situation.holds(situation.effect(other, table((raised, 1))))
    assert softirqcpu.elsewhere(table((raised, 1), (runs, 2), (runs, 0))) == 0.5


def test_what_is_deferred_is_timed_from_its_handlers_end():
    text = workqueues.DEVICE.format(app="", defer="tasklet", workqueue="system_wq")
    found = ModelArm(label="", scenario=text, seconds=0.01, trace=True).run(0)
    # from the end of the handler to the tasklet: irq_exit and softirq_entry at the least
    assert 300 <= workqueues.begins(found) < 10_000


def test_costs_are_scaled_one_at_a_time():
    text = polling.NIC.format(rate=1000, mode="napi", arrivals="poisson")
    scenario = read_scenario(text, "x.toml")
    names = costs_in(scenario)
    assert "nic.packet_cost" in names and "costs.irq_entry" in names
    assert not {"costs.packet", "costs.page_fault", "costs.ipi", "costs.cache_cold"} & set(names)  # nothing here pays them
    twice = scaled(scenario, "nic.packet_cost", 2)
    assert twice.all("nic")[0].packet_cost == ("constant", 800) and scenario.all("nic")[0].packet_cost == ("constant", 400)
    half = scaled(scenario, "costs.irq_entry", 0.5)
    assert half.one("costs").irq_entry == ("constant", 150) and half.all("nic")[0].packet_cost == ("constant", 400)
    assert times(("lognormal", 1000, 0.5), 2) == ("lognormal", 2000, 0.5)
    assert times(("empirical", (10, 20)), 0.5) == ("empirical", (5, 10))


def test_a_trial_varies_each_cost_and_says_what_turns():
    text = "[[nic]]\nmode = 'each'\nrate = 20_000\nhandler_cost = '{}'\npacket_cost = '400ns'\n"
    arms = [ModelArm(label=cost, scenario=text.format(cost), seconds=0.002) for cost in ("1us", "2us")]
    situation = Situation(name="x", arms=arms, shown=[], effect=lambda one, other: other["cpus"][0]["hardirq_ns"], limit=120_000)
    trial = try_myth(Myth(name="x", claim="", situations=[situation]))
    base = 40 * (300 + 2000 + 200)  # the packet's own cost is a softirq's
    assert trial.effects == [pytest.approx(base, rel=0.05)] and trial.verdict == FALSE
    by = {(variant.cost, variant.factor): variant.effects[0] for variant in trial.variants}
    assert by["nic.handler_cost", 2] - trial.effects[0] == pytest.approx(40 * 2000, rel=0.05)
    assert trial.effects[0] - by["costs.irq_entry", 0.5] == pytest.approx(40 * 150, rel=0.05)
    assert ("nic.handler_cost", 2) in {(variant.cost, variant.factor) for variant in turned(trial)}
    assert ranges(trial) == [(min(by.values()), max(by.values()))]
    assert {cost for cost, _ in by} == set(costs_of_myth(trial.myth))
    assert [(each.seed, each.verdict) for each in trial.seeds] == [(seed, FALSE) for seed in (1, 2, 3)]


def test_one_seed_one_trial():
    first, second = (try_myth(find_myth("more-interrupts")[1], seed=3, vary=False, shorter=50).effects for _ in range(2))
    assert first == second


def test_names_and_numbers_find_a_myth():
    assert find_myth("8") == find_myth("coalescing")
    assert len({myth.name for myth in MYTHS}) == len(MYTHS)
    with pytest.raises(TophalfError, match="no myth '99'"):
        find_myth("99")


@pytest.mark.parametrize("value, unit, text", [(1500, "ns", "1.5 µs"), (-1500, "ns", "-1.5 µs"), (2, "ratio", "2 times"),
                                               (0.5, "share", "50.0%"), (-0.0125, "points", "-1.25 points"), (12, "count", "12"),
                                               (4000, "rate", "4,000/s")])  # fmt: skip
def test_figures_for_people(value, unit, text):
    assert say(value, unit) == text
