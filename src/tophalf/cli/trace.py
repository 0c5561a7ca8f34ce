"""`tophalf trace`: how long handlers, softirqs, NAPI polls and work took and waited, from recorded events."""

import argparse
import re

from tophalf.cli.options import command_parser, print_json, seconds
from tophalf.cli.traced import events_of, names_this_host, need_tracing, traced_machine
from tophalf.errors import TophalfError

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
    chooses = "with --events, --histogram, --threshold: only"
    options.add_argument("--cpu", type=cpu_numbers, metavar="LIST", help=f"{chooses} these CPUs (0-3,8)")
    options.add_argument("--kind", metavar="NAMES", help="with --events: only these, by commas (irq_handler, napi_poll, ...)")
    options.add_argument("--irq", type=int, metavar="N", help=f"{chooses} this interrupt")
    options.add_argument("--all", action="store_true", help="every work function, tasklet and NAPI instance")
    return options


def duration_ns(text):
    """A time with its unit, in nanoseconds: 100us, 1.5ms. Raises: argparse.ArgumentTypeError."""
    match = _DURATION.match(text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time with its unit: say 100us, 1.5ms or 2s")
    return round(float(match[1]) * _UNITS_NS[match[2]])


def cpu_numbers(text):
    """CPUs of a list, at least one. Raises: TophalfError."""
    from tophalf.host.cpumask import parse_list

    cpus = parse_list(text, "--cpu")
    if not cpus:
        raise TophalfError("names no CPU", "--cpu", "write for example 0-3,8")
    return cpus


def run(args):
    """Time a trace, or this host. Returns the exit status."""
    _check_options(args)
    if args.threshold is not None and names_this_host(args):
        return _live_threshold(args)
    machine = traced_machine(args, SECONDS)
    table = events_of(machine)
    if args.events:
        return _list_events(args, machine, table)
    if args.histogram:
        return _draw(args, machine, table)
    return _show(args, machine, table)


def _check_options(args):
    """Raises: TophalfError for an option that would change nothing, and for two that exclude each other."""
    given = {"events": args.events, "histogram": args.histogram, "threshold": args.threshold is not None}
    views = [name for name, asked in given.items() if asked]
    if len(views) > 1:
        raise TophalfError(f"--{views[0]} and --{views[1]} show different things", do="give one of them")
    for name in ("cpu", "irq"):
        if getattr(args, name) is not None and not views:
            raise TophalfError(f"--{name} is for --events, --histogram and --threshold", do="add one of them, or leave it out")
    if args.kind is not None and not args.events:
        raise TophalfError("--kind is for --events", do="add --events, or leave it out")
    if args.all and views:
        raise TophalfError(f"--all is for the tables, not for --{views[0]}", do="leave it out")


def _live_threshold(args):
    import sys

    need_tracing()  # before anything that needs numpy
    from tophalf.cli.trace_live import watch_slow
    from tophalf.vocab import human_ns

    what = f"handler calls of {human_ns(args.threshold)} and more"
    print(f"tracing this host for {what}; Ctrl-C ends it", file=sys.stderr)
    calls, slow, lost = watch_slow(args.threshold, args.seconds, args.json, lambda call: _wanted(call, args))
    print(f"{slow} of {calls} {what}; {lost} events lost", file=sys.stderr)
    return 0


def _list_events(args, machine, table):
    from tophalf.cli.trace_rows import chosen, lines, row_documents

    table = chosen(table, args.cpu, None if args.kind is None else args.kind.split(","), args.irq)
    if args.json:
        from tophalf.cli.load import machine_head

        print_json({"machine": machine_head(machine), "rows": list(row_documents(table))})
        return 0
    for line in lines(table):
        print(line)
    if not len(table):
        print(f"no event{_chosen(args)}")
    return 0


def _draw(args, machine, table):
    from tophalf.cli.load import machine_head
    from tophalf.cli.trace_histogram import document, drawn, histograms
    from tophalf.cli.trace_text import head
    from tophalf.judge.times.timing import time_events

    timing = time_events(table)
    found = histograms(timing.spans, args.cpu, args.irq)
    if args.json:
        print_json({"machine": machine_head(machine), "histograms": document(found)})
    else:
        texts = [drawn(each) for each in found] or [f"nothing was timed{_chosen(args)}"]
        print("\n\n".join([head(machine, timing), *texts]))
    return 0


def _chosen(args):
    """What --kind, --cpu and --irq leave, for a line that says that there is none of it."""
    from tophalf.vocab import cpu_list

    kind = "" if args.kind is None else f" of kind {args.kind}"
    irq = "" if args.irq is None else f" of IRQ {args.irq}"
    return kind + irq + ("" if args.cpu is None else f" on CPU {cpu_list(args.cpu)}")


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
        from tophalf.cli.trace_text import report

        print(report(machine, timing, args.all))
    return 0


def _slow(args, timing):
    from tophalf.judge.times.slow import slow_handlers

    return [call for call in slow_handlers(timing.spans, args.threshold) if _wanted(call, args)]


def _wanted(call, args):
    return (args.cpu is None or call.cpu in args.cpu) and args.irq in (None, call.irq)


def _print_slow(args, machine, timing, calls):
    from tophalf.cli.trace_live import line
    from tophalf.cli.trace_text import head
    from tophalf.vocab import human_ns

    print(head(machine, timing))
    for call in calls:
        print(line(call))
    handlers = sum(found.count for found in timing.hardirq)
    none = "" if handlers else " (no irq_handler events in this trace)"
    took = f"took {human_ns(args.threshold)} and more, entry to exit"
    if _chosen(args):
        print(f"{len(calls)} handler calls{_chosen(args)} {took}; {handlers} handler calls in all{none}")
    else:
        print(f"{len(calls)} of {handlers} handler calls {took}{none}")
