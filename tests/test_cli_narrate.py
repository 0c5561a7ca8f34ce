"""`tophalf run --narrate`."""

import json

import pytest

from tophalf.cli.main import main
from tophalf.cli.narrate import story_lines
from tophalf.judge.story import Sentence

pytestmark = pytest.mark.kernels


def test_a_top_half_a_bottom_half_and_ksoftirqd(capsys):
    assert main(["run", "10gbe-napi", "--narrate", "400us"]) == 0
    text = capsys.readouterr().out
    steps = ("top half", "raises NET_RX", "handled", "bottom half", "polls eth0", "wakes ksoftirqd/0")
    first = [text.index(words) for words in steps]
    assert first == sorted(first)
    assert "ksoftirqd/0 > NET_RX" in text


def test_a_story_as_json(capsys):
    assert main(["run", "10gbe-napi", "--narrate", "30us", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["story"]
    assert set(told[0]) == {"time_ns", "cpu", "text", "contexts"}
    assert all(one["time_ns"] < 30_000 for one in told)


def test_a_story_has_an_end(capsys):
    assert main(["run", "10gbe-napi", "--narrate", "100s"]) == 2
    assert "too long a story" in capsys.readouterr().err


def test_cpus_stand_side_by_side_while_they_fit():
    def told(cpu, cpus):
        return Sentence(time_ns=1500, cpu=cpu, text="x", stacks=dict.fromkeys(range(cpus), ("idle",)))

    assert list(story_lines([told(0, 2), told(1, 2)]))[1].split() == ["1.500", "µs", "CPU0", "idle", "CPU1", "idle", "CPU1:", "x"]
    assert list(story_lines([told(cpu, 6) for cpu in range(6)]))[5].split() == ["1.500", "µs", "CPU5", "idle", "x"]
    assert list(story_lines([])) == []
