"""`tophalf cpus`: one row per CPU, with its interrupts, softirqs, the threads that serve them, and network drops."""

from tophalf.cli import render
from tophalf.cli.cpu_rows import cpu_rows
from tophalf.cli.load import head, head_line, load
from tophalf.cli.options import command_parser, print_json, wait_seconds
from tophalf.vocab import SOFTIRQS, human_count

FIELDS = ("interrupts", "softirqs", "stat", "softnet", "threads")
FACTS = ("boot", "topology")
BUSY_SHARE = 0.5  # the chapter's mark for a ksoftirqd that deserves a look; colour only, `check` judges


def parser():
    """Options of `tophalf cpus`."""
    options = command_parser("cpus", __doc__.split(": ", 1)[1], "tophalf cpus --seconds 5", trace=False)
    options.add_argument("--seconds", type=wait_seconds, default=1.0, help="watch a live machine so long (1; 0: since boot)")
    options.add_argument("--all", action="store_true", help="also softirq vectors that were never raised")
    options.add_argument("--watch", action="store_true", help="redraw every --seconds until Ctrl-C")
    return options


def run(args):
    """Print the CPUs of a machine. Returns the exit status."""
    if args.watch:
        from tophalf.cli.watch import watch

        return watch(args, FIELDS, FACTS, show, document)
    machine, series = load(args.machine, args.seconds, FIELDS, FACTS)
    if args.json:
        print_json(document(machine, series, args))
    else:
        print(show(machine, series, args))
    return 0


def document(machine, series, _args):
    """The JSON of `cpus`; docs/json.md describes it."""
    return {
        "machine": head(machine, series),
        "per": "second" if series.whole else "since boot",
        "cpus": cpu_rows(series),
        "context_switches": _switches(series),
    }


def _switches(series):
    if series.whole:
        rate = series.whole.rate(series.whole.context_switches)
        return None if rate is None else round(rate, 3)
    return series.last.stat.context_switches if series.last.stat else None


def show(machine, series, args):
    """The table for people."""
    rows = cpu_rows(series)
    vectors = [name for name in SOFTIRQS if args.all or any(row["softirqs"].get(name) for row in rows)]
    titles = [">CPU", ">node", ">irq/s" if series.whole else ">irqs", *(f">{name}" for name in vectors),
              ">%irq", ">%soft", ">%ksoftirqd", ">%irqthr", ">%kworker", ">packets", ">dropped", ">squeezed"]  # fmt: skip
    cells, colours = [], {}
    for index, row in enumerate(rows):
        cells.append(_cells(row, vectors))
        colours.update({(index, at): colour for at, colour in _colours(row, len(vectors)).items()})
    switches = _switches(series)
    foot = f"context switches: {human_count(switches)}{'/s' if series.whole else ''}, the whole machine; {_accounting(rows)}"
    return "\n".join([head_line(machine, series), render.table(titles, cells, colours), render.paint(foot, "dim")])


def _cells(row, vectors):
    softnet = row["softnet"] or {}
    return [
        row["cpu"], row["node"], human_count(row["interrupts"]),
        *(human_count(row["softirqs"].get(name)) for name in vectors),
        *(_percent(row[key]) for key in
          ("hardirq_share", "softirq_share", "ksoftirqd_share", "irq_threads_share", "kworkers_share")),
        *(human_count(softnet.get(key)) for key in ("processed", "dropped", "time_squeeze")),
    ]  # fmt: skip


def _percent(share):
    return None if share is None else f"{100 * share:.1f}"


def _colours(row, vector_count):
    """Red: packets dropped, or ksoftirqd above half a core. Yellow: time_squeeze."""
    colours, first = {}, 3 + vector_count
    if (row["ksoftirqd_share"] or 0) > BUSY_SHARE:
        colours[first + 2] = "red"
    softnet = row["softnet"] or {}
    if softnet.get("dropped"):
        colours[first + 6] = "red"
    if softnet.get("time_squeeze"):
        colours[first + 7] = "yellow"
    return colours


def _accounting(rows):
    if all(row["hardirq_share"] is None for row in rows):
        return "no CPU times to compare"
    if not any(row["hardirq_share"] for row in rows):
        return "%irq is 0 everywhere: this kernel may not account interrupt time (check: irq-time-unseen)"
    return "%irq and %soft as /proc/stat accounts them"
