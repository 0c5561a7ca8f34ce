"""Events for Perfetto's UI (ui.perfetto.dev): tracks for each CPU, and one for each thread that ran work items.

    CPU 0                  hardirq    handlers and interrupt vectors, nested as they were
                           softirq    vectors, tasklets inside; an instant for each NAPI poll with its packets
                           threads    when ksoftirqd, irq threads, kworkers and their kin had the CPU
                           raised     an instant for each softirq raised
                           queued     an instant for each work item queued, with an arrow to its start
    work items             a track for each worker, with the functions it ran

Written in Perfetto's own binary form, which keeps nanoseconds and opens faster than JSON. Numbers of fields: Perfetto's
protos/perfetto/trace/{trace_packet,track_event/*}.proto.
"""

import struct

from tophalf import vocab

_SEQUENCE = 1  # any number but 0; what is interned holds for packets of one sequence
_BEGIN, _END, _INSTANT = 1, 2, 3
_EXPLICIT = 3  # TrackDescriptor.ChildTracksOrdering
_LANES = ("hardirq", "softirq", "threads", "raised", "queued")
_THREADS = ("ksoftirqd/", "irq/", "kworker/", "ktimers/", "rcuc/", "napi/")
_WORKERS_UUID = 1
_FLUSH_BYTES = 1 << 20
_KNOWN_MAX = 1 << 16


def write_perfetto(table, path):
    """Write an EventTable to a file. Returns how many slices and instants it holds. Raises: OSError."""
    with open(path, "wb") as file:
        out = _Writer(file, table)
        _KindWalk(table, out).walk()
        out.flush()
    return out.count


def varint(number):
    """A number from 0 in protobuf's base 128."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """One field: an int as varint, bytes and str with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (1 << 64) - 1)
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


_SEQUENCE_FIELD = field(10, _SEQUENCE)
_SHORT = [b"\x0a" + varint(length) for length in range(128)]


class _Writer:
    """Packets into a file: tracks are described and names are interned when they first occur."""

    def __init__(self, file, table):
        self.file, self.count, self._parts, self._bytes = file, 0, [], 0
        self._names, self._tracks, self._known = {}, set(), {}
        self._high, self._high_bytes = None, b""
        self._packet(field(13, 1) + self._track(_WORKERS_UUID, "work items", None, len(table.cpus) + 1))
        for rank, cpu in enumerate(table.cpus):
            self._packet(self._track(self.cpu_uuid(cpu), f"CPU {cpu}", None, rank, _EXPLICIT))
            for lane in range(len(_LANES)):
                self._packet(self._track(self.lane_uuid(cpu, lane), _LANES[lane], self.cpu_uuid(cpu), lane))

    @staticmethod
    def cpu_uuid(cpu):
        return (cpu + 1) << 4

    @staticmethod
    def lane_uuid(cpu, lane):
        return (cpu + 1) << 4 | lane + 1

    def worker_uuid(self, pid, comm):
        """The track of a worker."""
        uuid = 1 << 40 | pid
        if uuid not in self._tracks:
            self._tracks.add(uuid)
            self._packet(self._track(uuid, f"{comm} {pid}", _WORKERS_UUID, None))
        return uuid

    def event(self, time_ns, kind, uuid, name=None, notes=(), flow=b""):
        """A slice's begin or end, or an instant. notes: (key, value) pairs shown beside it.

        All but the time repeats from event to event: it is made once.
        """
        self.count += kind != _END
        key = kind, uuid, name, notes
        rest = self._known.get(key)
        if rest is None or flow:
            interned, rest = self._rest(kind, uuid, name, notes, flow)
            if interned:
                self._packet(field(13, 2) + interned)
            if not flow and len(self._known) < _KNOWN_MAX:
                self._known[key] = rest
        self._packet(rest, time_ns)

    def _rest(self, kind, uuid, name, notes, flow):
        """(what has to be interned first, all of an event but its time)."""
        body = field(9, kind) + field(11, uuid)
        interned = b""
        if name is not None:
            number, interned = self._interned(name)
            body += field(10, number)
        for key, value in notes:
            body += field(4, field(10, key) + (field(4, value) if isinstance(value, int) else field(6, value)))
        return interned, field(13, 2) + field(11, body + flow)

    def flush(self):
        self.file.write(b"".join(self._parts))
        self._parts, self._bytes = [], 0

    def _interned(self, name):
        number = self._names.get(name)
        if number:
            return number, b""
        number = self._names[name] = len(self._names) + 1
        return number, field(12, field(2, field(1, number) + field(2, name)))

    @staticmethod
    def _track(uuid, name, parent, rank, ordering=None):
        body = field(1, uuid) + field(2, name)
        body += field(5, parent) if parent is not None else b""
        body += field(11, ordering) if ordering is not None else b""
        return field(60, body + (field(12, rank) if rank is not None else b""))

    def _packet(self, body, time_ns=None):
        body = _SEQUENCE_FIELD + body if time_ns is None else self._stamp(time_ns) + body
        length = len(body)
        self._parts.append((_SHORT[length] if length < 128 else b"\x0a" + varint(length)) + body)
        self._bytes += length
        if self._bytes > _FLUSH_BYTES:
            self.flush()

    def _stamp(self, time_ns):
        """The fields timestamp and sequence. The upper bits stay for 2 ms: only the lowest three bytes are made anew."""
        high = time_ns >> 21
        if high != self._high:
            self._high, self._high_bytes = high, varint(max(high, 0)) + _SEQUENCE_FIELD
        if not 0 < high < 1 << 42:
            return field(8, time_ns) + _SEQUENCE_FIELD
        return bytes((0x40, time_ns & 127 | 128, time_ns >> 7 & 127 | 128, time_ns >> 14 & 127 | 128)) + self._high_bytes


