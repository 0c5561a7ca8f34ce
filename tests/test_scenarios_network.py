"""What the built-in scenarios of interrupts, NAPI and coalescing show, at full length where the compiled engine runs."""

import pytest

from tophalf.compiled import jit_is_enabled
from tophalf.model.simulate import simulate

pytestmark = pytest.mark.skipif(not jit_is_enabled(), reason="millions of packets need the compiled engine")


def test_mm1_is_the_queue_of_the_textbook():
    found = simulate("mm1", seed=3, seconds=30).as_dict()
    assert found["latency_ns"]["mean"] == pytest.approx(4000, rel=0.01)  # λ=0.75 a µs, S=1 µs: 1/(1-ρ); 22 million customers
    assert found["interrupts"] / found["packets"]["delivered"] == pytest.approx(0.25, rel=0.005)
    assert found["cpus"][0]["hardirq_ns"] / found["simulated_ns"] == pytest.approx(0.75, rel=0.005)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_napi_keeps_up_with_every_packet(arrivals):
    found = simulate("10gbe-napi-keeps-up", seconds=0.5, sets=[f"nic.arrivals={arrivals}"]).as_dict()
    assert sum(found["packets"]["dropped"].values()) == 0
    assert found["packets"]["offered"] == pytest.approx(14_880_952 * 0.5, rel=0.001)
    assert found["packets"]["in_flight"] < 1024


def test_sixteen_queues_deliver_100_gbit():
    found = simulate("100gbe-16q", seconds=0.05).as_dict()
    assert sum(found["packets"]["dropped"].values()) == 0
    assert found["packets"]["offered"] == pytest.approx(148_809_524 * 0.05, rel=0.001)
    assert len({line["count"] > 0 for line in found["lines"]}) == 1


def test_coalescing_trades_latency_for_interrupts():
    waits = simulate("10gbe-coalesced").as_dict()
    at_once = simulate("10gbe-coalesced", sets=["nic.rx_usecs=0"]).as_dict()
    assert waits["interrupts"] * 8 < at_once["interrupts"]
    assert 20_000 < waits["latency_ns"]["mean"] - at_once["latency_ns"]["mean"] < 30_000
    assert sum(waits["packets"]["dropped"].values()) == sum(at_once["packets"]["dropped"].values()) == 0


def test_deferred_work_costs_no_less_but_lets_packets_through():
    heavy, split = (simulate(name, seed=2).as_dict() for name in ("heavy-top-half", "split-halves"))
    busy = [found["simulated_ns"] - found["cpus"][0]["idle_ns"] for found in (heavy, split)]
    assert busy[0] < busy[1] < 1.2 * busy[0]  # nothing is saved: switches are added, and packets no longer come in batches
    assert heavy["latency_ns"]["p99"] > 50 * split["latency_ns"]["p99"]
    assert split["context_switches"]["by_interrupt"] > 0 or split["context_switches"]["voluntary"] > 500
