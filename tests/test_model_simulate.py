"""simulate(): what a run says, and what it does not depend on."""

import pytest

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.simulate import figures, make_world, run_on, simulate
from tophalf.model.summary import TIMES, digest, summarise
from tophalf.scenario.load import builtin_names, load_scenario

pytestmark = pytest.mark.kernels
KEYS = ["scenario", "seed", "simulated_ns", "wall_seconds", "events", "interrupts", "polls", "context_switches"]


@pytest.fixture(scope="module")
def livelock():
    return simulate("10gbe-per-packet", seconds=0.02).as_dict()


def test_the_summary_has_its_keys(livelock):
    assert list(livelock)[: len(KEYS)] == KEYS
    assert livelock["scenario"] == "10gbe-per-packet"
    assert set(livelock["packets"]) == {"offered", "delivered", "dropped", "in_flight"}
    assert set(livelock["packets"]["dropped"]) == {"ring", "backlog", "socket"}
    assert set(livelock["latency_ns"]) == {"mean", "p50", "p90", "p99", "p999", "max"}
    assert set(livelock["cpus"][0]) == {"cpu", *TIMES}


def test_an_interrupt_for_each_packet_is_a_livelock(livelock):
    assert livelock["simulated_ns"] == 20_000_000
    assert livelock["interrupts"] <= 200_000 * 0.02
    assert livelock["cpus"][0]["hardirq_ns"] >= 0.9999 * 20_000_000
    assert livelock["packets"]["delivered"] == 0
    assert livelock["packets"]["dropped"]["ring"] == livelock["packets"]["offered"] - livelock["packets"]["in_flight"]


def test_napi_delivers_at_its_capacity_with_interrupts_near_zero():
    found = simulate("10gbe-napi", seconds=0.02).as_dict()
    capacity = 64 / (64 * 400 + 300) * 1e9  # packets a second: a poll of 64
    assert found["packets"]["delivered"] / 0.02 == pytest.approx(capacity, rel=0.02)
    assert found["interrupts"] <= 5


@pytest.mark.parametrize("name", builtin_names())
def test_conservation(name):
    world = make_world(load_scenario(name), 1)
    run_on(world, 3_000_000)
    found = summarise(world)
    packets = found["packets"]
    assert packets["offered"] == packets["delivered"] + sum(packets["dropped"].values()) + packets["in_flight"]
    assert packets["in_flight"] >= 0
    for cpu in found["cpus"]:
        assert sum(cpu[name] for name in TIMES) == found["simulated_ns"]


@pytest.mark.parametrize("name", ["mm1", "split-halves"])
def test_one_seed_one_digest_another_seed_another(name):
    digests = [simulate(name, seed, seconds=0.005).as_dict()["digest"] for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_tracing_and_slices_do_not_change_the_digest():
    scenario = load_scenario("split-halves")
    whole, sliced, traced = make_world(scenario, 3), make_world(scenario, 3), make_world(scenario, 3, trace_rows=500)
    whole.run(5_000_000)
    run_on(sliced, 5_000_000, progress=lambda now_ns, until_ns: None)
    traced.run(5_000_000)
    assert digest(whole) == digest(sliced) == digest(traced)
    assert int(traced.memory[f.G_EVENTS]) > 0


def test_deferring_the_work_lets_packets_through():
    heavy, split = (simulate(name, 1, 0.2).as_dict() for name in ("heavy-top-half", "split-halves"))
    assert heavy["latency_ns"]["p99"] > 300_000 > 10 * split["latency_ns"]["p99"]


def test_progress_is_told():
    told = []
    simulate("mm1", seconds=0.002, progress=lambda now_ns, until_ns: told.append(now_ns))
    assert told == sorted(told) and told[-1] == 2_000_000


@pytest.mark.parametrize("seconds", [0, -1, 10**9, float("nan")])
def test_no_time_to_run(seconds):
    with pytest.raises(TophalfError, match="no time to run"):
        simulate("mm1", seconds=seconds)


@pytest.mark.parametrize(
    "changes, words",
    [
        (["nic.rate=1000G"], "too many"), (["nic.queues=300", "nic.cpus=0"], "no vector left"),
    ],
)  # fmt: skip
def test_what_no_machine_can_have(changes, words):
    with pytest.raises(TophalfError, match=words):
        simulate("10gbe-napi", seconds=0.001, sets=changes)


def test_five_thousand_cpus_run():
    found = simulate("10gbe-napi", seconds=0.0001, sets=["machine.cpus=5000"]).as_dict()
    assert len(found["cpus"]) == 5000
    assert found["packets"]["offered"] == 1489


def test_notebooks_show_a_run_well():
    run = simulate("split-halves", seconds=0.002)
    html = run._repr_html_()
    assert "packets offered" in html and "CPU0" in html and html.count("<tr>") == len(figures(run.as_dict()))


def test_a_task_that_takes_no_time_is_refused():
    from tophalf.scenario.load import read_scenario

    with pytest.raises(TophalfError, match="takes no time"):
        simulate(read_scenario("[[task]]\nrun = 0\n", "x.toml"), seconds=0.001)
    assert simulate(read_scenario("[[task]]\nrun = 0\nsleep = 1000\n", "x.toml"), seconds=0.001).as_dict()["simulated_ns"] == 10**6
