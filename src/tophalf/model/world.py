"""A world that runs: its memory as compiled code wants it, and what Python looks at."""

import hashlib

from tophalf.compiled import jit_is_enabled
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.actors import Actors
from tophalf.model.check.crash import DIVISION_BY_ZERO
from tophalf.model.code.places import place_of
from tophalf.model.sched.contexts import TIME_STANDS_STILL
from tophalf.model.timer.timerfields import DT_FIRST

ERRORS = {
    1: "the stack of a task is full: contexts or calls nest deeper than fields.FRAMES_MAX",
    2: "a program holds an instruction that the engine does not know",
    3: "time does not pass: a CPU goes round and round in what costs nothing",
    4: "there are more packets under way than the world has room for",
    5: "more happens in one step than the trace has room for",
    6: "a driver divides by zero",
    7: "a driver shifts by less than 0 or more than 63 bits",
    8: "a driver reads or writes a register that its device does not have",
    9: "a driver's range has a step of 0",
    10: "BUG: a driver sleeps where its context may not: a hardirq, a softirq, with a spinlock, or interrupts or preemption off",
    11: "a driver unlocks what is not locked, or not by it",
    20: "a driver stops a kthread that it has not started",
    21: "a driver names a CPU that is not there",
    22: "a call of a driver registers once more what is registered still",
    30: "a driver enables a NAPI instance that is not disabled",
}
DO = {3: "give interrupts, handlers or tasks a cost"}


class DriverError(TophalfError):
    """A driver has ended the run; the world holds what it came to, and the report (`code.reports`)."""


class World:
    """memory: int64 array, or a list with NUMBA_DISABLE_JIT=1. builder: where the objects lie. rows: traced so far, a list
    of arrays of TRACE_ROW columns. rows_max: events after which tracing ends, or None; traced_until_ns: when that was. answers:
    what orders were answered (`orders`), in order of time."""

    rows_max = traced_until_ns = None

    def __init__(self, builder):
        from tophalf.model.engine import (
            BEGIN_CPU,
            BEGIN_DEVICE,
            BEGIN_HARDWARE,
            BEGIN_NMI,
            BEGIN_QUEUE,
            BEGIN_TASK,
            BEGIN_TIMER,
            BEGIN_TX,
            BEGIN_WATCH,
            BEGIN_WORK,
            begin,
        )
        from tophalf.model.irq.buildmanage import start_lines

        self.builder, self.rows, self.answers = builder, [], []
        self.memory = _as_memory(builder.memory.words)
        self._actors = Actors(self)  # first: at one moment they come before all else
        for address in builder.cpus:
            begin(self.memory, BEGIN_CPU, address)
        start_lines(builder, self.memory)
        for address in builder.tasks.values():
            begin(self.memory, BEGIN_TASK, address)
        for address in builder.queues:
            begin(self.memory, BEGIN_QUEUE, address)
        for address in builder.sending:
            begin(self.memory, BEGIN_TX, address)
        for address in builder.devices:
            begin(self.memory, BEGIN_DEVICE, address)
        for address in builder.registers:
            begin(self.memory, BEGIN_HARDWARE, address)
        for address in builder.workqueues.sources if builder.workqueues else ():
            begin(self.memory, BEGIN_WORK, address)
        for source in builder.nmis.values():
            begin(self.memory, BEGIN_NMI, source)
        for timer in builder.timers:
            if self.memory[timer.address + DT_FIRST] >= 0:
                begin(self.memory, BEGIN_TIMER, timer.address)
        if builder.watch:
            begin(self.memory, BEGIN_WATCH, builder.watch)

    @property
    def now_ns(self):
        return int(self.memory[f.G_NOW])

    def run(self, until_ns):
        """Go on until until_ns; actors act at their turn. Raises: TophalfError when the model itself is at its end."""
        from tophalf.model.engine import run

        m = self.memory
        while True:
            run(m, until_ns)
            self._take_rows()
            if m[f.G_ERROR]:
                raise self._error(int(m[f.G_ERROR]))
            if m[f.G_READY]:
                continue  # cut in the middle of what happens at one moment
            if m[f.G_ACTOR]:
                number, m[f.G_ACTOR] = int(m[f.G_ACTOR]), 0
                self._actors.act(self, number)
            elif self.now_ns >= until_ns:
                self._settle()
                return

    def _error(self, number):
        place, where = place_of(self, int(self.memory[f.G_ERROR_AT])), f"simulated time {self.now_ns} ns"
        do = "correct the driver" if place else DO.get(number, "report this scenario")
        error = DriverError if place and (number >= DIVISION_BY_ZERO or number == TIME_STANDS_STILL) else TophalfError
        return error(ERRORS[number], f"{place}, {where}" if place else where, do)

    def _settle(self):
        """Packets that came while nobody looked at their ring are offered all the same, wherever the run is cut."""
        from tophalf.model.engine import SETTLE_QUEUE, SETTLE_TX, begin

        for address in self.builder.queues:
            begin(self.memory, SETTLE_QUEUE, address)
        for address in self.builder.sending:
            begin(self.memory, SETTLE_TX, address)

    def _take_rows(self):
        m = self.memory
        first, count = int(m[f.G_TRACE]), int(m[f.G_TRACE_ROWS])
        if count:
            words = m[first : first + count * f.TRACE_ROW]
            self.rows.append(words.copy())
            m[f.G_TRACE_ROWS] = 0
        if self.rows_max is not None and m[f.G_TRACE_MAX] and sum(map(len, self.rows)) >= self.rows_max * f.TRACE_ROW:
            m[f.G_TRACE_MAX] = 0
            self.traced_until_ns = self.now_ns

    def memory_digest(self):
        """SHA-256 of the memory without the trace: every counter and histogram, and all else."""
        import numpy as np

        m = np.asarray(self.memory, np.int64).copy()
        m[int(m[f.G_TRACE]) :] = 0
        m[[f.G_TRACE, f.G_TRACE_ROWS, f.G_TRACE_MAX, f.G_TRACE_ROOM, f.G_LIMIT, f.G_STILL_NS, f.G_STILL_STEPS]] = 0
        return hashlib.sha256(m[: int(self.memory[f.G_TRACE])].tobytes()).hexdigest()


def _as_memory(words):
    if not jit_is_enabled():
        return list(words)
    import numpy as np

    return np.array(words, np.int64)
