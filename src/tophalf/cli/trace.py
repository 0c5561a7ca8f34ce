"""`tophalf trace`: how long handlers, softirqs, NAPI polls and work took and waited, from recorded events."""

import argparse
import re

from tophalf.cli.load import machine_or_traced
from tophalf.cli.options import command_parser, print_json, seconds
from tophalf.errors import MachineError

SECONDS = 5.0  # a live machine is traced for so long
_UNITS_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?) *(ns|us|µs|ms|s)$")


def parser():
    """Options of `tophalf trace`."""
    options = command_parser("trace", __doc__.split(": ", 1)[1], "sudo tophalf trace --threshold 100us --seconds 10")
    options.add_argument("--seconds", type=seconds, metavar="N", help=f"trace this host for so long (default {SECONDS:g})")
    options.add_argument("--threshold", type=duration_ns, metavar="TIME", help="list each handler call of at least 100us, 1ms, ...")
    options.add_argument("--histogram", action="store_true", help="draw run and wait times in buckets that double")
    options.add_argument("--events", action="store_true", help="list the events themselves")
    options.add_argument("--cpu", metavar="LIST", help="with --events, --histogram, --threshold: only these CPUs (0-3,8)")
    options.add_argument("--kind", metavar="NAMES", help="with --events: only these, by commas (irq_handler, napi_poll, ...)")
    options.add_argument("--irq", type=int, metavar="N", help="with --events, --histogram, --threshold: only this interrupt")
    options.add_argument("--all", action="store_true", help="every work function, tasklet and NAPI instance")
    return options


def duration_ns(text):
    """A time with its unit, in nanoseconds: 100us, 1.5ms. Raises: argparse.ArgumentTypeError."""
    match = _DURATION.match(text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time with its unit: say 100us, 1.5ms or 2s")
    return round(float(match[1]) * _UNITS_NS[match[2]])


def run(args):
    """Time a trace, or this host. Returns the exit status."""
    if args.threshold is not None and not (args.machine or args.trace):
        return _live_threshold(args)
    machine = machine_or_traced(args, SECONDS)
    table = _events(machine)
    if args.events:
        return _list_events(args, machine, table)
    return _show(args, machine, table)


def _live_threshold(args):
    import sys

    from tophalf.cli.trace_live import watch_slow
    from tophalf.vocab import human_ns

    what = f"handler calls of {human_ns(args.threshold)} and more"
    print(f"tracing this host for {what}; Ctrl-C ends it", file=sys.stderr)
    calls, slow, lost = watch_slow(args.threshold, args.seconds, args.json, lambda call: _wanted(call, args))
    print(f"{slow} of {calls} {what}; {lost} events lost", file=sys.stderr)
    return 0


def _events(machine):
    from tophalf.host.trace.traces import load_events

    table = load_events(machine)
    if table is None:
        raise MachineError("no tracing in this recording", machine.label, "name a trace beside it: --trace FILE")
    return table


def _list_events(args, machine, table):
    from tophalf.cli.trace_rows import chosen, lines, row_documents

    table = chosen(table, _cpus(args.cpu), args.kind and args.kind.split(","), args.irq)
    if args.json:
        from tophalf.cli.load import machine_head

        print_json({"machine": machine_head(machine), "rows": list(row_documents(table))})
        return 0
    for line in lines(table):
        print(line)
    return 0


def _show(args, machine, table):
    from tophalf.judge.times.timing import time_events

    timing = time_events(table)
    calls = _slow(args, timing) if args.threshold is not None else None
    if args.json:
        from tophalf.cli.trace_json import document

        print_json(document(machine, timing, calls))
    elif calls is not None:
        _print_slow(args, machine, timing, calls)
    else:
        _print_report(args, machine, timing)
    return 0


def _slow(args, timing):
    from tophalf.judge.times.slow import slow_handlers

    return [call for call in slow_handlers(timing.spans, args.threshold) if _wanted(call, args)]


def _wanted(call, args):
    cpus = _cpus(args.cpu)
    return (cpus is None or call.cpu in cpus) and args.irq in (None, call.irq)


def _print_slow(args, machine, timing, calls):
    from tophalf.cli.trace_live import line
    from tophalf.cli.trace_text import head
    from tophalf.vocab import human_ns

    print(head(machine, timing))
    for call in calls:
        print(line(call))
    handlers = sum(found.count for found in timing.hardirq)
    none = "" if handlers else " (no irq_handler events in this trace)"
    print(f"{len(calls)} of {handlers} handler calls took {human_ns(args.threshold)} and more, entry to exit{none}")


def _print_report(args, machine, timing):
    if args.histogram:
        from tophalf.cli.trace_histogram import histograms
        from tophalf.cli.trace_text import head

        print("\n\n".join([head(machine, timing), *histograms(timing.spans, _cpus(args.cpu), args.irq)]))
        return
    from tophalf.cli.trace_text import report

    print(report(machine, timing, args.all))


def _cpus(text):
    from tophalf.host.cpumask import parse_list

    return None if text is None else parse_list(text)
