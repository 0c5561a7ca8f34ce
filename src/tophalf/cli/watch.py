"""--watch: the same view again and again, from the last sample to this one, until Ctrl-C."""

import sys
import time

from tophalf.cli.load import load
from tophalf.errors import MachineError
from tophalf.host.read import read_snapshot
from tophalf.judge import metrics


def watch(args, fields, facts, show, document):
    """Redraw every args.seconds on a live machine. Returns the exit status.

    show(machine, series, args) returns the text, document(...) what --json prints instead: one document a line.
    """
    machine, series = load(args.machine, seconds=0, fields=fields, facts=facts)
    if not machine.live:
        raise MachineError("is recorded and does not change; --watch needs a live machine", machine.label)
    interval, last = args.seconds or 1.0, series.last
    try:
        while True:
            time.sleep(interval)
            now = read_snapshot(machine.moments[0][1], time.monotonic_ns(), fields, series.facts)
            _draw(machine, metrics.over([last, now]), args, show, document)
            last = now
    except KeyboardInterrupt:
        return 0


def _draw(machine, series, args, show, document):
    if args.json:
        import json

        sys.stdout.write(json.dumps(document(machine, series, args)) + "\n")
    else:
        sys.stdout.write(("\033[H\033[J" if sys.stdout.isatty() else "") + show(machine, series, args) + "\n")
    sys.stdout.flush()
