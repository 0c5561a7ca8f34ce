"""`tophalf diff`: compare two machines, or two moments of one, into what moved and what changed."""

from tophalf.cli import render
from tophalf.cli.load import head, load
from tophalf.cli.options import command_parser, print_json, wait_seconds
from tophalf.host.read import ALL, ALL_FACTS
from tophalf.judge import compare, metrics
from tophalf.vocab import human_count

ROWS_SHOWN = 25


def parser():
    """Options of `tophalf diff`."""
    options = command_parser("diff", __doc__.split(": ", 1)[1], "tophalf diff before.tar after.tar", machine=False)
    options.add_argument("first", metavar="A", help="a MACHINE; NAME@SECONDS picks a moment of a series")
    options.add_argument("second", metavar="B", nargs="?", help="another; left out: the first and last moment of A; '-': this host")
    options.add_argument("--seconds", type=wait_seconds, default=1.0, help="watch a live machine so long (default 1)")
    options.add_argument("--all", action="store_true", help=f"all rows that moved, not only the first {ROWS_SHOWN}")
    return options


def run(args):
    """Print what differs. Returns the exit status."""
    first_machine, first = _load(args.first, args.seconds)
    second_machine, second = (first_machine, first) if args.second is None else _load(args.second, args.seconds)
    if args.second is None:
        first, second = _ends(first)
    unit, moved = compare.moved(first, second)
    changed = compare.changed(first, second)
    if args.json:
        _print_document(first_machine, second_machine, first, second, unit, moved, changed)
    else:
        sides = ("A", "B") if args.second else ("first", "last")
        print(_show(_title(first_machine, second_machine), sides, unit, moved, changed, None if args.all else ROWS_SHOWN))
    return 0


def _load(argument, seconds):
    return load(None if argument == "-" else argument, seconds=seconds, fields=ALL, facts=ALL_FACTS)


def _ends(series):
    return metrics.over(series.snapshots[:1]), metrics.over(series.snapshots[-1:])


def _print_document(first_machine, second_machine, first, second, unit, moved, changed):
    print_json({
        "a": head(first_machine, first),
        "b": head(second_machine, second),
        "per": "second" if unit else "since boot",
        "moved": [{**row.as_dict(), "change": row.change} for row in moved],
        "changed": [row.as_dict() for row in changed],
    })  # fmt: skip


def _title(first_machine, second_machine):
    if first_machine is second_machine:
        return f"{first_machine.label}: its first against its last moment"
    return f"A: {first_machine.label}, B: {second_machine.label}"


def _show(title, sides, unit, moved, changed, shown):
    lines = [render.paint(title, "bold")]
    rows = [(row.what, human_count(row.before), human_count(row.after), _signed(row.change)) for row in moved[:shown]]
    titles = ["moved", *(f">{side}{unit}" for side in sides), f">change{unit}"]
    lines.append(render.table(titles, rows) if rows else "nothing moved")
    if shown and len(moved) > shown:
        lines.append(render.paint(f"{len(moved) - shown} smaller changes are left out (--all shows them)", "dim"))
    rows = [(row.what, row.before, row.after) for row in changed]
    lines.append(render.table(["changed", *sides], rows) if rows else "no mask or setting changed")
    return "\n".join(lines)


def _signed(change):
    return ("+" if change > 0 else "-") + human_count(abs(change))
