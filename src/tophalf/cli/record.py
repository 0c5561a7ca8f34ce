"""`tophalf record FILE`: events and counters of this host into a file, with progress, until its time or a signal."""

import signal
import sys

from tophalf.cli.options import SECONDS_MAX, command_parser, print_json, seconds
from tophalf.vocab import human_count, human_ns

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def parser():
    """Options of `tophalf record`."""
    described = "Records events and counters of this host into FILE, a tar that every other command takes as MACHINE. Needs root."
    parser = command_parser("record", described, "sudo tophalf record host.tar --seconds 10", machine=False)
    parser.add_argument("file", metavar="FILE", help="what to write; not overwritten without --force")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="how long; until Ctrl-C when left out")
    parser.add_argument(
        "--events", metavar="LIST",
        help="events instead of the usual ones: SYSTEM or SYSTEM:EVENT by commas, unfiltered; +LIST: besides the usual ones",
    )  # fmt: skip
    parser.add_argument("--memory", type=mebibytes, metavar="MIB", help="kernel memory for the buffers of all CPUs (256)")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    return parser


def run(options):
    """Record. Returns 0, or 2 when the file was cut short."""
    from tophalf.host.record.recorder import record
    from tophalf.host.record.tracing import MEMORY_MIB

    with _StopOnSignal() as stop:
        recording = record(
            options.file, options.seconds or SECONDS_MAX, options.events, options.memory or MEMORY_MIB, options.force,
            on_start=_say_start, on_second=_Line(), stop=stop,
        )  # fmt: skip
    if options.json:
        print_json({name: value for name, value in recording.as_dict().items() if name != "meta"})
    else:
        print(summary(recording))
    return 0 if recording.complete else 2


def summary(recording):
    """What was recorded, in one line; a second one when it ended before its time."""
    share = 100 * recording.cpu_ns / recording.elapsed_ns if recording.elapsed_ns else 0.0
    lost = f"{recording.lost:,} lost" if recording.lost else "none lost"
    text = (
        f"{recording.path}: {recording.size_bytes / 1e6:.1f} MB, {recording.events:,} events in {human_ns(recording.elapsed_ns)}, "
        f"{lost}; recording took {share:.1f} % of a core"
    )
    return text if recording.complete else f"{text}\ntophalf record: cut short: {recording.reason}"


class _StopOnSignal:
    """While it lasts a signal does not end the process but is asked for: `stop()`."""

    def __enter__(self):
        self.told = False
        numbers = [number for number in _SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]  # nohup
        self._before = {number: signal.signal(number, self._tell) for number in numbers}
        return lambda: self.told

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _tell(self, *_):
        self.told = True


class _Line:
    """Progress on standard error: on a terminal one line that changes, else one line a second."""

    def __init__(self):
        self._seen = None
        self._changes = sys.stderr.isatty()

    def __call__(self, now):
        before_events, before_ns = (self._seen.events, self._seen.elapsed_ns) if self._seen else (0, 0)
        rate = (now.events - before_events) * 1e9 / max(1, now.elapsed_ns - before_ns)
        self._seen = now
        text = f"{now.elapsed_ns / 1e9:4.0f} s  {human_count(rate)} events/s  {now.lost:,} lost  {now.size_bytes / 1e6:.1f} MB"
        print(f"\r{text}\x1b[K" if self._changes else text, end="" if self._changes else "\n", file=sys.stderr, flush=True)


def _say_start(tracing):
    for name in tracing.swept:
        print(f"removed {name}, left by a recorder that died", file=sys.stderr)
    for name, why in tracing.refused.items():
        print(f"not recorded: {name}: {why}", file=sys.stderr)
    total = tracing.kib_per_cpu * len(tracing.cpus) / 1024
    print(
        f"recording {len(tracing.events)} kinds of events on {len(tracing.cpus)} CPUs, "
        f"buffers of {tracing.kib_per_cpu:,} KiB each, {total:,.0f} MiB in all",
        file=sys.stderr,
    )


def mebibytes(text):
    """Memory as the option says it. Raises: ValueError."""
    number = int(text)
    if not 1 <= number <= 1 << 20:
        raise ValueError
    return number
