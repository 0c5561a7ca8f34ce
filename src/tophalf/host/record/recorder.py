"""Recording: events and counters of this host into one file, for some seconds, at little cost.

The loop reads every CPU's buffer until it is empty, ten times a second or more often where buffers fill, and once a
second writes what it has: a recorder that is killed loses at most the last second.
"""

import json
import os
import time

from tophalf.errors import MachineError
from tophalf.frozen import Frozen
from tophalf.host.record.moments import MomentWriter
from tophalf.host.record.tracefs import parse_stats
from tophalf.host.record.tracing import MEMORY_MIB, Tracing, task_names, total_counts
from tophalf.recording import TarWriter, moment_name, seconds_name

POLL_NS, POLL_NS_MIN = 100_000_000, 5_000_000
SECOND_NS = 10**9
PENDING_BYTES_MAX = 16 << 20  # written before its second is over, so that memory stays bounded
SELDOM = 10  # every so many seconds what is long and changes little: files of interrupts, names of tasks


class Progress(Frozen):
    """A recording so far. events: kept, without the lost ones. cpu_ns: CPU time the recorder itself took since tracing began."""

    __slots__ = ("elapsed_ns", "events", "lost", "size_bytes", "cpu_ns")


class Recording(Frozen):
    """A recording that has ended. reason: "time", "stopped" or what went wrong. tracing: what was asked and refused."""

    __slots__ = ("path", "elapsed_ns", "events", "lost", "size_bytes", "cpu_ns", "reason", "complete", "meta", "swept")


def record(path, seconds, events=None, memory_mib=MEMORY_MIB, force=False, on_start=None, on_second=None, stop=None):
    """Record this host into a file.

    events: as `--events` takes them. on_start(Tracing): before the first event. on_second(Progress). stop(): asked at each
    poll, true ends the recording early. Returns a Recording; one that the disk cut short has complete=False.
    Raises: MachineError: not root, no tracefs, no event, the file exists or cannot be made.
    """
    with Tracing(events, memory_mib) as tracing:
        tar = TarWriter(path, _tar_name(path), force)
        run = _Run(tracing, tar)
        _begin(run, tar, on_start)
        try:
            reason, complete = run.record(seconds, on_second, stop or _never), True
        except MachineError as error:
            reason, complete = error.line(), False
        finally:
            tar.close()
        swept = tracing.swept
    now = run.progress()
    return Recording(
        path=path, elapsed_ns=now.elapsed_ns, events=now.events, lost=now.lost, size_bytes=os.path.getsize(path),
        cpu_ns=now.cpu_ns, reason=reason, complete=complete, meta=run.meta, swept=swept,
    )  # fmt: skip


def record_machine(seconds, **options):
    """Record this host and open what was recorded. Returns (Machine, Recording); the file is gone when the Machine is.

    It calls itself "this host" and "live"; its moments are recorded ones, so nothing waits for more of them.
    options: as for `record`. Raises: MachineError, also when the disk of the temporary directory is full.
    """
    import tempfile

    from tophalf.host.door import open_machine

    with tempfile.TemporaryDirectory(prefix="tophalf-") as folder:
        recording = record(os.path.join(folder, "this-host"), seconds, **options)
        if not recording.complete:
            raise MachineError(f"recording stopped: {recording.reason}", "", "set TMPDIR to a place with room")
        machine = open_machine(recording.path)
        machine.label, machine.kind, machine.trace.path = "this host", "live", "this host"  # the file was only the way
        return machine, recording


def _begin(run, tar, on_start):
    """Up to the first event a failure leaves no file behind."""
    try:
        run.begin(on_start)
    except BaseException:
        tar.close()
        os.unlink(tar.path)
        raise


def _tar_name(path):
    return os.path.basename(path).split(".")[0] or "recording"


def _never():
    return False


