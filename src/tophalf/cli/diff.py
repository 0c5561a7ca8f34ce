"""`tophalf diff`: compare two machines, or two moments of one, into what moved and what changed."""

from tophalf.cli.diff_text import report
from tophalf.cli.load import head, load
from tophalf.cli.options import command_parser, print_json, wait_seconds
from tophalf.errors import MachineError
from tophalf.host.pick import moment_label
from tophalf.host.read import ALL, ALL_FACTS
from tophalf.judge import compare, metrics, settings

ROWS_SHOWN = 25


class Side:
    """One of the two that are compared. name: A, B, first or last; label: with the moment where one moment stands for it."""

    def __init__(self, name, machine, series, moment=False):
        self.name, self.machine, self.series, self.label = name, machine, series, machine.label
        if moment and len(machine.moments) > 1:
            self.label = moment_label(machine.label, (series.last.time_ns - machine.start_ns) / 1e9)

    def head(self):
        """What the document says of it."""
        return {**head(self.machine, self.series), "label": self.label}


def parser():
    """Options of `tophalf diff`."""
    options = command_parser("diff", __doc__.split(": ", 1)[1], "tophalf diff before.tar after.tar", machine=False)
    options.add_argument("first", metavar="A", help="a MACHINE; NAME@SECONDS is a moment of a series")
    options.add_argument("second", metavar="B", nargs="?", help="another; left out: the first and last moment of A; '-': this host")
    options.add_argument("--seconds", type=wait_seconds, default=1.0, help="watch a live machine so long (default 1)")
    options.add_argument("--all", action="store_true", help=f"all rows that moved, not only the first {ROWS_SHOWN}")
    return options


def run(args):
    """Print what differs. Returns the exit status."""
    first, second = _sides(args)
    same = _one_machine(first.machine, second.machine)
    names = (first.name, second.name)
    moves = compare.moved(first.series, second.series, same, names)
    changes = settings.changed(first.series, second.series, same, names)
    apart_ns = second.series.last.time_ns - first.series.last.time_ns if same and moves.per != "second" else None
    if args.json:
        _print_document(first, second, apart_ns, moves, changes)
    else:
        print(report(first, second, apart_ns, moves, changes, None if args.all else ROWS_SHOWN))
    return 0


def _sides(args):
    machine, series = _load(args.first, args.seconds)
    if args.second is not None:
        other_machine, other = _load(args.second, args.seconds)
        counts = not (series.whole and other.whole)
        return Side("A", machine, series, counts), Side("B", other_machine, other, counts)
    if series.whole is None:
        raise MachineError("is one moment: nothing to compare it with", machine.label, "name a second MACHINE or moment")
    first, last = metrics.over(series.snapshots[:1]), metrics.over(series.snapshots[-1:])
    return Side("first", machine, first, True), Side("last", machine, last, True)


def _load(argument, seconds):
    return load(None if argument == "-" else argument, seconds=seconds, fields=ALL, facts=ALL_FACTS)


def _one_machine(first, second):
    return first is second or (first.path == second.path and first.live == second.live)


def _print_document(first, second, apart_ns, moves, changes):
    print_json({
        "a": first.head(),
        "b": second.head(),
        "per": moves.per,
        "seconds_apart": None if apart_ns is None else apart_ns / 1e9,
        "moved": [row.as_dict() for row in moves.rows],
        "changed": [row.as_dict() for row in changes.rows],
        "not_compared": [row.as_dict() for row in (*changes.not_compared, *moves.not_compared)],
    })  # fmt: skip
