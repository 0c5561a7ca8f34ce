"""`tophalf trace --events`: the rows themselves, chosen by CPU, kind and interrupt."""

import numpy as np

from tophalf import vocab
from tophalf.cli.render import printable
from tophalf.errors import TophalfError

ROWS_AT_ONCE = 50_000
_FUNCTIONS = ("function", "func")
_ADDRESSES = ("work", "tasklet", "napi")


def chosen(table, cpus=None, kinds=None, irq=None):
    """The table of the rows that the filters leave. kinds: event names or beginnings of them.

    Raises: TophalfError for a kind that no event has.
    """
    keep = np.ones(len(table), bool)
    if cpus is not None:
        keep &= np.isin(table.cpu, list(cpus))
    if kinds:
        keep &= np.isin(table.kind, _kinds(kinds))
    if irq is not None:
        handler = (table.kind == vocab.IRQ_HANDLER_ENTRY) | (table.kind == vocab.IRQ_HANDLER_EXIT)
        keep &= handler & (table.a == irq)
    return table.rows(np.flatnonzero(keep))


def _kinds(names):
    found = []
    for name in names:
        kinds = [kind for kind, event in enumerate(vocab.EVENT_NAMES) if name.strip() and event.startswith(name.strip())]
        if not kinds:
            raise TophalfError(f"no event is called {name!r}", "--kind", f"events are: {', '.join(vocab.EVENT_NAMES)}")
        found += kinds
    return found


def lines(table):
    """One line a row: time in seconds, CPU, task, flags, event and its arguments."""
    for start in range(0, len(table), ROWS_AT_ONCE):
        part = table.rows(slice(start, start + ROWS_AT_ONCE))
        columns = (part.time_ns, part.cpu, part.kind, part.pid, part.flags, part.a, part.b, part.c, part.name)
        for time_ns, cpu, kind, pid, flags, *values in zip(*(column.tolist() for column in columns), strict=True):
            lost = " (events lost before)" if flags & vocab.FLAG_LOST_BEFORE else ""
            task = f"{task_name(table, pid)}-{pid}"
            yield (
                f"{seconds(time_ns)}  CPU{cpu:<4} {task:<20} {context(flags)}  "
                f"{vocab.EVENT_NAMES[kind]:<23} {_arguments(table, kind, values)}{lost}"
            )


def seconds(time_ns):
    """A time on the trace's clock in seconds, to the nanosecond."""
    return f"{time_ns // 10**9:>6}.{time_ns % 10**9:09}"


def task_name(table, pid):
    return "<idle>" if pid == 0 else printable(table.tasks.get(pid, "?"))


def context(flags):
    """Where a row happened: irqs off, need_resched, hard or soft interrupt (the letters of tracefs)."""
    both = flags & vocab.FLAG_HARDIRQ and flags & vocab.FLAG_SOFTIRQ
    level = "H" if both else "h" if flags & vocab.FLAG_HARDIRQ else "s" if flags & vocab.FLAG_SOFTIRQ else "."
    return ("d" if flags & vocab.FLAG_IRQS_OFF else ".") + ("N" if flags & vocab.FLAG_NEED_RESCHED else ".") + level


def _arguments(table, kind, values):
    words = vocab.EVENT_ARGUMENTS[kind]
    said = [f"{word}={_value(table, word, value)}" for word, value in zip(words[:3], values[:3], strict=True) if word]
    if words[3] and values[3] >= 0:
        said.append(f"{words[3]}={printable(table.text(values[3]))}")
    if words[0] == "vec" and 0 <= values[0] < len(vocab.SOFTIRQS):
        said.append(f"({vocab.SOFTIRQS[values[0]]})")
    return " ".join(said)


def _value(table, word, value):
    if word in _FUNCTIONS:
        return printable(table.function(value)) if value else "?"
    return f"{value & (1 << 64) - 1:#x}" if word in _ADDRESSES and abs(value) > 1 << 32 else value


def row_documents(table):
    """Rows as dictionaries for JSON: the columns under their own names for each kind."""
    for time_ns, cpu, kind, pid, flags, *values in zip(
        *(getattr(table, name).tolist() for name in ("time_ns", "cpu", "kind", "pid", "flags", "a", "b", "c", "name")),
        strict=True,
    ):
        words = vocab.EVENT_ARGUMENTS[kind]
        arguments = {word: _value(table, word, value) for word, value in zip(words[:3], values, strict=False) if word}
        if words[3]:
            arguments[words[3]] = table.text(values[3])
        yield {"time_ns": time_ns, "cpu": cpu, "pid": pid, "flags": flags, "event": vocab.EVENT_NAMES[kind], **arguments}
