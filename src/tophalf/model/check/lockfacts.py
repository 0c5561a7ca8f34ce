"""What lockdep's facts of a run mean: the same judgement as lint's (`driver.lockorder`), with the context in which each was seen.

A usage or an order of locks that was new in the run is a fact (`lockdep`); here they are gathered and judged together at the end,
where the kernel judges each when it comes: the same, as facts only become more.
"""

from tophalf.driver.lockorder import BH, IRQ, Locks, Taking
from tophalf.model.check import checkfields as k
from tophalf.model.check.checkkinds import FACT_EDGE, FACT_USAGE
from tophalf.model.check.checkops import CHECK_ACQUIRE
from tophalf.model.ops import STRIDE

WITHIN = ((k.U_IN_HARDIRQ, IRQ), (k.U_IN_SOFTIRQ, BH))
OPEN = ((k.U_HARDIRQS_ON, IRQ), (k.U_SOFTIRQS_ON, BH))


class Line(int):
    """A line of a driver, with its path and the Case it was seen in."""


class Judged:
    """What `Locks.judge` reports to: [(Line, kind, title, details, do)]."""

    def __init__(self):
        self.found = []

    def add(self, line, kind, title, details, do):
        self.found.append((line, kind, title, details, do))


def judge_locks(world, cases):
    """[(Case, path, line, kind, title, details, do)] of a run's facts."""
    locks, names, judged = Locks(), class_names(world.builder), Judged()
    for case in cases:
        if case.kind == FACT_USAGE:
            _usage(locks, names, case)
        elif case.kind == FACT_EDGE:
            _edge(locks, names, case)
    locks.judge(judged)
    return [(line.case, line.path, int(line), *rest) for line, *rest in judged.found]


def class_names(builder):
    """{number: name}; with the file's name where two drivers have one of the same."""
    names = [name for _, name in builder.lock_classes]
    return {
        number: name if names.count(name) == 1 else f"{name} of {path.rsplit('/', 1)[-1]}"
        for (path, name), number in builder.lock_classes.items()
    }  # fmt: skip


def _taking(case, lock, is_read):
    path, line = case.line()
    at = Line(line or 0)
    at.path, at.case = path, case
    return Taking(at, case.function(), case.lock_name(lock), is_read, _form(case))


def _form(case):
    """The call that is about to take the lock, "" where one that is held is marked."""
    at = int(case.frames[-1][k.FRAME_PC]) - STRIDE
    op, how = int(case.m[at]), int(case.m[at + 2])
    if op != CHECK_ACQUIRE:
        return ""
    return "read_lock" if how & k.H_READ else "write_lock" if how & k.H_WRITE else "spin_lock"


def _usage(locks, names, case):
    key = names[int(case.m[case.about + k.MAP_CLASS])]
    for is_read in (False, True):
        usage = case.other // k.U_READ if is_read else case.other % k.U_READ
        taking = _taking(case, case.about, is_read)
        for bit, kind in WITHIN:
            if usage & bit:
                locks.within.setdefault((key, kind), []).append(taking)
        for bit, kind in OPEN:
            if usage & bit:
                locks.open.setdefault((key, kind), []).append(taking)


def _edge(locks, names, case):
    first, then = (names[int(case.m[lock + k.MAP_CLASS])] for lock in (case.about, case.other))
    is_read, is_recursive = bool(case.place % 2), bool(case.place // 2 % 2)
    locks.follows(first, then, is_read, is_recursive, _taking(case, case.other, is_recursive))
