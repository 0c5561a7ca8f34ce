"""What a world's tracepoints told, as the event table that every instrument reads."""

import numpy as np

from tophalf.events import make_table
from tophalf.model import fields as f


class Functions:
    """Names of the functions that tasklets and work items run, by the address that the trace shows."""

    def __init__(self, names):
        self._names = dict(names)

    def name(self, address):
        """The name, or None for an address that is none of them. address: any integer, taken as 64 bits."""
        return self._names.get(address & (1 << 64) - 1)


def event_table(world):
    """The EventTable of all that a World has traced so far. Raises: ValueError when time ran backwards."""
    builder = world.builder
    rows = np.concatenate([np.asarray(part, np.int64) for part in world.rows] or [np.zeros(0, np.int64)])
    rows = rows.reshape(-1, f.TRACE_ROW)
    # Two CPUs can act at one moment in either order; the table's order is by CPU then.
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    flags = rows[:, 4]
    name, strings = _renumbered(rows[:, 8], builder.memory.strings)
    columns = {
        "time_ns": rows[:, 0], "cpu": rows[:, 1], "kind": rows[:, 2], "pid": rows[:, 3], "flags": flags & 0xFF,
        "preempt": flags >> 8, "a": rows[:, 5], "b": rows[:, 6], "c": rows[:, 7], "name": name,
    }  # fmt: skip
    return make_table(
        columns, strings=strings, tasks=_tasks(world), symbols=Functions(builder.functions),
        cpus=tuple(range(len(builder.cpus))), clock="mono", lost={}, source="simulated",
    )  # fmt: skip


def _renumbered(numbers, strings):
    """Texts numbered as they appear first, as every reader of traces numbers them: (column, texts)."""
    used, first = np.unique(numbers[numbers >= 0], return_index=True)
    used = used[np.argsort(first)]
    final = np.full(len(strings) + 1, -1, np.int64)  # the last place is for "none"
    final[used] = np.arange(len(used))
    return final[numbers], [strings[number] for number in used.tolist()]


def _tasks(world):
    m, strings = world.memory, world.builder.memory.strings
    named = {int(m[task + f.K_PID]): strings[int(m[task + f.K_NAME])] for task in world.builder.tasks.values()}
    return named | {0: "<idle>"}
