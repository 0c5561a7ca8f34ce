"""`tophalf lint --explore`: the drivers run too, with interrupts at the awkward moments."""

import time

from tophalf.cli import render

SAY_AFTER_S = 1.0


def explore_driver(path, runs):
    """(Explored or None, why it could not be run or None)."""
    from tophalf.cli.waiting import get_ready
    from tophalf.errors import TophalfError
    from tophalf.model.explore import explore

    get_ready()
    began = time.monotonic()

    def progress(done, whole):
        if time.monotonic() - began > SAY_AFTER_S:
            render.progress(f"{path}: {done} of {whole} runs")

    try:
        return explore(str(path), runs, progress=progress), None
    except TophalfError as error:
        return None, error
    finally:
        render.progress("")


def merged(reports, explored):
    """What is found on paths and in runs: what both find is told once, as the run saw it."""
    ran = {(report.path, report.line, report.kind) for report in explored.reports} if explored else ()
    kept = [report for report in reports if (str(report.path), report.line, report.kind) not in ran]
    return sorted([*kept, *(explored.reports if explored else ())], key=lambda report: (report.line or 0, report.kind))


def notes_of(explored, error):
    """Sentences about what was run and what was not."""
    if explored is None:
        return [f"not run: {error.line()}"]
    lines = [f"{explored.runs:,} runs, {explored.reached:,} of {explored.moments:,} moments with an interrupt"]
    if explored.runs <= explored.moments:
        lines.append(f"not every moment was tried: --explore {explored.moments + 1} does")
    if explored.never:
        lines.append("no run came to " + ", ".join(f"{function}:{line}" for function, line in explored.never))
    return [*lines, *(f"a run ended: {error}" for error in explored.errors)]


def document(explored, error):
    """docs/json.md describes it."""
    if explored is None:
        return {"runs": 0, "moments": 0, "reached": 0, "never": [], "errors": [], "not_run": error.line()}
    found = explored.as_dict()
    never = [{"function": function, "line": line} for function, line in explored.never]
    return {key: found[key] for key in ("runs", "moments", "reached", "errors")} | {"never": never, "not_run": None}
