"""The tables of `tophalf trace` for people."""

from tophalf.cli import render
from tophalf.vocab import cpu_list, human_count, human_ns

ROWS_MAX = 12  # of work functions, tasklets and NAPI instances; --all shows every one
LEGEND = (
    "run: entry to exit, with what interrupted it (inclusive); own: without interrupts, softirqs and other tasks "
    "(exclusive);\nwait: raised or queued until it ran; CPU: own time as share of one CPU; p50, p99: nearest rank"
)


def report(machine, timing, everything=False):
    """All sections that the trace has events for, then what it does not hold."""
    sections = [_interrupts, _softirqs, _napi, _work, _tasklets, _vectors]
    limit = None if everything else ROWS_MAX
    parts = [head(machine, timing), render.paint(LEGEND, "dim")]
    parts += [text for section in sections if (text := section(timing, limit))]
    return "\n\n".join([*parts, "\n".join(_last_lines(timing))])


def head(machine, timing):
    """What was looked at, and what was lost."""
    lost = {None: "some lost (how many is not recorded)", 0: "none lost"}.get(
        timing.lost_events, f"{timing.lost_events or 0:,} lost"
    )
    line = (
        f"{render.printable(machine.label)}: {timing.events:,} events in {human_ns(timing.span_ns)} on CPUs "
        f"{cpu_list(timing.table.cpus)}, {lost}, clock {timing.clock}"
    )
    notes = [render.paint(f"note: {render.printable(note)}", "yellow") for note in machine.notes]
    return "\n".join([render.paint(line, "bold"), *notes])


def _section(title, columns, rows, limit, what):
    if not rows:
        return ""
    shown = rows if limit is None else rows[:limit]
    lines = [render.paint(title, "bold"), render.table(columns, shown)]
    if len(shown) < len(rows):
        lines.append(render.paint(f"{len(rows) - len(shown)} more {what} (--all shows them)", "dim"))
    return "\n".join(lines)


def _interrupts(timing, _limit):
    rows = []
    for line in sorted(timing.hardirq, key=lambda line: -line.run.total):
        if len(line.by_action) > 1:
            rows.append([line.irq, f"all {len(line.by_action)} actions", *_cells(line, timing), line.switches])
        for part in line.by_action:
            rows.append([line.irq, part.action, *_cells(part, timing), part.switches])
    columns = [">IRQ", "action", *_titles("calls"), ">switches"]
    return _section("Interrupt handlers", columns, rows, None, "")


def _softirqs(timing, _limit):
    rows = []
    for vector in timing.softirq:
        parts = [(where, part) for where, part in (("inline", vector.inline), ("ksoftirqd", vector.ksoftirqd)) if part.count]
        if len(parts) > 1:
            parts.insert(0, ("all", vector))
        rows += [[vector.name, where, *_waits(part.wait), *_cells(part, timing)] for where, part in parts]
    columns = ["vector", "where", ">wait p50", ">p99", ">max", *_titles("runs")]
    return _section("Softirqs", columns, rows, None, "")


def _napi(timing, limit):
    rows = [
        [
            f"{napi.napi:#x}", napi.dev_name, human_count(napi.polls), human_count(napi.packets),
            f"{napi.packets / napi.polls:.1f}", napi.packets_max, napi.budget, human_count(napi.full_polls),
            f"{100 * napi.full_polls / napi.polls:.0f} %",
        ]
        for napi in sorted(timing.napi, key=lambda napi: -napi.packets)
    ]  # fmt: skip
    columns = ["NAPI", "device", ">polls", ">packets", ">a poll", ">max", ">weight", ">full polls", ">share"]
    return _section("NAPI polls (full: the whole weight was used)", columns, rows, limit, "instances")


def _work(timing, limit):
    by_time = sorted(timing.work, key=lambda work: -(work.own or work.run).total)
    rows = [[work.function, work.workqueue, *_waits(work.wait), *_cells(work, timing)] for work in by_time]
    columns = ["function", "workqueue", ">wait p50", ">p99", ">max", *_titles("runs")]
    return _section("Work items", columns, rows, limit, "functions")


def _tasklets(timing, limit):
    rows = [[one.function, *_cells(one, timing)] for one in sorted(timing.tasklets, key=lambda one: -one.run.total)]
    return _section("Tasklets", ["function", *_titles("runs")], rows, limit, "functions")


def _vectors(timing, limit):
    ordered = sorted(timing.vectors, key=lambda one: -one.run.total)
    rows = [[f"{one.vector:#x}", one.name, *_cells(one, timing), one.switches] for one in ordered]
    columns = [">vector", "name", *_titles("calls"), ">switches"]
    return _section("Interrupt vectors", columns, rows, limit, "vectors")


def _titles(calls):
    return [f">{calls}", ">run mean", ">p50", ">p99", ">max", ">total", ">own p50", ">own max", ">CPU"]


def _cells(one, timing):
    run, own = one.run, one.own
    cells = [human_count(one.count), *(human_ns(value) for value in (run.mean, run.p50, run.p99, run.max, run.total))]
    cells += [human_ns(own.p50), human_ns(own.max)] if own else [None, None]
    return [*cells, percent((own or run).share(timing.span_ns))]


def _waits(wait):
    return [human_ns(wait.p50), human_ns(wait.p99), human_ns(wait.max)]


def percent(share):
    """A share of one CPU: 0.04 %, 12.3 %."""
    return f"{100 * share:.2f} %" if share < 0.0995 else f"{100 * share:.1f} %"


def _last_lines(timing):
    """Switches, halves that were not counted, and what the trace does not hold."""
    switches, recorded = timing.switches, timing.recorded
    lines = []
    if switches.count:
        lines.append(
            f"{switches.count:,} context switches recorded; {switches.by_interrupts:,} caused by interrupts above, "
            f"{switches.untraced:,} by interrupts without events"
        )
    halves = [f"{count:,} {name}" for name, count in (timing.unfinished | timing.unmatched).items()]
    if halves:
        lines.append(f"not counted, the other half is missing: {', '.join(halves)}")
    if timing.work and timing.work[0].own is None:
        lines.append("own time of work items is not known: no sched_switch in this trace, so they may have slept")
    absent = [what for what, event in ABSENT if not any(name.startswith(event) for name in recorded)]
    if absent:
        lines.append(f"no events of: {', '.join(absent)}")
    return [render.paint(line, "dim") for line in lines]


# What the trace may lack: as people say it, and how its events' names begin.
ABSENT = (
    ("interrupt handlers (irq_handler_entry)", "irq_handler"),
    ("softirqs", "softirq_entry"),
    ("NAPI polls", "napi_poll"),
    ("work items", "workqueue_execute"),
    ("tasklets", "tasklet"),
    ("interrupt vectors", "vector_entry"),
    ("context switches", "sched_switch"),
    ("wakeups", "sched_wak"),
)
