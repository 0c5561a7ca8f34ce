"""A myth tried: its runs, their effects, the verdict, and how it fares when each cost is halved and doubled, and with other seeds.

Left out: two costs changed at a time.
"""

from tophalf.frozen import Frozen
from tophalf.myths.costs import FACTORS, costs_in
from tophalf.myths.myth import verdict

OTHER_SEEDS = 3


class Trial(Frozen):
    """myth, seed; found: for each situation what its two runs found; effects: a number each; verdict; variants: [Variant] of costs;
    seeds: [Reseeded]."""

    __slots__ = ("myth", "seed", "found", "effects", "verdict", "variants", "seeds")


class Variant(Frozen):
    """cost, factor; effects; verdict; moved: whether any effect differs from the trial's own."""

    __slots__ = ("cost", "factor", "effects", "verdict", "moved")


class Reseeded(Frozen):
    """The same with another seed: effects, verdict."""

    __slots__ = ("seed", "effects", "verdict")


def try_myth(myth, seed=0, vary=True, shorter=1, progress=None):
    """A Trial.

    Args: vary: whether costs are halved and doubled and other seeds tried, too. shorter: divides the simulated times (for tests).
    progress(done, of): called before each set of runs. Raises: TophalfError.
    """
    changes = [(cost, factor) for cost in costs_of_myth(myth) for factor in FACTORS] if vary else []
    found = _found(myth, seed, shorter)
    effects = _effects(myth, found)
    variants = []
    for done, change in enumerate(changes):
        if progress:
            progress(done, len(changes))
        variants.append(_variant(myth, seed, change, shorter, found, effects))
    seeds = [_reseeded(myth, seed + more, shorter) for more in range(1, OTHER_SEEDS + 1)] if changes else []
    decided = verdict(myth, effects)
    return Trial(myth=myth, seed=seed, found=found, effects=effects, verdict=decided, variants=variants, seeds=seeds)


def costs_of_myth(myth):
    """Names of the costs that enter any of its runs, in order."""
    arms = [arm for situation in myth.situations for arm in situation.arms if hasattr(arm, "loaded")]
    return list(dict.fromkeys(name for arm in arms for name in costs_in(arm.loaded())))


def _found(myth, seed, shorter):
    return [[arm.run(seed, None, shorter) for arm in situation.arms] for situation in myth.situations]


def _reseeded(myth, seed, shorter):
    effects = _effects(myth, _found(myth, seed, shorter))
    return Reseeded(seed=seed, effects=effects, verdict=verdict(myth, effects))


def _effects(myth, found):
    return [situation.effect(*runs) for situation, runs in zip(myth.situations, found, strict=True)]


def _variant(myth, seed, change, shorter, found, effects):
    """One cost changed. Runs that do not have it are as they were."""
    again = []
    for situation, runs in zip(myth.situations, found, strict=True):
        arms = zip(situation.arms, runs, strict=True)
        again.append([arm.run(seed, change, shorter) if _has(arm, change[0]) else before for arm, before in arms])
    changed = _effects(myth, again)
    return Variant(cost=change[0], factor=change[1], effects=changed, verdict=verdict(myth, changed), moved=changed != effects)


def _has(arm, cost):
    return hasattr(arm, "loaded") and cost in costs_in(arm.loaded())


def ranges(trial):
    """For each situation (lowest, highest) effect over the trial itself and its changed costs."""
    sets = [trial.effects, *(variant.effects for variant in trial.variants)]
    return [(min(each), max(each)) for each in zip(*sets, strict=True)]


def turned(trial):
    """The variants whose verdict is another."""
    return [variant for variant in trial.variants if variant.verdict != trial.verdict]
