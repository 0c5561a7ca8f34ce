"""What the built-in scenarios about lines, placement and contexts show."""

import pytest

from tophalf.compiled import jit_is_enabled
from tophalf.errors import TophalfError
from tophalf.model.simulate import make_world, simulate
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.skipif(not jit_is_enabled(), reason="a million interrupts need the compiled engine")


def counts(outcome):
    return {line["irq"]: line["count"] for line in outcome["lines"]}


def test_a_storm_takes_its_cpu_and_lasts():
    found = simulate("storm", seconds=0.7).as_dict()
    assert counts(found)[16] == pytest.approx(0.5 / 2.5e-6, rel=0.01)
    assert found["cpus"][0]["hardirq_ns"] == pytest.approx(0.5e9, rel=0.01)
    assert found["cpus"][1]["task_ns"] > 0.99 * 0.7e9


def test_nobody_cared_ends_after_a_hundred_thousand():
    found = simulate("nobody-cared", seconds=1).as_dict()
    assert 100_000 <= counts(found)[16] < 100_100  # with the innocent device's until then
    assert found["cpus"][0]["hardirq_ns"] < 0.2e9


def test_each_interrupt_of_a_shared_line_asks_both_handlers():
    found = simulate("shared-line", seconds=1).as_dict()
    assert counts(found)[16] == pytest.approx(5_050, rel=0.05)
    assert found["cpus"][0]["softirq_ns"] == pytest.approx(50 * 30_000, rel=0.5)


def test_four_masks_make_the_difference():
    one, spread = (simulate(name, seconds=0.5).as_dict() for name in ("one-cpu", "spread"))
    assert one["packets"]["dropped"]["ring"] > 0.1 * one["packets"]["offered"]
    assert [cpu["idle_ns"] > 0.99 * 0.5e9 for cpu in one["cpus"]] == [False, True, True, True]
    assert sum(spread["packets"]["dropped"].values()) == 0
    assert all(0.55 * 0.5e9 < cpu["idle_ns"] < 0.75 * 0.5e9 for cpu in spread["cpus"])


def test_each_wakeup_by_an_interrupt_is_a_switch_that_nobody_asked_for():
    found = simulate("interrupts-preempt", seconds=1).as_dict()
    assert found["context_switches"]["by_interrupt"] == pytest.approx(counts(found)[30], rel=0.1)


def test_system_calls_and_faults_are_no_interrupts():
    found = simulate("syscalls-and-faults", seconds=1).as_dict()
    assert found["syscalls"] == found["page_faults"] == pytest.approx(1e9 / 24_000, rel=0.05)
    assert counts(found)[30] == found["interrupts"] == pytest.approx(3000, rel=0.1)


def test_a_queues_messages_are_shared_with_nobody():
    text = '[[nic]]\nrate = 5\nirq = 24\n[[device]]\nname = "x"\nirq = 24\nrate = 5\n'
    with pytest.raises(TophalfError, match="IRQ 24 is a queue of eth0, whose messages none shares"):
        make_world(read_scenario(text, "x.toml"), 0)
