"""`tophalf laws`: hold a trace against what the kernel guarantees; a violation is a broken trace, kernel or model."""

from tophalf.cli import render
from tophalf.cli.load import machine_head
from tophalf.cli.options import command_parser, print_json, seconds
from tophalf.cli.traced import events_of, traced_machine

SECONDS = 5.0  # a live machine is traced for so long
VIOLATIONS_SHOWN = 10  # of each law; --all shows every one that was kept


def parser():
    """Options of `tophalf laws`."""
    options = command_parser("laws", __doc__.split(": ", 1)[1], "tophalf laws flood.dat")
    options.add_argument("--seconds", type=seconds, metavar="N", help=f"trace this host for so long (default {SECONDS:g})")
    options.add_argument("--all", action="store_true", help=f"every violation, not only the first {VIOLATIONS_SHOWN} of a law")
    return options


def run(args):
    """Judge a trace, or this host. Returns the exit status: 0 all laws hold, 1 one does not."""
    machine = traced_machine(args, SECONDS)
    table = events_of(machine)
    from tophalf.judge import laws

    preempt_rt = _preempt_rt(machine)
    verdicts = laws.judge(table, preempt_rt)
    if args.json:
        print_json(document(machine, table, verdicts))
    else:
        print(report(machine, table, verdicts, None if args.all else VIOLATIONS_SHOWN))
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _preempt_rt(machine):
    """Whether the kernel says it is PREEMPT_RT; None where that is not recorded, then the trace has to tell."""
    from tophalf.host.readers.boot import read_boot

    boot = read_boot(machine.moments[0][1] if machine.moments else machine.base)
    return boot.preempt_rt if boot else None


def document(machine, table, verdicts):
    """The JSON document; docs/json.md describes it."""
    return {
        "machine": machine_head(machine),
        "events": len(table), "lost_events": table.lost_events, "clock": table.clock,
        "holds": all(verdict.holds for verdict in verdicts),
        "exercised": [verdict.law.name for verdict in verdicts if verdict.exercised],
        "not_exercised": [verdict.law.name for verdict in verdicts if not verdict.exercised],
        "laws": [_law(verdict) for verdict in verdicts],
    }  # fmt: skip


def _law(verdict):
    law = verdict.law
    return {
        "law": law.name, "statement": law.statement, "source": law.source, "applied": verdict.applied,
        "violation_count": verdict.violation_count, "violations": [violation.as_dict() for violation in verdict.violations],
    }  # fmt: skip


def report(machine, table, verdicts, shown=VIOLATIONS_SHOWN):
    """For people: one line a law, then what broke. shown: violations of a law, None for all that were kept."""
    lost = {None: "some lost", 0: "none lost"}.get(table.lost_events, f"{table.lost_events or 0:,} lost")
    label = render.printable(machine.label)
    lines = [render.paint(f"{label}: {len(table):,} events, {lost}, clock {table.clock}", "bold")]
    lines += [render.paint(f"note: {render.printable(note)}", "yellow") for note in machine.notes]
    lines += [_table(verdicts), *(_broken(verdict, shown) for verdict in verdicts if not verdict.holds), _sum(verdicts)]
    return "\n".join(lines)


def _table(verdicts):
    rows = [(verdict.law.name, f"{verdict.applied:,}", _word(verdict), verdict.law.statement) for verdict in verdicts]
    colours = {(at, 2): _colour(verdict) for at, verdict in enumerate(verdicts)}
    return render.table(["law", ">applied", "verdict", "statement"], rows, colours)


def _word(verdict):
    if not verdict.holds:
        return f"{verdict.violation_count:,} broken"
    return "holds" if verdict.exercised else "not exercised"


def _colour(verdict):
    return "red" if not verdict.holds else "green" if verdict.exercised else "dim"


def _broken(verdict, shown):
    law = verdict.law
    lines = [f"\n{render.paint(law.name, 'red')}: {law.statement} ({law.source})"]
    for violation in verdict.violations[:shown]:
        where = f"{violation.time_ns / 10**9:.9f} CPU {violation.cpu} row {violation.row}"
        lines.append(f"  {where}: {render.printable(violation.what)}")
    left = verdict.violation_count - len(verdict.violations[:shown])
    return "\n".join([*lines, f"  and {left:,} more"] if left else lines)


def _sum(verdicts):
    broken = sum(not verdict.holds for verdict in verdicts)
    idle = sum(verdict.holds and not verdict.exercised for verdict in verdicts)
    said = f"{broken} of {len(verdicts)} laws broken" if broken else f"all {len(verdicts) - idle} laws that applied hold"
    return render.paint(f"\n{said}, {idle} not exercised", "red" if broken else "green")
