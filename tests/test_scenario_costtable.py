"""Tables of costs: what is assumed is whole and has its sources; what is read keeps the rest; what is wrong is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import TophalfError
from tophalf.model.simulate import make_world
from tophalf.scenario.costtable import ASSUMED, load_cost_table, write_cost_table
from tophalf.scenario.load import read_scenario
from tophalf.scenario.sections.costs import MEANINGS

SCENARIO = '[costs]\ntable = "mine.toml"\nipi = "5us"\n[[nic]]\nrate = "1k"\n'


def test_every_cost_that_is_assumed_has_a_value_and_a_source():
    costs, sources = load_cost_table(ASSUMED)
    assert set(costs) == set(sources) == set(MEANINGS)
    assert all(text.startswith("assumed") for text in sources.values())


@given(st.dictionaries(st.sampled_from(sorted(MEANINGS)), st.integers(0, 10**6)), st.text(min_size=1))
def test_what_is_written_is_read(tmp_path_factory, given_ns, source):
    path = tmp_path_factory.mktemp("costs") / "t.toml"
    source = source.encode("utf-8", "replace").decode()
    path.write_text(write_cost_table({name: f"{ns}ns" for name, ns in given_ns.items()}, dict.fromkeys(given_ns, source), ["a"]))
    costs, sources = load_cost_table(str(path))
    assumed, assumed_sources = load_cost_table(ASSUMED)
    assert costs == assumed | {name: ("constant", ns) for name, ns in given_ns.items()}
    assert sources == assumed_sources | dict.fromkeys(given_ns, source)


def test_a_figure_without_a_source_does_not_keep_the_assumed_one(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text('[costs]\nipi = "1us"\n')
    assert load_cost_table(str(path))[1]["ipi"] == "t.toml, which does not say where from"


@pytest.mark.parametrize("text, says", [
    ("[costs]\nirq = 5\n", "no such cost"), ('[costs]\nipi = "fast"\n', "no time"), ("[cost]\nipi = 5\n", "no table of costs"),
    ("costs = 5\n", "no table of costs"), ("[costs\n", "no TOML"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, says):
    path = tmp_path / "t.toml"
    path.write_text(text)
    with pytest.raises(TophalfError, match=says) as raised:
        load_cost_table(str(path))
    assert "t.toml" in raised.value.line()


def test_no_such_file():
    with pytest.raises(TophalfError, match="no table of costs"):
        load_cost_table("/nowhere/t.toml")


def test_a_scenario_finds_the_table_beside_it_and_its_own_costs_come_first(tmp_path):
    (tmp_path / "mine.toml").write_text('[costs]\nipi = "9us"\nirq_entry = "77ns"\npacket = "exponential 55ns"\n')
    world = make_world(read_scenario(SCENARIO, "s.toml", str(tmp_path / "s.toml")), 0)
    costs, m = world.builder.costs, world.memory
    assert world.builder.driver_costs["packet"] == ("exponential", 55)
    from tophalf.model.fields import COST_MEAN

    assert [int(m[costs[name] + COST_MEAN]) for name in ("ipi", "irq_entry", "irq_exit")] == [5000, 77, 200]


@pytest.mark.parametrize("table", ["folder", "nowhere.toml"])
def test_a_table_that_cannot_be_read_is_said_with_the_scenarios_line_and_key(tmp_path, table):
    (tmp_path / "folder").mkdir()
    text = SCENARIO.replace("mine.toml", table)
    with pytest.raises(TophalfError, match=r"^s\.toml:2 \[costs\] table: .*no table of costs.*costs --measure"):
        make_world(read_scenario(text, "s.toml", str(tmp_path / "s.toml")), 0)
