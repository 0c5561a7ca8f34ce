"""Tracing while it runs: an instance with its guardian, the pipes of its CPUs, and what is needed to decode their pages."""

import os
import sys
import time

from tophalf.errors import MachineError
from tophalf.host.record.guardian import dismiss, start_guardian
from tophalf.host.record.tracefs import Instance, instance_name, stats_totals, sweep, traced_cpus, tracefs_path
from tophalf.host.record.tracevents import choose_events, parse_events
from tophalf.host.trace.formats import parse_header_page

MEMORY_MIB = 256  # for the buffers of all CPUs together
KIB_PER_CPU_MAX = 16 << 10  # 0.8 s of a CPU at a million events a second
KIB_PER_CPU_MIN = 64
PAGES_A_TURN = 256  # so that one flooded CPU does not keep the others waiting

# kernel/trace/ring_buffer.c: the two top bits of a page's 32 lower commit bits, and the count that may follow the data
_COMMIT_MASK = (1 << 30) - 1
_MISSED_STORED = 1 << 30


class Tracing:
    """Events being traced now, from `start` to `stop`. Use as a context manager: leaving it gives the instance back.

    cpus: sorted tuple. events: {(system, event): filter or None}. refused: {name: why}. kib_per_cpu: buffer each CPU got.
    swept: instances of dead recorders that were removed first. start_ns: CLOCK_MONOTONIC, the clock of the events.
    """

    def __init__(self, events=None, memory_mib=MEMORY_MIB):
        """events: as `--events` takes them. Raises: MachineError: not root, no tracefs, no event at all, no memory."""
        asked = parse_events(events)
        self.tracefs = tracefs_path()
        self.swept = sweep(self.tracefs)
        self.instance = Instance(self.tracefs, instance_name())
        self.guardian, self.pipes, self.start_ns = None, {}, None
        try:
            self.guardian = start_guardian(self.instance.path)
            self._prepare(asked, memory_mib)
        except BaseException:
            self.close()
            raise

    def _prepare(self, asked, memory_mib):
        self.cpus = traced_cpus(self.instance.path)
        self.kib_per_cpu = self.instance.size_buffers(buffer_kib(memory_mib, len(self.cpus)))
        self.events, self.refused = choose_events(self.tracefs, asked, len(self.cpus))
        for (system, event), trace_filter in list(self.events.items()):
            why = self.instance.enable(system, event, trace_filter)
            if why:
                del self.events[system, event]
                self.refused[f"{system}:{event}"] = why
        if not self.events:
            refused = ", ".join(f"{name} ({why})" for name, why in self.refused.items())
            do = f"{self.tracefs}/available_events lists what this kernel has"
            raise MachineError(f"no event can be recorded: {refused}", "tracefs", do)
        self.page_bytes, self._commit_bytes = _page_layout(self.instance)
        self._open_pipes(self.cpus)

    def _open_pipes(self, cpus):
        _allow_descriptors(len(self.pipes) + len(cpus))
        for cpu in cpus:
            path = f"{self.instance.path}/per_cpu/cpu{cpu}/trace_pipe_raw"
            try:
                self.pipes[cpu] = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                raise MachineError(f"cannot be read ({error.strerror})", path) from None

    def start(self):
        self.start_ns = time.monotonic_ns()
        self.instance.start()

    def stop(self):
        """Stop tracing; what is in the buffers can still be drained."""
        self.instance.stop()

    def drain(self):
        """One turn over the CPUs. Returns ({cpu: [page, ...]}, whether a CPU has more than one turn takes).

        A page is its header and its committed bytes. One read gives at most one page, so each CPU is read until it is
        empty (EAGAIN); a page that is not full yet is handed out as far as it is written.
        """
        pages, more = {}, False
        for cpu, pipe in self.pipes.items():
            got = self._read_pages(pipe)
            if got:
                pages[cpu] = got
                more = more or len(got) == PAGES_A_TURN
        return pages, more

    def _read_pages(self, pipe):
        got = []
        try:
            for _ in range(PAGES_A_TURN):
                page = os.read(pipe, self.page_bytes)
                if not page:
                    break
                got.append(committed(page, self._commit_bytes))
        except BlockingIOError:
            pass
        return got

    def join_new_cpus(self):
        """Read CPUs that came online since the start, too. Returns them."""
        new = [cpu for cpu in traced_cpus(self.instance.path) if cpu not in self.pipes]
        self._open_pipes(new)
        self.cpus = tuple(sorted({*self.cpus, *new}))
        return new

    def stats(self):
        """{cpu: text of its stats, bytes}."""
        return {cpu: text for cpu in self.pipes if (text := self.instance.stats(cpu))}

    def close(self):
        """Give the instance back and dismiss the guardian; where the kernel still holds it, the guardian sees to it."""
        for pipe in self.pipes.values():
            os.close(pipe)
        self.pipes = {}
        gone = self.instance.remove()
        if self.guardian is None:
            return
        if gone:
            dismiss(self.guardian)
        else:
            os.close(self.guardian)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def meta(self):
        """What meta.json says (recording.py), as a dictionary."""
        from tophalf import __version__
        from tophalf.recording import FORMAT

        return {
            "format": FORMAT, "tophalf": __version__, "kernel": os.uname().release, "machine": os.uname().machine,
            "boot_id": _text("/proc/sys/kernel/random/boot_id"), "pid": os.getpid(), "instance": self.instance.name,
            "clock": "mono", "start_mono_ns": self.start_ns, "start_wall_ns": time.time_ns(), "cpus": list(self.cpus),
            "page_bytes": self.page_bytes, "buffer_kib_per_cpu": self.kib_per_cpu,
            "events": {f"{system}:{event}": kept for (system, event), kept in self.events.items()}, "refused": self.refused,
            "modes": True,
        }  # fmt: skip

    def description(self):
        """All that decoding needs but meta.json and the pages: {path below trace/: bytes}."""
        files = {"header_page": _bytes(f"{self.tracefs}/events/header_page")}
        files["saved_cmdlines"] = task_names(self.tracefs, {})
        for system, event in self.events:
            path = f"events/{system}/{event}/format"
            files[path] = _bytes(f"{self.tracefs}/{path}")
        files["kallsyms.gz"] = functions()
        return files


