"""The door to pair_kernels: which rows are entries and exits, of what, in which slot."""

import numpy as np

from tophalf.compiled import kernels
from tophalf.frozen import Frozen
from tophalf.judge.laws import pair_kernels
from tophalf.judge.laws.pair_kernels import DEPTH, LEFT_OPEN, MISMATCH, NESTED, NEVER, UNKNOWN, UNOPENED

__all__ = ["LEFT_OPEN", "MISMATCH", "NESTED", "UNOPENED", "Pairs", "match"]


class Pairs(Frozen):
    """Pairs found, by row of the table. code, judged: uint8[row]. about: int64[row], the row of the entry that a violation
    is about, -1 for none. inner: int64[row], what is innermost in the row's slot after it (pair_kernels.NOTHING_OPEN,
    UNKNOWN; UNKNOWN outside the rows judged)."""

    __slots__ = ("code", "judged", "about", "inner")


def match(rows, role, slot, ident, level, domain, restart, nests=False):
    """Match entries with exits.

    rows: int[step], rows of the table in order. The others: one value a step, as pair_kernels.Steps says; slot and domain
    without gaps. Returns (codes, judged, about, inner), each by step; about is a row.
    """
    module, is_compiled = kernels(pair_kernels.__name__, len(rows))
    columns = [np.asarray(column, np.int64) for column in (role, slot, ident, level, domain, restart)]
    slots = int(columns[1].max()) + 1 if len(rows) else 0
    domains = int(columns[4].max()) + 1 if len(rows) else 0
    zeros = [np.zeros(size, np.int64) for size in (slots * DEPTH, slots * DEPTH, slots * DEPTH, slots)]
    stacks = [*zeros, np.full(slots, NEVER), np.full(slots, -1), np.zeros(domains, np.int64)]
    found = [np.zeros(len(rows), np.int64), np.full(len(rows), -1), np.zeros(len(rows), np.int64), np.full(len(rows), UNKNOWN)]
    if not is_compiled:
        columns, stacks, found = ([array.tolist() for array in arrays] for arrays in (columns, stacks, found))
    found = module.Found(*found)
    module.match_pairs(module.Steps(*columns), module.Stacks(*stacks), found, int(nests))
    return [np.asarray(column, np.int64) for column in found]


def match_rows(ground, judged, opens, closes, slot, ident, level, nests=False):
    """Pairs of events of one CPU (or of a task that stays on one).

    judged: mask of rows to look at. opens, closes: kinds. slot, ident, level: one value a row. Knowledge ends where a CPU
    lost events. Returns Pairs.
    """
    rows = np.flatnonzero(judged)
    role = np.where(ground.kind == opens, pair_kernels.OPEN, np.where(ground.kind == closes, pair_kernels.CLOSE, 0))
    _, slots = np.unique(slot[rows], return_inverse=True)
    found = match(rows, role[rows], slots, ident[rows], level[rows], ground.cpu[rows], ground.after_loss[rows], nests)
    return spread(ground, rows, found)


def spread(ground, rows, found):
    """Results by step as Pairs by row of the table."""
    code, about, judged, inner = found
    about = np.where(about >= 0, rows[about], -1) if len(rows) else about
    size = ground.row_count
    spread_out = [np.zeros(size, np.int64), np.full(size, -1), np.zeros(size, np.int64), np.full(size, UNKNOWN)]
    for whole, part in zip(spread_out, (code, about, judged, inner), strict=True):
        whole[rows] = part
    return Pairs(code=spread_out[0], about=spread_out[1], judged=spread_out[2], inner=spread_out[3])
