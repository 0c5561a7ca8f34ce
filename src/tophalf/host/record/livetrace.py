"""Events while they happen: what each poll of the ring buffers brought, in the form in which a recording holds it."""

import json
import time

from tophalf.frozen import Frozen
from tophalf.host.door import TraceSource
from tophalf.host.record.tracing import MEMORY_MIB, Tracing, total_counts
from tophalf.host.roots import MemoryRoot

POLL_S = 0.1
STATS_EVERY = 10  # polls: reading the statistics of 1,152 CPUs costs more than reading their empty buffers


class Poll(Frozen):
    """What one poll brought. source: a TraceSource as `load_events` takes it, with the pages of this poll alone.

    pages: {cpu: bytes}. lost: events lost since the start, as of the last look. elapsed_ns: since the start.
    """

    __slots__ = ("source", "pages", "lost", "elapsed_ns")


def follow(seconds=None, events=None, memory_mib=MEMORY_MIB, on_start=None):
    """Trace this host and hand out a Poll each tenth of a second, until `seconds` are over or the generator is closed.

    The last Poll holds what was left in the buffers. Whoever follows pairs across polls: an entry may come in one and its
    exit in the next. Raises: MachineError as Tracing does.
    """
    with Tracing(events, memory_mib) as tracing:
        files = {f"/trace/{name}": data for name, data in tracing.description().items()}
        if on_start:
            on_start(tracing)
        tracing.start()
        files["/trace/meta.json"] = json.dumps(tracing.meta()).encode()
        for poll in _polls(tracing, seconds):
            yield poll.replace(source=_source(files, poll.pages))


def _source(files, pages):
    raw = {f"/trace/cpu{cpu}/000000.000000.raw": data for cpu, data in pages.items()}
    return TraceSource("recording", "this host", MemoryRoot({**files, **raw}, {}))


def _polls(tracing, seconds):
    number, lost, more, running = 0, 0, False, True
    while running or more:
        elapsed_ns = time.monotonic_ns() - tracing.start_ns
        if running and seconds is not None and elapsed_ns >= seconds * 10**9:
            tracing.stop()
            running = False
        pages, more = tracing.drain()
        if number % STATS_EVERY == 0 or not running:
            lost = total_counts(tracing.stats())[1]
        yield Poll(pages={cpu: b"".join(got) for cpu, got in pages.items()}, lost=lost, elapsed_ns=elapsed_ns)
        number += 1
        if running and not more:
            time.sleep(POLL_S)
