"""Spans: what ran from when to when, out of an event table. The arrays around the walk in `timing_kernels`."""

import re

import numpy as np

from tophalf import vocab
from tophalf.compiled import kernels

HARDIRQ, SOFTIRQ, TASKLET = vocab.IRQ_HANDLER_ENTRY, vocab.SOFTIRQ_ENTRY, vocab.TASKLET_ENTRY
WORK, VECTOR = vocab.WORKQUEUE_EXECUTE_START, vocab.VECTOR_ENTRY
SPAN_KINDS = (HARDIRQ, SOFTIRQ, TASKLET, WORK, VECTOR)  # a span's kind is the event kind that opens it
CPU_INDEX_MAX = 1 << 14

_IRQ_THREAD = re.compile(r"irq/(\d+)-")  # kernel/irq/manage.c setup_irq_thread: "irq/%d-%s", cut to 15 characters
_SOFTIRQ_THREADS = ("ksoftirqd/", "ktimers/")


class Spans:
    """Finished spans, numpy columns of one length in order of their start. Columns are gathered when first asked for.

    row: the entry's row in `table`. kind: uint8, one of SPAN_KINDS. wall_ns: exit minus entry (inclusive). self_ns: the
    part in which the span itself ran: without what interrupted it and without other tasks (exclusive). wait_ns: raise to
    entry of a softirq, queueing to start of a work item, -1 where unknown. queue_row: the row that queued a work item,
    -1 unknown. parent_row: entry row of the span it interrupted or ran in, -1 none. switches: context switches it caused.
    """

    COLUMNS = ("row", "kind", "wall_ns", "self_ns", "wait_ns", "queue_row", "parent_row", "switches")

    def __init__(self, table, columns, selection=None):
        """columns: {name: array} of COLUMNS; selection: which of their elements, all of them when left out."""
        self.table, self._columns, self._selection = table, columns, selection

    def __len__(self):
        return len(self.row)

    def __getattr__(self, name):
        if name not in Spans.COLUMNS:
            raise AttributeError(f"Spans has no column {name}")
        column = self._columns[name]
        column = column if self._selection is None else column[self._selection]
        setattr(self, name, column)
        return column

    def only(self, selection):
        """The spans that a mask or index array selects."""
        if self._selection is not None:
            selection = self._selection[selection]
        elif selection.dtype == bool:
            selection = np.flatnonzero(selection)
        return Spans(self.table, self._columns, selection)

    def of(self, kind):
        """The spans of one kind."""
        return self.only(np.flatnonzero(self.kind == kind))

    @property
    def key(self):
        """What ran: irq, softirq vector, function of a tasklet or work item, interrupt vector. int64."""
        by_function = (self.kind == WORK) | (self.kind == TASKLET)
        key = self.table.a[self.row]
        if by_function.any():
            key[by_function] = self.table.b[self.row[by_function]]
        return key

    @property
    def name(self):
        """Index into table.strings: action, interrupt vector's handler, workqueue; -1 none. int32."""
        name, work = self.table.name[self.row], self.kind == WORK
        if work.any():
            queue_row = self.queue_row[work]
            name[work] = np.where(queue_row >= 0, self.table.name[queue_row], np.int32(-1))
        return name

    @property
    def cpu(self):
        return self.table.cpu[self.row]

    @property
    def pid(self):
        """The task that ran it, or that was interrupted by it."""
        return self.table.pid[self.row]

    @property
    def start_ns(self):
        return self.table.time_ns[self.row]

    @property
    def in_ksoftirqd(self):
        """Whether it is a softirq that ksoftirqd/N of its CPU ran (or ktimers/N of PREEMPT_RT). bool."""
        inside, softirq = np.zeros(len(self), bool), np.flatnonzero(self.kind == SOFTIRQ)
        row, table = self.row[softirq], self.table
        cpu, pid = np.clip(table.cpu[row], 0, CPU_INDEX_MAX), table.pid[row]
        for thread_of in _softirq_threads(table.tasks):
            inside[softirq] |= thread_of[cpu] == pid
        return inside


def kind_counts(table):
    """How many rows of each event kind, a list."""
    return np.bincount(table.kind, minlength=len(vocab.EVENT_NAMES)).tolist()


