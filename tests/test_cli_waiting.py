"""The line about something that takes long."""

import time

from tophalf.cli import render, waiting


def test_it_is_said_only_when_it_takes_long_and_then_cleared(monkeypatch):
    said = []
    monkeypatch.setattr(render, "progress", said.append)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with waiting.Waiting("quick"):
        pass
    assert said == [""]
    monkeypatch.setattr(waiting, "SAY_AFTER_S", 0.0)
    with waiting.Waiting("slow"):
        deadline = time.monotonic() + 5
        while len(said) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert said[1].startswith("slow, 0 s") and said[-1] == ""


def test_in_a_log_it_is_said_once(monkeypatch, capsys):
    with waiting.Waiting("quick"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(waiting, "SAY_ONCE_AFTER_S", 0.0)
    with waiting.Waiting("slow") as slow:
        slow._thread.join(5)
    assert capsys.readouterr().err == "tophalf: slow ...\n"
