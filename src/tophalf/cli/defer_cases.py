"""`tophalf defer --cases`: the written cases, each answered and measured, a line a case."""

from tophalf.advise.cases import CASES
from tophalf.advise.compare import compare
from tophalf.advise.tree import decide
from tophalf.cli import render
from tophalf.cli.defer_compare import comparison_document, order_text
from tophalf.vocab import human_ns

ARRIVALS = 200
COLUMNS = ["case", "tophalf defer", "answer", ">p50", ">p99", ">done", ">CPU", ">p99 at 2x", ">done at 2x", "order", "survives"]


def measured_cases(needs_of_options, arrivals, seed, cases=CASES):
    """[(Case, mechanism, Comparison)], with a line that says how far it is. needs_of_options(text): Needs. Raises: TophalfError."""
    from tophalf.cli.waiting import get_ready

    get_ready()
    found = []
    for at, case in enumerate(cases):
        render.progress(f"case {at + 1} of {len(cases)}: {case.options}")
        needs = needs_of_options(case.options)
        found.append((case, decide(needs)[0], compare(needs, arrivals, seed)))
    render.progress("")
    return found


def cases_text(found, arrivals, seed):
    """A table, a line a case."""
    head = f"{len(found)} written cases, {arrivals} arrivals or 20 ms each, seed {seed}; figures are those of the answer"
    return "\n".join([render.paint(head, "bold"), render.table(COLUMNS, [_row(*each) for each in found])])


def _row(case, mechanism, found):
    row = next(row for row in found.rows if row.mechanism == mechanism)
    once, twice = row.once, row.twice
    return [case.what, case.options, mechanism, human_ns(once.p50_ns), human_ns(once.p99_ns), f"{once.done_share:.1%}",
            f"{once.cpu_share:.1%}", human_ns(twice.p99_ns), f"{twice.done_share:.1%}", order_text(found),
            "yes" if found.survives else "no: " + ", ".join(_turned_by(found))]  # fmt: skip


def _turned_by(found):
    return [f"{change.cost} x{change.factor:g}" for change in found.changes if change.swapped]


def cases_document(found):
    """docs/json.md describes it."""
    return {"cases": [_case_document(*each) for each in found]}


def _case_document(case, mechanism, found):
    return {"what": case.what, "options": case.options, "mechanism": mechanism, "comparison": comparison_document(found)}