def find_spans(table, counts=None):
    """Pair entries with exits. Returns (Spans, context switches caused by interrupts that the trace does not show).

    Rows must be in (time, cpu, sequence) order. Pairs are made per CPU and context; an entry or exit whose other half
    is missing (the trace's edges, lost events) makes no span. counts: kind_counts(table), where they are known already.
    """
    module, is_compiled = kernels("tophalf.judge.times.timing_kernels", len(table))
    arrange, zeros = (_as_arrays, _array_of_zeros) if is_compiled else (_as_lists, _list_of_zeros)
    counts = counts or kind_counts(table)
    spans = sum(counts[kind] for kind in SPAN_KINDS)
    waking = vocab.SCHED_WAKING if counts[vocab.SCHED_WAKING] else vocab.SCHED_WAKEUP
    roles = np.zeros(256, np.int64)
    for kind, role in (*module.ROLES, (waking, module.WAKING)):
        roles[kind] = role
    cpu, cpu_count = _cpu_index(table.cpu)
    rows = (table.time_ns, cpu, table.kind, table.pid, table.flags, table.a, table.b, table.name, roles, _irq_threads(table))
    scratch = module.Scratch(
        zeros(cpu_count * module.CPU_FIELDS), zeros(spans * module.FRAME_FIELDS), zeros(_map_size(_tasks_max(table, spans))),
        zeros(_map_size(counts[waking])), zeros(_map_size(counts[vocab.WORKQUEUE_QUEUE_WORK])), zeros(module.TALLY_FIELDS),
    )  # fmt: skip
    columns = _found_columns(spans)
    found = module.Found(*arrange(*columns))
    module.walk(module.Rows(*arrange(*rows)), found, scratch)
    columns = [np.asarray(values, column.dtype) for values, column in zip(found, columns, strict=True)]
    return _finished(table, columns), int(scratch.tally[module.UNTRACED])


def _as_arrays(*columns):
    return columns


def _as_lists(*columns):
    return [column.tolist() for column in columns]


def _array_of_zeros(count):
    return np.zeros(count, np.int64)


def _list_of_zeros(count):
    return [0] * count


def _tasks_max(table, spans):
    """How many tasks can have open spans, at most: each has one of its own, and its number is in the column pid."""
    if not spans:
        return 0
    return min(spans, int(table.pid.max()) - int(table.pid.min()) + 1 + CPU_INDEX_MAX)


def _cpu_index(cpu):
    """CPU numbers without gaps where they are few, as they are otherwise. Returns (index by row, how many)."""
    if len(cpu) and (cpu.max() >= CPU_INDEX_MAX or cpu.min() < 0):
        distinct, index = np.unique(cpu, return_inverse=True)
        return index, len(distinct)
    return cpu, int(cpu.max()) + 1 if len(cpu) else 0


def _irq_threads(table):
    """By string: the line whose interrupt thread bears that name, -1 for none. One more, for the name -1."""
    found = [_IRQ_THREAD.match(text) for text in table.strings]
    return np.array([int(match[1]) if match else -1 for match in found] + [-1], np.int64)


def _map_size(count):
    """Room for (key, value) of that many keys at most half full, the number of slots a power of two."""
    return 2 << (2 * count + 8).bit_length()


def _found_columns(count):
    row, parent_row, queue_row = np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int32)
    wall_ns, self_ns, wait_ns = np.full(count, -1, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    return row, parent_row, wall_ns, self_ns, wait_ns, queue_row, np.zeros(count, np.int32)


def _finished(table, columns):
    names = ("row", "parent_row", "wall_ns", "self_ns", "wait_ns", "queue_row", "switches")
    fields = dict(zip(names, columns, strict=True))
    done = fields["wall_ns"] >= 0
    if not done.all():
        fields = {name: column[done] for name, column in fields.items()}
    fields["kind"] = table.kind[fields["row"]]
    return Spans(table, fields)


def _softirq_threads(tasks):
    """For each kind of thread that runs softirqs and was seen: its pid by CPU (they are bound to it), -1 for none."""
    for name in _SOFTIRQ_THREADS:
        thread_of = np.full(CPU_INDEX_MAX + 1, -1, np.int64)
        for thread, comm in tasks.items():
            home = comm[len(name) :] if comm.startswith(name) else ""
            if home.isdecimal() and int(home) < CPU_INDEX_MAX:
                thread_of[int(home)] = thread
        if (thread_of >= 0).any():
            yield thread_of
