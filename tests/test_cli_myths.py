"""`tophalf myths` at the command line."""

import json

import pytest

from tophalf.cli.main import main
from tophalf.cli.myths_text import document, myth_text
from tophalf.myths.collection import MYTHS, find_myth
from tophalf.myths.trial import try_myth

pytestmark = pytest.mark.kernels


def test_they_are_listed(capsys):
    assert main(["myths"]) == 0
    listed = capsys.readouterr().out
    assert all(myth.claim in listed for myth in MYTHS)
    assert main(["myths", "--json"]) == 0
    assert [myth["number"] for myth in json.loads(capsys.readouterr().out)["myths"]] == list(range(1, len(MYTHS) + 1))


def test_a_driver_is_run_and_checked(capsys):
    assert main(["myths", "spin-lock-irq", "--once"]) == 0
    text = capsys.readouterr().out
    assert "Verdict: false (the claim holds in 1 of 2 situations" in text
    assert "statistics_irq.py:26: spin_unlock_irq turns interrupts on" in text  # the checker, in its own words
    assert "__raw_spin_unlock_irq: local_irq_enable, always" in text
    assert any("CPU0" in line and "HHHHHHHHHHHHHHHHHHHH" in line for line in text.splitlines())  # it spins, for good


@pytest.mark.parametrize("name", ["more-interrupts", "affinity"])
def test_text_and_json_say_the_same(name):
    number, myth = find_myth(name)
    trial = try_myth(myth, vary=False, shorter=100)
    text, found = myth_text(number, trial), json.loads(json.dumps(document(number, trial)))
    assert f"Verdict: {trial.verdict}" in text and found["verdict"] == trial.verdict
    assert [one["name"] for one in found["situations"]] == [situation.name for situation in myth.situations]
    assert all(situation.name in text for situation in myth.situations)
    assert found["verdict_stays"] is None and "No cost was halved or doubled" in text


def test_changed_costs_are_told():
    number, myth = find_myth("more-interrupts")
    text = myth_text(number, try_myth(myth, shorter=500))
    assert "costs halved and doubled" in text and "moved most by" in text and "Seeds 1, 2, 3 instead of 0: " in text


@pytest.mark.parametrize("arguments, words", [(["99"], "no myth '99'"), (["--once"], "--once is for a myth that is tried")])
def test_faults_are_one_line_and_status_2(arguments, words, capsys):
    assert main(["myths", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
