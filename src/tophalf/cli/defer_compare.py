"""The comparison of `tophalf defer`: run with its progress, as a table for people, as a document."""

from tophalf.advise.compare import ARRIVALS, FACTORS, compare, is_better
from tophalf.advise.load import stands_for
from tophalf.cli import render
from tophalf.cli.defer_text import wrapped
from tophalf.vocab import human_count, human_ns

__all__ = ["ARRIVALS", "comparison_document", "comparison_lines", "run_comparison"]

MERGED = "done: runs, of what is asked; what comes while a run still waits is served by that run"


def run_comparison(needs, arrivals, seed):
    """A Comparison, with a line that says how far it is. Raises: TophalfError."""
    from tophalf.cli.waiting import get_ready

    get_ready()
    found = compare(needs, arrivals, seed, lambda done, of: render.progress(f"{done} of {of} runs of the model"))
    render.progress("")
    return found


def comparison_lines(found, mechanism):
    """Lines: the table, what becomes of the latency that was asked, the order and whether it survives."""
    load = found.load
    said = f"{human_count(load.rate)}/s for {load.until_ns / 1e9:g} s, Poisson, seed {load.seed}"
    yield render.paint(f"the same load under each mechanism, simulated: {said}", "bold")
    yield "p50, p99: from an arrival to the end of its work, less the work itself; CPU: of one, context switches included"
    yield MERGED if stands_for(load.needs) is None else "done: of what is asked"
    columns = ["mechanism", ">p50", ">p99", ">done", ">CPU", ">p99 at 2x", ">done at 2x", ">CPU at 2x", "run as"]
    cells = [[row.mechanism, *_cells(row.once), *_cells(row.twice, p50=False), row.run_as or ""] for row in found.rows]
    colours = {(at, 0): "bold" for at, row in enumerate(found.rows) if row.mechanism == mechanism}
    yield from render.table(columns, cells, colours).splitlines()
    yield ""
    yield from _verdicts(found, mechanism)
    yield ""


def _cells(measured, p50=True):
    return [*([human_ns(measured.p50_ns)] if p50 else []), human_ns(measured.p99_ns), f"{measured.done_share:.1%}",
            f"{measured.cpu_share:.1%}"]  # fmt: skip


def _verdicts(found, mechanism):
    latency, row = found.load.needs.latency_ns, _row_of(found, mechanism)
    if latency is not None:
        kept = is_kept(found, row)
        measured = f"has a p50 of {human_ns(row.once.p50_ns)} and a p99 of {human_ns(row.once.p99_ns)}"
        said = f"{human_ns(latency)} asked: {mechanism} {measured}: {'kept' if kept else 'not kept'}"
        others = [each.mechanism for each in found.rows if is_kept(found, each) and each is not row]
        yield render.paint(f"{said}; kept by {', '.join(others)} too" if others else said, "green" if kept else "red")
    sooner = [each.mechanism for each in found.rows if is_better(each.once, row.once)]
    if sooner:
        yield from wrapped(f"better in this run: {', '.join(sooner)}; the answer above is by the tree, its questions say why")
    yield from wrapped(f"order: {order_text(found)}")
    yield from _robustness(found)


def _robustness(found):
    costs = ", ".join(dict.fromkeys(change.cost for change in found.changes))
    if found.survives:
        yield from wrapped(f"the order survives halving and doubling each of {costs}")
        return
    yield from wrapped(f"the order does not survive halving and doubling each of {costs}:")
    for change in found.changes:
        if change.swapped:
            how = {FACTORS[0]: "halved", FACTORS[1]: "doubled"}[change.factor]
            pairs = ", ".join(f"{after} before {before}" for before, after in change.swapped)
            yield from (render.paint(line, "yellow") for line in wrapped(f"  {change.cost} {how}: {pairs}"))


def order_text(found):
    """hardirq < BH work = tasklet: < is clearly better than the next, = is not."""
    parts = [found.rows[0].mechanism]
    for before, row in zip(found.rows, found.rows[1:], strict=False):
        parts += ["<" if is_better(before.once, row.once) else "=", row.mechanism]
    return " ".join(parts)


def is_kept(found, row):
    """Whether 99 of 100 arrivals that were served wait no longer than what was asked."""
    return row.once.p99_ns is not None and row.once.p99_ns <= found.load.needs.latency_ns


def _row_of(found, mechanism):
    return next(row for row in found.rows if row.mechanism == mechanism)


def comparison_document(found):
    """docs/json.md describes it."""
    load = found.load
    return {
        "rate": load.rate, "simulated_ns": load.until_ns, "seed": load.seed, "costs_ns": load.costs,
        "rows": [{"mechanism": row.mechanism, "run_as": row.run_as, "once": _figures(row.once), "twice": _figures(row.twice)}
                 for row in found.rows],
        "order": order_text(found), "survives": found.survives,
        "changes": [change.as_dict() for change in found.changes],
    }  # fmt: skip


def _figures(measured):
    return measured.as_dict() | {"done_share": measured.done_share}
