"""From any trace to the event table: the one call behind `trace`, `laws`, `export` and `check`."""


def load_events(machine):
    """The events of a machine's trace.

    Args: machine: host.door.Machine. What was odd about the trace is added to its `notes`.
    Returns: EventTable, or None for a machine without a trace.
    Raises: FormatError with file:offset or file:line when nothing can be read.
    """
    source = machine.trace
    if source is None:
        return None
    readers = {"dat": _load_dat, "text": _load_text, "recording": _load_recording}
    table = readers[source.form](source, machine.notes)
    # Every CPU's idle task has pid 0: its comm (swapper/3) would be that of whichever CPU was seen last.
    return table.replace(tasks=table.tasks | {0: "<idle>"})


def _load_dat(source, notes):
    if source.data is not None:
        return _dat_table(source.data, source.path, notes)
    from tophalf.host.mapped import file_contents

    with file_contents(source.path) as data:
        return _dat_table(data, source.path, notes)


def _dat_table(data, path, notes):
    from tophalf.host.trace.tracedat import read_trace_dat
    from tophalf.host.trace.tracedat_pages import dat_table

    return dat_table(read_trace_dat(data, path), data, path, notes)


def _load_text(source, notes):
    from tophalf.host.trace.tracetext import read_trace_text

    return read_trace_text(source.data, source.path, notes)


def _load_recording(source, notes):
    from tophalf.host.trace.recordedpages import recorded_table

    return recorded_table(source, notes)
