"""`tophalf check`: says what is wrong with a machine's interrupts, worst first, with evidence and remedy."""

import sys

from tophalf.cli import render
from tophalf.cli.options import command_parser, print_json, seconds
from tophalf.cli.simulated import open_named
from tophalf.cli.traced import need_tracing, refuse_seconds
from tophalf.errors import MachineError

SECONDS = 5.0  # a live machine is watched for so long
# What is read each second in between, so that a burst shows against the line's own past
LIGHT_FIELDS = ("interrupts", "softirqs", "stat", "softnet")
SAMPLE_S = 1.0


def parser():
    """Options of `tophalf check`."""
    options = command_parser("check", __doc__.split(": ", 1)[1], "tophalf check --seconds 10 --record")
    options.add_argument("--seconds", type=seconds, metavar="N", help=f"how long to watch a live machine (default {SECONDS:g})")
    options.add_argument("--record", action="store_true", help="trace events meanwhile (this host, root): times are judged too")
    options.add_argument("--rule", action="append", metavar="ID", help="judge only this rule (may be repeated)")
    options.add_argument("--explain", metavar="ID", help="say what a rule means, needs and advises (`all`: every rule)")
    return options


def run(args):
    """Judge a machine. Returns 0 for nothing of warning or worse, else 1."""
    if args.explain:
        if args.json:
            raise MachineError("--explain prints text", do="leave --json out")
        return explain(args.explain)
    only = _known_rules(args.rule or (), "--rule")
    machine, snapshots = look(args)
    timing = time_trace(machine)
    render.progress("")
    case, verdict = judge_snapshots(machine, snapshots, timing, only)
    if args.json:
        from tophalf.cli.check_json import document

        print_json(document(machine, case, verdict))
    else:
        from tophalf.cli.check_text import report

        print(report(machine, case, verdict))
    return 1 if verdict.alarming else 0


def judge_snapshots(machine, snapshots, timing=None, only=()):
    """Returns (Case, Verdict) of snapshots and the times of a trace."""
    from tophalf.judge import metrics
    from tophalf.judge.case import Case
    from tophalf.judge.registry import judge

    case = Case(metrics.over(snapshots) if snapshots else None, timing, live=machine.kind == "live")
    return case, judge(case, only)


def look(args):
    """Open MACHINE and read it. Returns (Machine, snapshots, oldest first; none for a bare trace).

    Raises: MachineError.
    """
    if args.record:
        return _record(args)
    machine = open_named(args.machine, args.trace)
    if machine.live:
        return machine, watch_live(machine, args.seconds or SECONDS)
    refuse_seconds(args, args.seconds)
    from tophalf.host.sample import take_snapshots

    return machine, take_snapshots(machine)


def _record(args):
    if args.machine or args.trace:
        raise MachineError("--record traces this host", args.machine or args.trace, "leave MACHINE and --trace out")
    from tophalf.host.record.recorder import record_machine
    from tophalf.host.sample import take_snapshots

    duration_s = args.seconds or SECONDS
    need_tracing()
    render.progress(f"recording events for {duration_s:g} s ...")
    machine, _ = record_machine(duration_s)
    render.progress("timing events ...")
    return machine, take_snapshots(machine)


def watch_live(machine, seconds):
    """Snapshots of a live machine: everything at both ends, the light fields each second in between."""
    import time

    from tophalf.host.read import ALL, ALL_FACTS, read_facts, read_snapshot

    root = machine.moments[0][1]
    facts = read_facts(root, ALL_FACTS)
    snapshots = [read_snapshot(root, time.monotonic_ns(), ALL, facts)]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        render.progress(f"watching this host, {left:.0f} s left ...")
        whole = left <= SAMPLE_S * 1.5
        time.sleep(left if whole else SAMPLE_S)
        fields = ALL if whole else LIGHT_FIELDS
        snapshots.append(read_snapshot(root, time.monotonic_ns(), fields, facts))
    return snapshots


def time_trace(machine):
    """The Timing of a machine's trace, or None where it has none."""
    if machine.trace is None:
        return None
    from tophalf.host.trace.traces import load_events
    from tophalf.judge.times.timing import time_events

    return time_events(load_events(machine))


def _known_rules(ids, option):
    if not ids:
        return set()
    from tophalf.judge.registry import RULES

    for name in ids:
        if name not in RULES:
            raise MachineError(f"no rule {name!r}", option, f"rules are: {', '.join(RULES)}")
    return set(ids)


def explain(name):
    """Print a rule's documentation, or all of docs/rules.md."""
    from tophalf.judge.registry import RULES

    if name == "all":
        sys.stdout.write(rules_page())
        return 0
    _known_rules([name], "--explain")
    print(RULES[name].explain())
    return 0


def rules_page():
    """The text of docs/rules.md."""
    from tophalf.judge.registry import RULES

    head = (
        "# Rules of `tophalf check`\n\n"
        "Printed by `tophalf check --explain all`; limits come from `src/tophalf/judge/thresholds.py`, which argues for\n"
        "each. Severity follows cost: what a finding takes from a CPU, or loses in packets. A finding that another one\n"
        "explains is shown under it. Exit status: 0 nothing of warning or worse, 1 warning or worse, 2 could not run.\n"
    )
    return "\n\n".join([head.rstrip("\n"), *(rule.explain() for rule in RULES.values())]) + "\n"