class _Run:
    """The state of one recording."""

    def __init__(self, tracing, tar):
        self.tracing, self.tar, self.meta = tracing, tar, None
        self.moments = MomentWriter(tar)
        self.start_ns, self.cpu_start_ns, self.elapsed_ns, self.cpu_ns = time.monotonic_ns(), time.process_time_ns(), 0, 0
        self.poll_ns, self.pending, self.pending_bytes = POLL_NS, {}, 0
        self.stats, self.stats_written, self.tasks, self.tasks_written = {}, {}, {}, b""

    def record(self, seconds, on_second, stop):
        """Record until the time is over or stop() says so. Returns the reason. Raises: MachineError: disk full."""
        end_ns, second, reason = self.start_ns + round(seconds * SECOND_NS), 1, "time"
        while True:
            now_ns = time.monotonic_ns()
            if stop():
                reason = "stopped"
                break
            if now_ns >= end_ns:
                break
            if now_ns >= self.start_ns + second * SECOND_NS:
                self._write_second(second)
                second = (time.monotonic_ns() - self.start_ns) // SECOND_NS + 1  # a second that was slept over is not made up
                if on_second:
                    on_second(self.progress())
            if not self._poll():
                deadline_ns = min(now_ns + self.poll_ns, end_ns, self.start_ns + second * SECOND_NS)
                time.sleep(max(0, deadline_ns - time.monotonic_ns()) / SECOND_NS)
        self._end(reason)
        return reason

    def begin(self, on_start):
        """All that is slow comes before the first event; the first counters just before it."""
        self.moments.write_facts(moment_name(0))
        for name, data in self.tracing.description().items():
            self.tar.add(f"trace/{name}", data)
        self.tar.flush()
        if on_start:
            on_start(self.tracing)
        self.moments.write(moment_name(0), settings=True, log=True)
        self.tracing.start()
        self.start_ns, self.cpu_start_ns = self.tracing.start_ns, time.process_time_ns()
        self.meta = self.tracing.meta()
        self.tar.add("trace/meta.json", json.dumps(self.meta, indent=1).encode())
        self.tar.flush()

    def _poll(self):
        """Read all CPUs. Returns whether there is more to read at once."""
        pages, more = self.tracing.drain()
        most = 0
        for cpu, got in pages.items():
            data = b"".join(got)
            self.pending.setdefault(cpu, []).append(data)
            self.pending_bytes += len(data)
            most = max(most, len(data))
        self._pace(most)
        if self.pending_bytes > PENDING_BYTES_MAX:
            self._gather_pages()
            self.tar.flush()
        return more

    def _pace(self, most_bytes):
        """Poll sooner where a buffer came near to full, later again where none did."""
        room = self.tracing.kib_per_cpu << 10
        if most_bytes > room // 4:
            self.poll_ns = max(self.poll_ns // 2, POLL_NS_MIN)
        elif most_bytes < room // 16:
            self.poll_ns = min(self.poll_ns * 2, POLL_NS)

    def _gather_pages(self):
        name = seconds_name(time.monotonic_ns() - self.start_ns)
        for cpu, chunks in self.pending.items():
            self.tar.add(f"trace/cpu{cpu}/{name}.raw", b"".join(chunks))
        self.pending, self.pending_bytes = {}, 0

    def _gather_stats(self):
        name = seconds_name(time.monotonic_ns() - self.start_ns)
        self.stats.update(self.tracing.stats())
        for cpu, text in self.stats.items():
            counts = parse_stats(text)
            if self.stats_written.get(cpu) != counts:
                self.stats_written[cpu] = counts
                self.tar.add(f"trace/cpu{cpu}/{name}.stats", text)

    def _gather_tasks(self):
        names = task_names(self.tracing.tracefs, self.tasks)
        if names != self.tasks_written:
            self.tasks_written = names
            self.tar.add("trace/saved_cmdlines", names)

    def _write_second(self, second):
        """What the second brought, in one write: pages, stats, names, then the moment."""
        seldom = second % SELDOM == 0
        self._gather_pages()
        self._gather_stats()
        if seldom:
            self._gather_tasks()
        self.moments.write(moment_name(time.monotonic_ns() - self.start_ns), settings=seldom)
        self.tar.flush()
        self.tracing.join_new_cpus()
        self._take_time()

    def _end(self, reason):
        self.tracing.stop()
        while self._poll():
            pass
        self._gather_pages()
        self._gather_stats()
        self._gather_tasks()
        self._take_time()
        self.moments.write(moment_name(self.elapsed_ns), settings=True, log=True)
        told = {"reason": reason, **self.progress().as_dict()}
        self.tar.add("trace/end.json", json.dumps(told, indent=1).encode())
        self.tar.flush()

    def _take_time(self):
        self.elapsed_ns = time.monotonic_ns() - self.start_ns
        self.cpu_ns = time.process_time_ns() - self.cpu_start_ns

    def progress(self):
        kept, lost = total_counts(self.stats)
        return Progress(
            elapsed_ns=self.elapsed_ns, events=kept, lost=lost, size_bytes=self.tar.size, cpu_ns=self.cpu_ns
        )
