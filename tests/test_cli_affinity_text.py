"""The sentences of `tophalf affinity`, for each thing that can be seen."""

import pytest

from tophalf.cli.affinity_rows import irqbalance_row
from tophalf.cli.affinity_text import changed, shown
from tophalf.snapshot import Daemon, Facts

NOT_RUNNING = {"running": False}


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")


def row(verdict, **more):
    seen = {"quiet": {}, "landed": {"0": 1, "1": 9}, "carrier": {"0": 1}, "outside": {"0": 40}}.get(verdict, {})
    return {"irq": 40, "actions": ["eth0-rx-0"], "before": [0], "after": [1], "written": True, "refused": None,
            "effective_before": [0], "effective_after": [0] if verdict in ("quiet", "outside") else [1],
            "affinity_now": [3] if verdict == "overridden" else [1], "verdict": verdict, "inside": 0, "outside": 0,
            "per_cpu": seen, "watched_ns": 2 * 10**9, "undo_left": 1, **more}  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("landed", "lands there: interrupts: 9 on CPU 1; 1 on CPU 0, outside, before the move in 2 s"),
        ("carrier", "moved: one interrupt on CPU 0 took the move along; the next lands on CPU 1"),
        ("outside", "still outside the mask: interrupts: 40 on CPU 0, outside in 2 s; effective_affinity is still 0"),
        ("quiet", "not proven: no interrupt in 2 s; effective_affinity is still 0: the line moves with its next interrupt"),
        ("overridden", "the mask reads 3  (mask 8) now: something else wrote it"),
        ("unwatched", "not watched, so nothing is proven; effective_affinity went from 0 to 1"),
    ],
)
def test_each_verdict_says_what_was_seen(verdict, words):
    assert words in changed([row(verdict)], NOT_RUNNING, "list", "")


def test_quiet_lines_differ_by_what_is_in_force():
    moved = changed([row("quiet", effective_after=[1])], NOT_RUNNING, "list", "")
    assert "went from 0 to 1, so the next one should land there" in moved
    stayed = changed([row("quiet", effective_before=[1], effective_after=[1])], NOT_RUNNING, "list", "")
    assert "still 1, inside the mask: nothing had to move" in stayed
    unknown = changed([row("quiet", effective_after=None)], NOT_RUNNING, "list", "")
    assert "effective_affinity is not recorded by this kernel" in unknown


def test_steps_that_can_be_taken_back_are_counted():
    assert changed([row("landed")], NOT_RUNNING, "list", "").endswith("undo: tophalf affinity --undo 40")
    assert "--undo 40  (3 changes kept)" in changed([row("landed", undo_left=3)], NOT_RUNNING, "list", "")
    assert "undo: tophalf affinity 40 --list 0" in changed([row("landed", undo_left=None)], NOT_RUNNING, "list", "disk full")


def facts(**fields):
    return Facts(daemons={"irqbalance": Daemon(pid=812, interval_s=10, **fields), "tuned": False})


def test_irqbalance_and_the_exact_ban():
    arguments = ("/usr/sbin/irqbalance", "--foreground", "--banirq=7", "--banmod=x")
    daemon = irqbalance_row(facts(arguments=arguments, bans=(7,)), [40, 41])
    text = changed([row("landed")], daemon, "list", "")
    assert "irqbalance runs (pid 812, every 10 s) and was not told to leave IRQ 40, 41 alone" in text
    assert 'IRQBALANCE_ARGS="--banirq=7 --banmod=x --banirq=40 --banirq=41"' in text
    assert "overwritten one interval after irqbalance" in text and "systemctl restart irqbalance" in text


def test_a_banned_line_needs_no_advice():
    daemon = irqbalance_row(facts(arguments=("irqbalance",), bans=(40,)), [40])
    text = changed([row("landed")], daemon, "list", "")
    assert "was told to leave IRQ 40 alone" in text and "IRQBALANCE_ARGS" not in text


def test_irqbalance_is_not_mentioned_where_nothing_was_written():
    daemon = irqbalance_row(facts(arguments=("irqbalance",), bans=()), [])
    assert "irqbalance" not in changed([row("landed", written=False)], daemon, "list", "")


def test_names_of_another_machine_cannot_drive_the_terminal():
    line = {"irq": 40, "actions": ["a\x1b[2Jb"], "chip": "c\x07", "hwirq": None, "trigger": None, "affinity": [0],
            "effective_affinity": None, "affinity_hint": [], "node": None, "managed": None, "managed_evidence": None,
            "fixed": None}  # fmt: skip
    text = shown("x\x1b]0;y", [line], {"running": None})
    assert "\x1b" not in text and "\x07" not in text
    assert "node                not recorded" in text and "affinity_hint       none set by the driver" in text


def test_a_line_that_is_pinned_but_not_managed_says_both():
    line = {"irq": 0, "actions": ["timer"], "chip": "IO-APIC", "hwirq": 2, "trigger": "edge", "affinity": [0, 1],
            "effective_affinity": [0], "affinity_hint": [], "node": 0, "managed": False, "managed_evidence": "no MSI",
            "fixed": "the kernel shows its mask read-only"}  # fmt: skip
    text = shown("this host", [line], NOT_RUNNING)
    assert "managed             no: no MSI" in text and "cannot be moved     the kernel shows its mask read-only" in text
