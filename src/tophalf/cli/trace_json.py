"""The JSON document of `tophalf trace`; docs/json.md describes it."""

from tophalf.cli.load import machine_head

TIMES = ("count", "mean", "p50", "p99", "max", "total")


def document(machine, timing, calls=None):
    """Everything that was timed. calls: slow handler calls (--threshold), or None."""
    span_ns = timing.span_ns
    about = {
        "machine": machine_head(machine),
        "events": timing.events, "lost_events": timing.lost_events, "span_ns": span_ns, "clock": timing.clock,
        "cpus": list(timing.table.cpus), "recorded": timing.recorded,
        "unfinished": timing.unfinished, "unmatched": timing.unmatched,
    }  # fmt: skip
    if calls is not None:
        about["slow"] = [call.as_dict() for call in calls]
    return {
        **about,
        "hardirq": [_line(line, span_ns) for line in timing.hardirq],
        "softirq": [_vector(vector, span_ns) for vector in timing.softirq],
        "napi": [{**napi.as_dict(), "napi": f"{napi.napi:#x}"} for napi in timing.napi],
        "work": [_work(work, span_ns) for work in timing.work],
        "tasklets": [{"function": one.function, **_run(one, span_ns)} for one in timing.tasklets],
        "vectors": [{"vector": one.vector, "name": one.name, **_run(one, span_ns)} for one in timing.vectors],
        "switches": timing.switches.as_dict(),
    }


def _line(line, span_ns):
    parts = [{"action": part.action, **_run(part, span_ns)} for part in line.by_action]
    return {"irq": line.irq, "actions": list(line.actions), **_run(line, span_ns), "by_action": parts}


def _vector(vector, span_ns):
    parts = {
        where: {"count": part.count, "wait_ns": times(part.wait), "run_ns": times(part.run), "self_ns": times(part.own)}
        for where, part in (("inline", vector.inline), ("ksoftirqd", vector.ksoftirqd))
    }
    return {"vec": vector.vec, "name": vector.name, "wait_ns": times(vector.wait), **_run(vector, span_ns), **parts}


def _work(work, span_ns):
    run = _run(work, span_ns)
    return {"function": work.function, "workqueue": work.workqueue, "wait_ns": times(work.wait), **run}


def _run(one, span_ns):
    """count, inclusive and exclusive times, share of one CPU (exclusive where it is known) and switches caused."""
    found = {"count": one.count, "run_ns": times(one.run), "self_ns": times(one.own)}
    found["cpu_share"] = round((one.own or one.run).share(span_ns), 6)
    if hasattr(one, "switches"):
        found["switches"] = one.switches
    return found


def times(found):
    """Times as JSON, null where nothing was timed."""
    return None if found is None or not found.count else {name: getattr(found, name) for name in TIMES}