def committed(page, commit_bytes):
    """A page without its padding: header, committed bytes, and the count of missed events where one follows.

    Source: kernel/trace/ring_buffer.c ring_buffer_read_page: u64 time stamp, local_t commit (of commit_bytes), data.
    """
    commit = int.from_bytes(page[8 : 8 + commit_bytes], sys.byteorder)
    used = 8 + commit_bytes + (commit & _COMMIT_MASK)
    if commit & _MISSED_STORED:
        used += commit_bytes
    return page[:used]


def buffer_kib(memory_mib, cpu_count):
    """Ring buffer for each CPU so that all together stay within memory_mib. Raises: MachineError when that is too little."""
    each = min(memory_mib * 1024 // cpu_count, KIB_PER_CPU_MAX)
    if each < KIB_PER_CPU_MIN:
        need = -(-KIB_PER_CPU_MIN * cpu_count // 1024)
        raise MachineError(f"{memory_mib} MiB are too little for {cpu_count} CPUs", "--memory", f"give at least {need}")
    return each


def _allow_descriptors(count):
    """One for each CPU: the usual limit of 1,024 is too few for 1,152 CPUs."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 256
    if soft < wanted and (wanted <= hard or hard == resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def total_counts(stats):
    """(events kept, events lost) of all CPUs, from {cpu: stats text}."""
    counts = [stats_totals(text) for text in stats.values()]
    return sum(kept for kept, _ in counts), sum(lost for _, lost in counts)


def task_names(tracefs, known):
    """Lines "pid comm" of every task seen so far: the kernel's own list, which forgets, over the processes there are.

    known: {pid: comm as bytes}, kept up to date here from call to call.
    """
    for pid in os.listdir("/proc"):
        if pid.isdigit() and int(pid) not in known:
            comm = _bytes(f"/proc/{pid}/comm")
            if comm:
                known[int(pid)] = comm.rstrip(b"\n")
    for line in _bytes(f"{tracefs}/saved_cmdlines").splitlines():
        pid, _, comm = line.partition(b" ")
        if pid.isdigit() and comm != b"<...>":
            known[int(pid)] = comm
    return b"".join(b"%d %s\n" % pair for pair in sorted(known.items()))


def functions():
    """The kernel's functions, from /proc/kallsyms, compressed."""
    import gzip

    lines = _bytes("/proc/kallsyms").splitlines(keepends=True)
    return gzip.compress(b"".join(line for line in lines if line[17:18] in b"tTwW"), 1)


def _page_layout(instance):
    """(bytes of a page, bytes of its commit field) by this kernel."""
    path = f"{instance.tracefs}/events/header_page"
    layout = parse_header_page(_bytes(path).decode(), path)
    return layout.data_offset + layout.data_size, layout.commit_size


def _bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _text(path):
    return _bytes(path).decode().strip()



