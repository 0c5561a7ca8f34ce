"""--watch: the same view again and again, from the last sample to this one, until Ctrl-C."""

import sys
import time

from tophalf.cli.load import load
from tophalf.errors import MachineError
from tophalf.host.read import read_snapshot
from tophalf.judge import metrics


def watch(args, fields, facts, show):
    """Redraw every args.seconds on a live machine. show(machine, series) returns the text. Returns the exit status."""
    machine, series = load(args.machine, seconds=0, fields=fields, facts=facts)
    if not machine.live:
        raise MachineError("is recorded and does not change; --watch needs a live machine", machine.label)
    interval, last = args.seconds or 1.0, series.last
    try:
        while True:
            time.sleep(interval)
            now = read_snapshot(machine.moments[0][1], time.monotonic_ns(), fields, series.facts)
            text = show(machine, metrics.over([last, now]))
            sys.stdout.write(("\033[H\033[J" if sys.stdout.isatty() else "") + text + "\n")
            sys.stdout.flush()
            last = now
    except KeyboardInterrupt:
        return 0
