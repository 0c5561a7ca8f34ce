"""The door to exclusion_kernels: what may not run in two places at once."""

import numpy as np

from tophalf.compiled import kernels
from tophalf.judge.laws import exclusion_kernels


def overlaps(ground, judged, opens, closes, slot, renews=None):
    """Find things that run in two places at once, by their address (column a).

    judged: mask of rows. opens, closes: kinds. slot: the place, one a row. renews: kind after which an address may be
    another thing. Only on a clock that all CPUs share, and not while a CPU loses events.
    Returns (rows of the later entries, rows of the earlier ones, how many entries moved from one place to another).
    """
    kinds = (opens, closes) if renews is None else (opens, closes, renews)
    rows = np.flatnonzero(judged & ground.is_kind(*kinds) & ~ground.dark & ground.common_clock)
    if not len(rows):
        return rows, rows, 0
    kind = ground.kind[rows]
    roles = [exclusion_kernels.OPEN, exclusion_kernels.CLOSE]
    role = np.select([kind == opens, kind == closes], roles, exclusion_kernels.RENEW)
    _, idents = np.unique(ground.table.a[rows], return_inverse=True)
    columns = (role, idents, slot[rows], ground.table.time_ns[rows], restarts(ground, rows))
    steps = [np.asarray(column, np.int64) for column in columns]
    about, judged_steps = _find(steps, int(idents.max()) + 1)
    wrong = np.flatnonzero(about >= 0)
    return rows[wrong], rows[about[wrong]], np.count_nonzero(judged_steps)


def _find(steps, ident_count):
    module, is_compiled = kernels(exclusion_kernels.__name__, len(steps[0]))
    things = [np.full(ident_count, exclusion_kernels.NOWHERE) for _ in exclusion_kernels.Things._fields]
    found = [np.full(len(steps[0]), exclusion_kernels.NOWHERE), np.zeros(len(steps[0]), np.int64)]
    if not is_compiled:
        steps, things, found = ([array.tolist() for array in arrays] for arrays in (steps, things, found))
    found = module.Found(*found)
    module.find_overlaps(module.Steps(*steps), module.Things(*things), found)
    return np.asarray(found.about), np.asarray(found.judged)


def restarts(ground, rows):
    """Mask over some rows: those between which and the one before, some row was dark."""
    darkness = np.cumsum(ground.dark)
    return np.diff(darkness[rows], prepend=0) > 0
