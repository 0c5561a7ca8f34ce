"""Scenarios: found, read, changed, refused with line and key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import TophalfError
from tophalf.scenario.load import builtin_names, is_scenario, load_scenario, read_scenario
from tophalf.scenario.sections import SECTIONS

TEXT = """title = "a NIC"
about = '''
[nic] is no header here
'''

[machine]
cpus = 2

[[nic]]
rate = "1k"

[[nic]]
name = "eth1"
irq = 30
rate = 5
cpus = "0-1"
"""


def test_values_and_defaults():
    scenario = read_scenario(TEXT, "x.toml")
    assert (scenario.name, scenario.title) == ("x", "a NIC")
    first, second = scenario.all("nic")
    assert (first.rate, first.name, second.cpus, second.name) == (1000, "eth0", (0, 1), "eth1")
    assert scenario.one("machine").hz == 250
    assert scenario.all("device") == ()


def test_places():
    first, second = read_scenario(TEXT, "x.toml").all("nic")
    assert first.where("rate") == "x.toml:10 [nic] rate"
    assert second.where("cpus") == "x.toml:16 [nic] cpus"
    assert second.where("ring") == "x.toml:12 [nic] ring"  # not given: its table


def test_changes_from_the_command_line():
    changes = ["nic.ring=64", "nic.1.rate=7k", "machine.preempt=full", "machine.threadirqs=true"]
    scenario = read_scenario(TEXT, "x.toml", sets=changes)
    assert [nic.ring for nic in scenario.all("nic")] == [64, 64]
    assert [nic.rate for nic in scenario.all("nic")] == [1000, 7000]
    assert (scenario.one("machine").preempt, scenario.one("machine").threadirqs) == ("full", True)
    assert scenario.all("nic")[1].where("rate") == "--set nic.1.rate=7k"


@pytest.mark.parametrize(
    "text, words",
    [
        ("[nic", "x.toml: is no TOML"),
        ("[nick]\n", "x.toml:1: unknown section [nick]; did you mean nic?"),
        ("[[nic]]\nrat = 5\n", "x.toml:2 [nic] rat: unknown key rat; did you mean rate?"),
        ("[[nic]]\nring = 4\n", "x.toml:1 [nic]: rate is missing"),
        ("\n[[nic]]\nrate = -5\n", "x.toml:3 [nic] rate: -5 is below 0"),
        ("[[nic]]\nrate = 5\ncpus = 3\n", "x.toml:3 [nic] cpus: names a CPU that is not there, of 1"),
        ("[machine]\ncpus = 0\n", "x.toml:2 [machine] cpus: 0 is below 1"),
        ("[machine]\ncpus = 9000\n", "x.toml:2 [machine] cpus: 9,000 is above 8,192"),
        ("[machine]\ncpus = true\n", "x.toml:2 [machine] cpus: True is not a whole number"),
        ("[machine]\nkernel = '2.4'\n", "x.toml:2 [machine] kernel: '2.4' is none of 6.1, 6.12"),
        ("[[machine]]\n[[machine]]\n", "x.toml:1: more than one [machine]"),
        ("nic = 5\n", "x.toml:1: nic is a section"),
        ("title = 5\n", "x.toml: title and about are texts"),
        ("[device]\nname = 'x'\nirq = 1\ncpu = 1\n", "x.toml:4 [device] cpu: names a CPU that is not there"),
    ],
)
def test_bad_scenarios_name_line_and_key(text, words):
    with pytest.raises(TophalfError) as error:
        read_scenario(text, "x.toml")
    assert error.value.line().startswith(words)


BAD_CHANGES = ["x", "nic.rate", "nic.foo=1", "foo.rate=1", "nic.5.rate=1", "nic.rate=-1", "device.irq=4", "a.b.c.d=1"]


@pytest.mark.parametrize("change", BAD_CHANGES)
def test_bad_changes_are_named(change):
    with pytest.raises(TophalfError, match="--set"):
        read_scenario(TEXT, "x.toml", sets=[change])


def test_unknown_names_get_a_hint():
    with pytest.raises(TophalfError, match="did you mean 10gbe-napi"):
        load_scenario("10gbe-nappi")


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_scenarios_load_and_say_what_they_show(name):
    scenario = load_scenario(name)
    assert 20 < len(scenario.title) < 140
    assert scenario.about
    assert is_scenario(name)
    assert "[" not in scenario.title


def test_what_is_no_scenario():
    assert not is_scenario("host.tar") and not is_scenario("no-such") and not is_scenario("../mm1")


@pytest.mark.parametrize("section", SECTIONS.values(), ids=lambda section: section.name)
def test_every_key_has_a_meaning_and_a_default_that_fits(section):
    from tophalf.scenario.schema import REQUIRED

    for name, key in section.keys.items():
        assert key.meaning, name
        if key.default not in (None, (), REQUIRED) and key.kind in ("int", "bool", "text"):
            assert key.read(key.default) == key.default


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        read_scenario(text, "x.toml")
    except TophalfError as error:
        assert error.line()


STRANGE = ["1", "-1", "true", "'x'", "[]", "{}", "1e300", "1979-05-27", "[1, 'a']", "99999999999999999999"]


@given(st.sampled_from(sorted(SECTIONS)), st.data())
def test_any_value_is_read_or_refused(section, data):
    key = data.draw(st.sampled_from(sorted(SECTIONS[section].keys) or ["x"]))
    value = data.draw(st.sampled_from(STRANGE))
    try:
        read_scenario(f"[{section}]\n{key} = {value}\n", "x.toml")
    except TophalfError as error:
        assert "x.toml" in error.line()
