"""Verdicts of the two commonest shapes: by the flags of single events, and by entries paired with exits."""

import numpy as np

from tophalf import vocab
from tophalf.judge.laws import pairs
from tophalf.judge.laws.law import verdict


def flag_verdict(law, ground, judged, wrong, text):
    """A verdict on single events by their flags; not exercised where the trace has no flags.

    judged, wrong: masks by row. text: what is wrong, in words.
    """
    if not ground.has_flags:
        return verdict(law, ground.table, 0)
    rows = np.flatnonzero(judged & wrong)

    def describe(at):
        row = rows[at]
        event, flags = vocab.EVENT_NAMES[ground.kind[row]], int(ground.flags[row]) & 0xFF
        return f"{text}: {event} {int(ground.table.a[row])} with flags {flags:#04x}"

    return verdict(law, ground.table, np.count_nonzero(judged), rows, describe)


def irqs_off_verdict(law, ground, judged, wrong, text):
    """The same where the flag "interrupts are off" decides; an architecture may not record it."""
    return flag_verdict(law, ground, judged & ground.irqs_off.any(), wrong, text)


def pair_verdict(law, ground, found, judged, wrong, words):
    """A verdict on pairs. judged, wrong: masks by row. words(table, row): what a row enters or leaves."""
    rows = np.flatnonzero(wrong)

    def describe(at):
        return broken_pair(ground.table, rows[at], int(found.code[rows[at]]), int(found.about[rows[at]]), words)

    # A frame that was left open is judged where that shows, which need not be an exit.
    return verdict(law, ground.table, np.count_nonzero(judged | wrong), rows, describe)


def broken_pair(table, row, code, about, words):
    """Words for a violation of pairing."""
    here = words(table, row)
    if code == pairs.UNOPENED:
        return f"exit of {here}, of which no entry was seen"
    entered = f"{words(table, about)}, entered at {seconds(table, about)}"
    if code == pairs.NESTED:
        return f"entry of {here} inside {entered}"
    if code == pairs.MISMATCH:
        return f"exit of {here} where the exit was due of {entered}"
    return f"{vocab.EVENT_NAMES[table.kind[row]]} outside of {entered}, which had not ended"


def seconds(table, row):
    """The time of a row as trace-cmd prints it."""
    time_ns = int(table.time_ns[row])
    return f"{time_ns // 10**9}.{time_ns % 10**9:09d}"
