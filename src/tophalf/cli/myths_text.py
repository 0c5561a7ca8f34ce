"""A myth that was tried, for people: two runs side by side in bars, the verdict and how firm it is, what is true. And as JSON."""

from tophalf.cli import render
from tophalf.cli.run_text import cpu_bar, legend
from tophalf.myths.myth import DEPENDS, FALSE, TRUE, say
from tophalf.myths.trial import ranges, turned

BAR, CELL, CPUS_SHOWN = 20, 34, 4
COLOURS = {TRUE: "green", FALSE: "red", DEPENDS: "yellow"}


def myth_text(number, trial):
    """Lines about a Trial."""
    myth = trial.myth
    lines = [render.paint(f"{number}. {myth.claim}", "bold"), f"tried: {myth.tried}; seed {trial.seed}", ""]
    for at in range(len(myth.situations)):
        lines += [*_situation(myth.situations[at], trial.found[at], trial.effects[at]), ""]
    if any("cpus" in runs[0] and not each.without_times for each, runs in zip(myth.situations, trial.found, strict=True)):
        lines += [f"time of CPUs: {legend()}", ""]
    lines += [*_verdict(trial), "", *_range(trial), "", render.paint("What is true", "bold"), *(f"  {each}" for each in myth.truth)]
    lines += ["", render.paint("In the kernel (6.12)", "bold")]
    lines += [f"  {each.file}, {each.function}: {each.says}" for each in myth.kernel]
    return "\n".join(line.rstrip() for line in lines)


def _situation(situation, runs, effect):
    """The picture: a line a figure, with a bar of each run on one scale."""
    yield render.paint(situation.name, "bold")
    width = max(len(figure.title) for figure in situation.shown)
    yield "  ".join([" " * (width + 2), *(render.paint(f"{arm.label:{CELL}}", "dim") for arm in situation.arms)])
    for figure in situation.shown:
        values = [figure.of(found) for found in runs]
        cells = [f"{render.bar(value, max(values), BAR)} {say(value, figure.unit)}" for value in values]
        yield "  ".join([f"  {figure.title:{width}}", *(f"{cell:{CELL}}" for cell in cells)])
    if not situation.without_times:
        yield from _cpus(runs, width)
    yield from (f"  {report}" for found in runs for report in found.get("reports", ()))
    yield f"  {situation.means}: {render.paint(say(effect, situation.unit), 'bold')}"
    yield f"  {_held(situation, effect)}"


def _held(situation, effect):
    limit = f"{'below' if situation.below else 'above'} {say(situation.limit, situation.unit)}"
    return f"the claim holds {limit} ({situation.why}): {'it holds here' if situation.holds(effect) else 'not here'}"


def _cpus(runs, width):
    """The time of the first CPUs in both runs."""
    if all("cpus" in found for found in runs):
        for pair in list(zip(*(found["cpus"] for found in runs), strict=False))[:CPUS_SHOWN]:
            bars = [cpu_bar(cpu, BAR) + " " * (CELL - BAR) for cpu in pair]
            yield "  ".join([f"  {'CPU' + str(pair[0]['cpu']):{width}}", *bars])


def _verdict(trial):
    held = sum(situation.holds(effect) for situation, effect in zip(trial.myth.situations, trial.effects, strict=True))
    always = "; it says always" if trial.myth.universal else ""
    counted = f"the claim holds in {held} of {len(trial.effects)} situations{always}"
    yield f"{render.paint('Verdict: ' + trial.verdict, COLOURS[trial.verdict])} ({counted})"
    if trial.myth.rule:
        yield f"  a rule, not a measurement: {trial.myth.rule}"


def _range(trial):
    """How firm it is against costs that are other than assumed."""
    if not trial.variants:
        yield "No cost was halved or doubled"
        return
    moved = [variant for variant in trial.variants if variant.moved]
    costs = len({variant.cost for variant in trial.variants})
    other = turned(trial)
    stays = "the verdict stays" if not other else f"the verdict is another in {len(other)}"
    yield f"Each of {costs} costs halved and doubled, {len(trial.variants)} trials ({len(moved)} change an effect): {stays}"
    yield from (f"  {variant.cost} times {variant.factor:g}: {variant.verdict}" for variant in other)
    titles = ["situation", ">effect", ">lowest", ">highest", "moved most by"]
    rows = [_range_row(trial, at) for at in range(len(trial.effects))]
    yield from (f"  {line}" for line in render.table(titles, rows).splitlines())
    yield _seeds(trial)


def _seeds(trial):
    """Whether the verdict is chance."""
    seeds = ", ".join(str(each.seed) for each in trial.seeds)
    other = [f"{each.verdict} with {each.seed}" for each in trial.seeds if each.verdict != trial.verdict]
    return f"Seeds {seeds} instead of {trial.seed}: {', '.join(other) or 'the verdict stays'}"


def _range_row(trial, at):
    situation, values = trial.myth.situations[at], (trial.effects[at], *ranges(trial)[at])
    return [situation.name, *(say(value, situation.unit) for value in values), _mover(trial, at)]


def _mover(trial, at):
    """The change that moves a situation's effect most, or None."""
    most = max(trial.variants, key=lambda variant: abs(variant.effects[at] - trial.effects[at]))
    return f"{most.cost} times {most.factor:g}" if most.effects[at] != trial.effects[at] else None


def document(number, trial):
    """docs/json.md describes it."""
    myth = trial.myth
    situations = [_situation_document(trial, at) for at in range(len(myth.situations))]
    keys = ("cost", "factor", "verdict", "effects")
    variants = [{key: getattr(variant, key) for key in keys} for variant in trial.variants]
    return {
        "number": number, "name": myth.name, "claim": myth.claim, "seed": trial.seed, "verdict": trial.verdict,
        "universal": bool(myth.universal), "rule": myth.rule, "situations": situations, "variants": variants,
        "verdict_stays": not turned(trial) if trial.variants else None,
        "seeds": [each.as_dict() for each in trial.seeds], "truth": myth.truth,
        "kernel": [each.as_dict() for each in myth.kernel],
    }  # fmt: skip


def _situation_document(trial, at):
    situation, effect = trial.myth.situations[at], trial.effects[at]
    low, high = ranges(trial)[at]
    arms = zip(situation.arms, trial.found[at], strict=True)
    runs = [{"label": arm.label, "figures": {each.title: each.of(found) for each in situation.shown}} for arm, found in arms]
    return {
        "name": situation.name, "runs": runs, "means": situation.means, "unit": situation.unit, "effect": effect, "lowest": low,
        "highest": high, "limit": situation.limit, "below": bool(situation.below), "why": situation.why,
        "holds": bool(situation.holds(effect)),
    }  # fmt: skip
