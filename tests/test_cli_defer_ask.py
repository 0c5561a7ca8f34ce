"""The questions of `tophalf defer`: each is answered, again where it could not be understood, and means what its option means."""

import pytest

from tophalf.cli import defer
from tophalf.cli.defer_ask import QUESTIONS, ask
from tophalf.cli.main import main
from tophalf.errors import TophalfError


def asked(*lines):
    """What was asked and understood, with these answers."""
    left, prompts = list(lines), []

    def answer(prompt):
        prompts.append(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    given = ask(lambda option, text: defer.needs_of({option: text}), answer)
    assert not left
    return given, prompts


def test_empty_answers_are_the_defaults():
    given, prompts = asked(*[""] * len(QUESTIONS))
    assert not any(given.values()) and len(prompts) == len(QUESTIONS)
    assert defer.needs_of(given) == defer.needs_of({})


def test_answers_are_options():
    given, _ = asked("no", "other", "200us", "20k/s", "50us", "yes", "6.1")
    wanted = {"work": "200us", "rate": "20k/s", "latency": "50us", "per_cpu": True, "kernel": "6.1"}
    assert defer.needs_of(given) == defer.needs_of(wanted)


def test_what_sleeps_is_not_asked_how_soon():
    given, prompts = asked("y", "network", "", "", "", "")
    assert given["sleeps"] and given["device"] == "network" and not [prompt for prompt in prompts if "How soon" in prompt]


def test_what_is_not_understood_is_asked_again(capsys):
    given, prompts = asked("perhaps", "n", "printer", "block", "fast", "0us", "5us", "", "any time", "", "six", "6.9")
    assert len(prompts) == 12 and given["device"] == "block" and given["work"] == "5us" and given["kernel"] == "6.9"
    said = capsys.readouterr().out
    assert "'perhaps' is not yes or no" in said and "'fast' is no time" in said and "must be more than 0" in said


def test_answers_that_end_are_an_error():
    with pytest.raises(TophalfError, match="the answers end"):
        asked("no", "other")


def test_in_a_terminal_it_asks(monkeypatch, capsys):
    lines = iter(["yes", "", "", "", "", ""])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["defer", "--no-compare"]) == 0
    assert "threaded irq (request_threaded_irq)" in capsys.readouterr().out
