"""What a law is, and what holding a trace against it gives."""

from tophalf.frozen import Frozen

VIOLATIONS_KEPT = 1000  # of one law, written out; a broken trace breaks a law at every row


class Law(Frozen):
    """One thing the kernel guarantees. name: as in the output. statement: one sentence. source: "file function()"."""

    __slots__ = ("name", "statement", "source")


class Violation(Frozen):
    """One event that a lawful kernel cannot have written. row: of the event table. what: what was seen against what was due."""

    __slots__ = ("time_ns", "cpu", "row", "what")


class Verdict(Frozen):
    """A law held against a trace. applied: how often there was something to judge. violations: tuple, in time order, the
    first VIOLATIONS_KEPT of `violation_count`."""

    __slots__ = ("law", "applied", "violations", "violation_count")

    @property
    def holds(self):
        return not self.violation_count

    @property
    def exercised(self):
        return self.applied > 0


def verdict(law, table, applied, rows=(), describe=None):
    """A Verdict from the rows that break a law.

    applied: int. rows: row numbers, ascending. describe(position): what was wrong, by position in `rows`.
    """
    kept = [
        Violation(time_ns=int(table.time_ns[row]), cpu=int(table.cpu[row]), row=int(row), what=describe(at))
        for at, row in enumerate(rows[:VIOLATIONS_KEPT])
    ]
    return Verdict(law=law, applied=int(applied), violations=tuple(kept), violation_count=len(rows))
