"""`tophalf irqs`: one row per interrupt, with its rate, where it lands, and what was asked against what is in force."""

from tophalf.cli import render
from tophalf.cli.irq_rows import irq_rows
from tophalf.cli.load import head, head_line, load
from tophalf.cli.options import command_parser, print_json, wait_seconds
from tophalf.vocab import cpu_list, human_count

FIELDS = ("interrupts", "irq_files", "fixed")
FACTS = ("boot", "pci")
SORTS = {
    "irq": lambda row: (not isinstance(row["irq"], int), row["irq"] if isinstance(row["irq"], int) else 0, str(row["irq"])),
    "rate": lambda row: (not isinstance(row["irq"], int), -(row["rate"] or 0.0)),
    "total": lambda row: (not isinstance(row["irq"], int), -row["total"]),
    "name": lambda row: (row["actions"], str(row["irq"])),
}


def parser():
    """Options of `tophalf irqs`."""
    options = command_parser("irqs", __doc__.split(": ", 1)[1], "tophalf irqs --sort rate --filter eth0")
    options.add_argument("--seconds", type=wait_seconds, help="watch a live machine so long for rates (default 1; with --json 0)")
    options.add_argument("--sort", choices=SORTS, help="order of rows (default rate, where there is one); numbers come first")
    options.add_argument("--filter", metavar="TEXT", help="only rows whose number, action or chip contains TEXT")
    options.add_argument("--cpu", type=int, metavar="N", help="only interrupts that landed on CPU N")
    options.add_argument("--all", action="store_true", help="also lines that never fired")
    options.add_argument("--watch", action="store_true", help="redraw every --seconds until Ctrl-C")
    return options


def run(args):
    """Print the interrupts of a machine. Returns the exit status."""
    if args.watch:
        from tophalf.cli.watch import watch

        return watch(args, FIELDS, FACTS, lambda machine, series: show(machine, series, args))
    seconds = (0.0 if args.json else 1.0) if args.seconds is None else args.seconds
    machine, series = load(args.machine, args.trace, seconds, FIELDS, FACTS)
    if args.json:
        print_json(document(machine, series, args))
    else:
        print(show(machine, series, args))
    return 0


def document(machine, series, args):
    """The JSON of `irqs`; docs/json.md describes it."""
    rows = chosen_rows(series, args, everything=True)
    return {"machine": head(machine, series), "cpus": list(series.last.interrupts.cpus), "irqs": rows}


def chosen_rows(series, args, everything=False):
    """Rows that the options leave, sorted."""
    rows = irq_rows(series)
    if args.filter:
        rows = [row for row in rows if args.filter.lower() in _searched(row)]
    if args.cpu is not None:
        rows = [row for row in rows if (row["per_cpu"] or {}).get(str(args.cpu))]
    if not (everything or args.all or args.filter):
        rows = [row for row in rows if row["total"]]
    key = args.sort or ("rate" if series.whole and not everything else None)
    return sorted(rows, key=SORTS[key]) if key else rows


def _searched(row):
    return " ".join([str(row["irq"]), *row["actions"], row["chip"] or "", row["description"] or ""]).lower()


def show(machine, series, args):
    """The table for people."""
    rows = chosen_rows(series, args)
    hidden = len(series.last.interrupts.lines) - len(rows)
    cells, colours = [], {}
    for index, row in enumerate(rows):
        cells.append(_cells(row, series))
        colours.update({(index, at): colour for at, colour in _colours(row).items()})
    lines = [head_line(machine, series), _legend(series), render.table(_titles(series), cells, colours)]
    if hidden and not (args.filter or args.cpu is not None):
        lines.append(render.paint(f"{hidden} lines that never fired are left out (--all shows them)", "dim"))
    return "\n".join(lines)


def _titles(series):
    where = f"CPU{series.last.interrupts.cpus[0]}..{series.last.interrupts.cpus[-1]}"
    return [">IRQ", ">/s" if series.whole else ">total", where, "lands on", "asked", "effective", "hint",
            ">node", "managed", ">unhandled", "trigger", "device"]  # fmt: skip


def _legend(series):
    if series.last.irq_files is None:
        return render.paint("no /proc/irq in this machine: masks, hints and spurious counts are not recorded", "dim")
    return render.paint("asked: smp_affinity; effective: where the kernel delivers; managed: the driver owns the mask", "dim")


def _cells(row, series):
    moved = row["rate_per_cpu"] if row["rate_per_cpu"] is not None else row["per_cpu"]
    counts = [(moved or {}).get(str(cpu), 0) for cpu in series.last.interrupts.cpus]
    spurious = row["spurious"] or {}
    return [
        row["irq"],
        human_count(row["rate"] if series.whole else row["total"]),
        render.spark(counts) if moved is not None else "",
        cpu_list([cpu for cpu, count in zip(series.last.interrupts.cpus, counts, strict=True) if count]),
        _cpus(row["affinity"]),
        _cpus(row["effective_affinity"]),
        _cpus(row["affinity_hint"]),
        None if row["node"] in (None, -1) else row["node"],
        {True: "yes", False: "no", None: "-"}.get(row["managed"], row["managed"]),
        spurious.get("unhandled") or None,
        row["trigger"],
        ", ".join(row["actions"]) or row["description"],
    ]


def _cpus(cpus):
    return None if not cpus else cpu_list(cpus)


def _colours(row):
    """Yellow: the interrupt landed outside the mask that is asked for. Cyan: its mask is probably the driver's."""
    colours = {}
    landed = {int(cpu) for cpu, rate in (row["rate_per_cpu"] or {}).items() if rate}
    if row["affinity"] and landed - set(row["affinity"]):
        colours[3] = "yellow"
    if row["managed"]:
        colours[8] = "cyan"
    return colours
