"""Events as a story: what happens on each CPU, one sentence an event, and the contexts that lie on one another there.

The contexts are those that the events tell: a CPU that was in the middle of something when the trace begins shows only what
begins later.
"""

from tophalf import vocab
from tophalf.frozen import Frozen

BEGINS = {vocab.IRQ_HANDLER_ENTRY, vocab.VECTOR_ENTRY, vocab.SOFTIRQ_ENTRY, vocab.TASKLET_ENTRY, vocab.WORKQUEUE_EXECUTE_START}
ENDS = {vocab.IRQ_HANDLER_EXIT, vocab.VECTOR_EXIT, vocab.SOFTIRQ_EXIT, vocab.TASKLET_EXIT, vocab.WORKQUEUE_EXECUTE_END}


class Sentence(Frozen):
    """One event told. stacks: {cpu: labels, the running task first} right after a beginning, right before an end."""

    __slots__ = ("time_ns", "cpu", "text", "stacks")


def tell(table):
    """Sentences of an EventTable, in its order; events that tophalf does not interpret are left out."""
    teller = _Teller(table)
    for row in range(len(table)):
        kind = int(table.kind[row])
        if kind in _SAYS:
            yield teller.sentence(row, kind)


class _Event:
    """One row with its texts: cpu, pid, a, b, c and name as the table has them."""

    def __init__(self, table, row):
        self.cpu, self.pid = int(table.cpu[row]), int(table.pid[row])
        self.a, self.b, self.c = int(table.a[row]), int(table.b[row]), int(table.c[row])
        self.name, self.table = table.text(int(table.name[row])), table
        flags = int(table.flags[row])
        self.in_hardirq, self.in_softirq = bool(flags & vocab.FLAG_HARDIRQ), bool(flags & vocab.FLAG_SOFTIRQ)

    def task(self, pid):
        return task_name(self.table, pid)


def task_name(table, pid):
    """A task's name, "idle" for pid 0."""
    return "idle" if pid == 0 else table.tasks.get(pid, f"pid {pid}")


class _Teller:
    def __init__(self, table):
        self.table = table
        self.running = dict.fromkeys(table.cpus)  # pid
        self.contexts = {}  # {(cpu, pid)}: labels above the task

    def sentence(self, row, kind):
        event = _Event(self.table, row)
        self.running[event.cpu] = event.pid
        contexts = self.contexts.setdefault((event.cpu, event.pid), [])
        if kind in BEGINS:
            contexts.append(_label(event, kind))
        told = Sentence(time_ns=int(self.table.time_ns[row]), cpu=event.cpu, text=_SAYS[kind](event), stacks=self._stacks())
        if kind in ENDS and contexts:
            contexts.pop()
        elif kind == vocab.SCHED_SWITCH:
            self.running[event.cpu] = event.a
        return told

    def _stacks(self):
        return {
            cpu: (task_name(self.table, pid), *self.contexts.get((cpu, pid), ())) if pid is not None else ("?",)
            for cpu, pid in self.running.items()
        }


def _label(event, kind):
    if kind == vocab.IRQ_HANDLER_ENTRY:
        return f"IRQ {event.a}"
    if kind == vocab.SOFTIRQ_ENTRY:
        return vocab.SOFTIRQS[event.a]
    if kind == vocab.VECTOR_ENTRY:
        return event.name or f"vector {event.a}"
    return event.table.function(event.b)


def _raises(event):
    where = "when the handler is over" if event.in_hardirq else "in the next pass" if event.in_softirq else "soon"
    return f"raises {vocab.SOFTIRQS[event.a]}: marked on this CPU, to run {where}"


ANSWERS = {0: "not mine", 1: "handled", 2: "wake my thread", 3: "handled, and wake my thread"}


def _switches(event):
    why = "sleeps" if event.b & 0xFF else "is preempted" if event.b & 0x100 else "makes room"
    left = "idle" if event.pid == 0 else f"{event.task(event.pid)} {why}"
    to = "nothing to do: idle" if event.a == 0 else f"{event.name} runs"
    return f"{left}; {to}"


def _wakes(event):
    return f"wakes {event.name} on CPU{event.b}"


_SAYS = {
    vocab.IRQ_HANDLER_ENTRY: lambda e: f"top half: the handler of {e.name} begins, interrupts off",
    vocab.IRQ_HANDLER_EXIT: lambda e: f"the handler of IRQ {e.a} says: {ANSWERS.get(e.b, e.b)}",
    vocab.SOFTIRQ_RAISE: _raises,
    vocab.SOFTIRQ_ENTRY: lambda e: f"bottom half: {vocab.SOFTIRQS[e.a]} begins{_by_whom(e)}, interrupts on",
    vocab.SOFTIRQ_EXIT: lambda e: f"{vocab.SOFTIRQS[e.a]} is done",
    vocab.TASKLET_ENTRY: lambda e: f"tasklet {e.table.function(e.b)} begins",
    vocab.TASKLET_EXIT: lambda e: f"tasklet {e.table.function(e.b)} is done",
    vocab.NAPI_POLL: lambda e: f"polls {e.name}: {e.b} {'packet' if e.b == 1 else 'packets'} of at most {e.c}{_complete(e)}",
    vocab.WORKQUEUE_QUEUE_WORK: lambda e: f"queues {e.table.function(e.b)} on {e.name or 'a workqueue'}",
    vocab.WORKQUEUE_ACTIVATE_WORK: lambda e: f"{e.table.function(e.b)} may run: below max_active",
    vocab.WORKQUEUE_EXECUTE_START: lambda e: f"work {e.table.function(e.b)} begins in {e.task(e.pid)}",
    vocab.WORKQUEUE_EXECUTE_END: lambda e: f"work {e.table.function(e.b)} is done",
    vocab.SCHED_SWITCH: _switches,
    vocab.SCHED_WAKEUP: _wakes,
    vocab.VECTOR_ENTRY: lambda e: f"interrupt without a line: {e.name or e.a}",
    vocab.VECTOR_EXIT: lambda e: f"{e.name or e.a} is over" if e.name else "it is over",
}


def _by_whom(event):
    name = event.task(event.pid)
    return f" in {name}, a task among others" if name.startswith("ksoftirqd") else ""


def _complete(event):
    if event.b >= event.c:
        return ", the whole weight: polled again"
    busy = not event.in_softirq and not event.task(event.pid).startswith("napi/")  # napi_complete_done leaves it masked then
    return ": the queue is empty" if busy else ": the queue is empty, it may interrupt again"
