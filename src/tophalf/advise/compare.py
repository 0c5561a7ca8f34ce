"""The measured comparison: one load under each mechanism that is allowed, at twice the rate, and with each cost halved and doubled.

An order is by what is done of what is asked, then by the 99th percentile of the delay. Two mechanisms of which neither does more by
MORE_DONE or is sooner by SOONER are equal, and no order is claimed of them. Leaves out: changes of two costs at a time.
"""

from tophalf.advise.load import COSTS, RUN_AS, make_load, stands_for
from tophalf.advise.measure import measure
from tophalf.advise.mechanisms import allowed
from tophalf.frozen import Frozen

ARRIVALS = 1000  # a 99th percentile stands on the ten longest
MORE_DONE, SOONER = 0.01, 0.05
FACTORS = (0.5, 2)


class Row(Frozen):
    """mechanism; run_as: how, or None where the name says it; once, twice: Measured at the rate and at twice the rate."""

    __slots__ = ("mechanism", "run_as", "once", "twice")


class Change(Frozen):
    """A cost changed: cost, factor; order: [mechanism]; swapped: pairs, of which the second is better now, and was worse."""

    __slots__ = ("cost", "factor", "order", "swapped")


class Comparison(Frozen):
    """load: the Load of the rows; rows: [Row], best first; changes: [Change]."""

    __slots__ = ("load", "rows", "changes")

    @property
    def survives(self):
        """Whether no order was turned by halving or doubling any cost."""
        return not any(change.swapped for change in self.changes)


def compare(needs, arrivals=ARRIVALS, seed=0, progress=None):
    """A Comparison. progress(done, of): called after each run. Raises: TophalfError."""
    mechanisms = [name for name, reason in allowed(needs).items() if reason is None]
    told = _Told(progress, len(mechanisms) * (2 + len(FACTORS) * (len(COSTS) + 1)))
    load, twice = make_load(needs, arrivals, seed), make_load(needs, arrivals, seed, factor=2)
    once = _measured(load, mechanisms, told)
    doubled = _measured(twice, mechanisms, told)
    as_what = {name: RUN_AS.get((stands_for(needs), name)) for name in mechanisms}
    rows = [Row(mechanism=name, run_as=as_what[name], once=once[name], twice=doubled[name]) for name in in_order(once)]
    changes = []
    for cost in (*COSTS, "work"):
        for factor in FACTORS:
            found = _measured(_changed(load, cost, factor), mechanisms, told)
            changes.append(Change(cost=cost, factor=factor, order=in_order(found), swapped=swapped(once, found)))
    return Comparison(load=load, rows=rows, changes=changes)


class _Told:
    """Counts runs for `progress`."""

    def __init__(self, progress, of):
        self.progress, self.done, self.of = progress, 0, of

    def one_more(self):
        self.done += 1
        if self.progress:
            self.progress(self.done, self.of)


def _measured(load, mechanisms, told):
    found = {}
    for mechanism in mechanisms:
        found[mechanism] = measure(load, mechanism)
        told.one_more()
    return found


def _changed(load, cost, factor):
    if cost == "work":
        return load.replace(work_ns=max(round(load.work_ns * factor), 1))
    return load.replace(costs=load.costs | {cost: round(load.costs[cost] * factor)})


def in_order(found):
    """Mechanisms, best first. found: {mechanism: Measured}."""
    return sorted(found, key=lambda name: (-round(found[name].done_share / MORE_DONE), _p99(found[name])))


def _p99(measured):
    return float("inf") if measured.p99_ns is None else measured.p99_ns


def is_better(one, other):
    """Whether a Measured does clearly more than another, or as much and clearly sooner."""
    if abs(one.done_share - other.done_share) >= MORE_DONE:
        return one.done_share > other.done_share
    return _p99(one) * (1 + SOONER) < _p99(other)


def swapped(before, after):
    """[(a, b)]: a was better than b, now b is better than a. Both {mechanism: Measured}."""
    pairs = [(a, b) for a in before for b in before if is_better(before[a], before[b])]
    return [(a, b) for a, b in pairs if is_better(after[b], after[a])]
