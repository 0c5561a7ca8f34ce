"""`tophalf irqs`: one row per interrupt, with its rate, where it lands, and what was asked against what is in force."""

from tophalf.cli import render
from tophalf.cli.irq_rows import irq_rows
from tophalf.cli.load import head, head_line, load
from tophalf.cli.options import command_parser, print_json, wait_seconds
from tophalf.errors import MachineError
from tophalf.vocab import cpu_list, human_count

FIELDS = ("interrupts", "irq_files", "fixed")
FACTS = ("boot", "pci")
CPUS_WIDTH = 16  # a list of CPUs is cut there
SORTS = {
    "irq": lambda row: (not isinstance(row["irq"], int), row["irq"] if isinstance(row["irq"], int) else 0, str(row["irq"])),
    "rate": lambda row: (not isinstance(row["irq"], int), -(row["rate"] or 0.0)),
    "total": lambda row: (not isinstance(row["irq"], int), -row["total"]),
    "name": lambda row: (row["actions"], str(row["irq"])),
}


def parser():
    """Options of `tophalf irqs`."""
    options = command_parser("irqs", __doc__.split(": ", 1)[1], "tophalf irqs --sort rate --filter eth0", trace=False)
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

        return watch(args, FIELDS, FACTS, show, document)
    seconds = (0.0 if args.json else 1.0) if args.seconds is None else args.seconds
    machine, series = load(args.machine, seconds, FIELDS, FACTS)
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
        _need_cpu(args.cpu, series.last.interrupts.cpus)
        rows = [row for row in rows if (row["per_cpu"] or {}).get(str(args.cpu))]
    if not (everything or args.all or args.filter):
        rows = [row for row in rows if row["total"]]
    key = args.sort or ("rate" if series.whole and not everything else None)
    return sorted(rows, key=SORTS[key]) if key else rows


def _need_cpu(cpu, cpus):
    if cpu not in cpus:
        raise MachineError(f"no CPU {cpu} has a column in /proc/interrupts", "--cpu", f"those that do: {cpu_list(cpus)}")


def _searched(row):
    return " ".join([str(row["irq"]), *row["actions"], row["chip"] or "", row["description"] or ""]).lower()


def show(machine, series, args):
    """The table for people."""
    rows = chosen_rows(series, args)
    columns = [column for column in _columns(series) if any(column[1](row) is not None for row in rows)]
    cells = [[cell(row) for _, cell in columns] for row in rows]
    places = {title.lstrip(">"): at for at, (title, _) in enumerate(columns)}
    colours = {(index, places[title]): colour for index, row in enumerate(rows) for title, colour in _colours(row).items()}
    lines = [head_line(machine, series), _legend(series)]
    lines.append(render.table([title for title, _ in columns], cells, colours) if rows else "no interrupt fits")
    hidden = len(series.last.interrupts.lines) - len(rows)
    if hidden and not (args.filter or args.cpu is not None):
        lines.append(render.paint(f"{hidden} lines that never fired are left out (--all shows them)", "dim"))
    return "\n".join(lines)


def _columns(series):
    """(title, cell of a row) in the order of importance: a narrow terminal cuts the right side."""
    cpus = series.last.interrupts.cpus
    return [
        (">IRQ", lambda row: row["irq"]),
        ("device", lambda row: ", ".join(row["actions"]) or row["description"]),
        (">/s" if series.whole else ">total", lambda row: human_count(row["rate"] if series.whole else row["total"])),
        (_short(cpus, "CPU"), lambda row: render.spark(_counts(row, cpus)) if row["per_cpu"] else ""),
        ("lands on", lambda row: _short([cpu for cpu, count in zip(cpus, _counts(row, cpus), strict=True) if count])),
        ("asked", lambda row: _short(row["affinity"])),
        ("effective", lambda row: _short(row["effective_affinity"])),
        ("managed", lambda row: {True: "yes", False: "no"}.get(row["managed"], row["managed"])),
        ("hint", lambda row: _short(row["affinity_hint"])),
        (">node", lambda row: "none" if row["node"] == -1 else row["node"]),
        (">unhandled", lambda row: (row["spurious"] or {}).get("unhandled")),
        ("trigger", lambda row: row["trigger"]),
    ]


def _counts(row, cpus):
    """What the line did on each CPU: rates where there are any, else counts since boot."""
    moved = row["rate_per_cpu"] if row["rate_per_cpu"] is not None else row["per_cpu"]
    return [(moved or {}).get(str(cpu), 0) for cpu in cpus]


def _short(cpus, prefix=""):
    """A list of CPUs, cut where it would push everything else off the line: `0,7,31…(17)`. None stays None."""
    if cpus is None:
        return None
    text = prefix + (cpu_list(cpus) or "none")
    if len(text) <= CPUS_WIDTH:
        return text
    return f"{text[:CPUS_WIDTH].rpartition(',')[0] or text[:CPUS_WIDTH]}…({len(cpus)})"


def _legend(series):
    if all(shot.irq_files is None for shot in series.snapshots):
        return render.paint("no /proc/irq in this machine: masks, hints and spurious counts are not recorded", "dim")
    return render.paint("asked: smp_affinity; effective: where the kernel delivers; managed: the driver owns the mask", "dim")


def _colours(row):
    """{column: colour}. Yellow: landed outside the mask that is asked for. Cyan: the mask is, or may be, the driver's."""
    colours = {}
    landed = {int(cpu) for cpu, rate in (row["rate_per_cpu"] or {}).items() if rate}
    if row["affinity"] and landed - set(row["affinity"]):
        colours["lands on"] = "yellow"
    if row["managed"]:
        colours["managed"] = "cyan"
    return colours
