"""Events as Parquet: one row an event, the columns of the event table with names in the place of numbers.

    time_ns  int64    trace clock        event  string  irq_handler_entry, ...; a foreign event by its own name
    cpu      int32                       comm   string  name of the task pid, null where it was not seen
    pid      int32                       name   string  action, device, workqueue, ...; null for none
    flags    uint16                      function string  of a tasklet or work item; null for others
    preempt  uint8                       a, b, c        arguments: the key `arguments` of the metadata names them for each event

Metadata of the schema (JSON in each value): arguments, clock, cpus, lost, source, flags.
"""

import json

import numpy as np

from tophalf import vocab

_BY_FUNCTION = (vocab.TASKLET_ENTRY, vocab.TASKLET_EXIT, vocab.WORKQUEUE_QUEUE_WORK, vocab.WORKQUEUE_ACTIVATE_WORK,
                vocab.WORKQUEUE_EXECUTE_START, vocab.WORKQUEUE_EXECUTE_END)  # fmt: skip
_FLAGS = {name.removeprefix("FLAG_").lower(): value for name, value in vars(vocab).items() if name.startswith("FLAG_")}


def write_parquet(table, path):
    """Write an EventTable to a file. Raises: OSError, ImportError (pyarrow is an extra)."""
    import pyarrow
    from pyarrow import parquet

    columns = {name: getattr(table, name) for name in ("time_ns", "cpu", "pid", "flags", "preempt", "a", "b", "c")}
    columns["event"] = _dictionary(pyarrow, *_events(table))
    columns["comm"] = _dictionary(pyarrow, *_tasks(table))
    columns["name"] = _dictionary(pyarrow, table.name, table.strings)
    columns["function"] = _dictionary(pyarrow, *_functions(table))
    order = ("time_ns", "cpu", "event", "pid", "comm", "name", "function", "a", "b", "c", "flags", "preempt")
    made = pyarrow.table({name: columns[name] for name in order})
    parquet.write_table(made.replace_schema_metadata(metadata(table)), path, compression="zstd")


def metadata(table):
    """What the file says of itself: {key: JSON text}."""
    told = {
        "arguments": {vocab.EVENT_NAMES[kind]: names for kind, names in vocab.EVENT_ARGUMENTS.items()},
        "clock": table.clock, "cpus": list(table.cpus), "lost": table.lost, "source": table.source, "flags": _FLAGS,
    }  # fmt: skip
    return {name: json.dumps(value) for name, value in told.items()}


def _dictionary(pyarrow, indices, values):
    """A column of strings by index; -1 is null."""
    indices = np.asarray(indices, np.int32)
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array(indices, mask=indices < 0), pyarrow.array(values, pyarrow.string()))


def _events(table):
    """(index, names): a foreign event carries its own name, which is then what happened."""
    names = [*vocab.EVENT_NAMES, *table.strings]
    foreign = (table.kind == vocab.OTHER) & (table.name >= 0)
    return np.where(foreign, table.name + len(vocab.EVENT_NAMES), table.kind.astype(np.int32)), names


def _tasks(table):
    pids, index = np.unique(table.pid, return_inverse=True)
    comms = [table.tasks.get(pid) for pid in pids.tolist()]
    known = np.array([comm is not None for comm in comms], bool)
    return np.where(known[index], index, -1) if len(pids) else index, [comm or "" for comm in comms]


def _functions(table):
    has = np.isin(table.kind, _BY_FUNCTION)
    addresses, index = np.unique(table.b[has], return_inverse=True)
    indices = np.full(len(table), -1, np.int32)
    indices[has] = index
    return indices, [table.function(address) for address in addresses.tolist()]