class _KindWalk:
    """Goes through the rows once; for each kind of event a method of that name."""

    def __init__(self, table, out):
        self.table, self.out = table, out
        self.open = {}  # track: names of its open slices, innermost last
        self.track_cpu = {}  # track: CPU of its last event, to know what a gap there ends
        self.flows = {}  # work item: number of the arrow from its queueing
        self.flow_count = 0
        self.notes = {}
        self.handlers = {kind: getattr(self, name, None) for kind, name in enumerate(vocab.EVENT_NAMES)}

    def walk(self):
        table = self.table
        columns = [getattr(table, name).tolist() for name in ("time_ns", "cpu", "kind", "pid", "flags", "a", "b", "c", "name")]
        for time_ns, cpu, kind, pid, flags, a, b, c, name in zip(*columns, strict=True):
            if flags & vocab.FLAG_LOST_BEFORE:
                self._gap(time_ns, cpu)
            handler = self.handlers[kind]
            if handler:
                handler(time_ns, cpu, pid, a, b, c, table.strings[name] if name >= 0 else "")

    def irq_handler_entry(self, time_ns, cpu, pid, a, b, c, name):
        self._begin(time_ns, cpu, 0, f"irq {a} {name}".rstrip(), self._task(pid))

    def irq_handler_exit(self, time_ns, cpu, pid, a, b, c, name):
        self._end(time_ns, cpu, 0)

    def vector_entry(self, time_ns, cpu, pid, a, b, c, name):
        self._begin(time_ns, cpu, 0, name or f"vector {a}", self._task(pid))

    def vector_exit(self, time_ns, cpu, pid, a, b, c, name):
        self._end(time_ns, cpu, 0)

    def softirq_entry(self, time_ns, cpu, pid, a, b, c, name):
        self._begin(time_ns, cpu, 1, _vector(a), self._task(pid))

    def softirq_exit(self, time_ns, cpu, pid, a, b, c, name):
        self._end(time_ns, cpu, 1)

    def tasklet_entry(self, time_ns, cpu, pid, a, b, c, name):
        self._begin(time_ns, cpu, 1, self.table.function(b), ())

    def tasklet_exit(self, time_ns, cpu, pid, a, b, c, name):
        self._end(time_ns, cpu, 1)

    def napi_poll(self, time_ns, cpu, pid, a, b, c, name):
        notes = (("device", name), ("packets", b), ("weight", c))
        self.out.event(time_ns, _INSTANT, self.out.lane_uuid(cpu, 1), f"napi_poll {name}".rstrip(), notes)

    def softirq_raise(self, time_ns, cpu, pid, a, b, c, name):
        self.out.event(time_ns, _INSTANT, self.out.lane_uuid(cpu, 3), _vector(a), self._task(pid))

    def workqueue_queue_work(self, time_ns, cpu, pid, a, b, c, name):
        self.flow_count += 1
        self.flows[a] = self.flow_count
        notes = (("workqueue", name), *self._task(pid))
        self.out.event(time_ns, _INSTANT, self.out.lane_uuid(cpu, 4), self.table.function(b), notes, _flow(self.flow_count))

    def workqueue_execute_start(self, time_ns, cpu, pid, a, b, c, name):
        uuid = self.out.worker_uuid(pid, self.table.tasks.get(pid, "task"))
        flow = self.flows.pop(a, None)
        self._begin_on(time_ns, cpu, uuid, self.table.function(b), (("CPU", cpu),), _flow(flow) if flow else b"")

    def workqueue_execute_end(self, time_ns, cpu, pid, a, b, c, name):
        self._end_on(time_ns, self.out.worker_uuid(pid, self.table.tasks.get(pid, "task")))

    def sched_switch(self, time_ns, cpu, pid, a, b, c, name):
        """Only threads that run interrupt work: of others a recording does not hold every switch (host/record/tracevents.py)."""
        self._end(time_ns, cpu, 2)
        if name.startswith(_THREADS):
            self._begin(time_ns, cpu, 2, name, (("pid", a),))

    def _begin(self, time_ns, cpu, lane, name, notes):
        self._begin_on(time_ns, cpu, self.out.lane_uuid(cpu, lane), name, notes)

    def _begin_on(self, time_ns, cpu, uuid, name, notes, flow=b""):
        self.open[uuid] = self.open.get(uuid, 0) + 1
        self.track_cpu[uuid] = cpu
        self.out.event(time_ns, _BEGIN, uuid, name, notes, flow)

    def _end(self, time_ns, cpu, lane):
        self._end_on(time_ns, self.out.lane_uuid(cpu, lane))

    def _end_on(self, time_ns, uuid):
        if self.open.get(uuid):  # else the trace began in the middle of it
            self.open[uuid] -= 1
            self.out.event(time_ns, _END, uuid)

    def _gap(self, time_ns, cpu):
        """Events were lost on a CPU: what was open there ended in the gap, nobody knows when."""
        for uuid, depth in self.open.items():
            if self.track_cpu[uuid] == cpu:
                for _ in range(depth):
                    self.out.event(time_ns, _END, uuid)
                self.open[uuid] = 0
        self.out.event(time_ns, _INSTANT, self.out.lane_uuid(cpu, 0), "events lost")

    def _task(self, pid):
        if pid not in self.notes:
            self.notes[pid] = (("task", f"{self.table.tasks.get(pid, '?')} {pid}" if pid else "idle"),)
        return self.notes[pid]


def _vector(number):
    return vocab.SOFTIRQS[number] if 0 <= number < len(vocab.SOFTIRQS) else f"softirq {number}"


def _flow(number):
    """TrackEvent.flow_ids: fixed64."""
    return varint(47 << 3 | 1) + struct.pack("<Q", number)
