"""A recording file from snapshots and events, in the form that `tophalf record` writes (docs/recording.md)."""

import json

from tophalf.export.proctexts import counter_files, fact_files, log_text
from tophalf.recording import MODE, WHOLE, TarWriter, moment_name, seconds_name

MASK, READ_ONLY = "/smp_affinity", 0o444  # kernel/irq/proc.c register_irq_proc: so since 6.12 where a mask cannot be changed


def write_recording(path, snapshots, table=None, name="machine", force=False, note=None):
    """Write a recording.

    Args: snapshots: list of Snapshot in order of time; moments are named by what has passed since the first, in whole
    milliseconds. table: EventTable or None. name: of the one directory in the tar. note: a sentence about the trace for
    whoever reads it. Fields that are None are not written.
    Not kept: whose time interrupts' is where no release names a build configuration, proofs of `fixed` other than file modes, and
    CPU times of threads finer than a tick where their resolution is not 1 ns.
    Raises: MachineError: the file is there already (and not `force`) or cannot be written; FormatError: an event that has no
    form in a ring buffer.
    """
    trace = trace_files(table) if table is not None else {}
    more = {"modes": True} if any(snapshot.fixed is not None for snapshot in snapshots) else {}
    more |= {"note": note} if note else {}
    if more:
        trace["meta.json"] = json.dumps({**json.loads(trace.get("meta.json", b"{}")), **more}).encode()
    tar = TarWriter(path, name, force)
    try:
        for number, snapshot in enumerate(snapshots):
            _add_moment(tar, snapshot, snapshot.time_ns - snapshots[0].time_ns, first=number == 0)
        for file, data in trace.items():
            tar.add(f"trace/{file}", data)
        tar.flush()
    finally:
        tar.close()


def _add_moment(tar, snapshot, elapsed_ns, first):
    moment, links = moment_name(elapsed_ns), {}
    files = counter_files(snapshot)
    if first and snapshot.facts is not None:
        more, links = fact_files(snapshot.facts)
        files |= more
    fixed = {f"/proc/irq/{irq}{MASK}" for irq in snapshot.fixed or ()}
    for file, text in files.items():
        tar.add(moment + file, text.encode("utf-8", "surrogateescape"), READ_ONLY if file in fixed else MODE)
    for link, target in links.items():
        tar.link(moment + link, target)
    if snapshot.log is not None:
        tar.add(f"{moment}/dmesg", log_text(snapshot.log).encode("utf-8", "surrogateescape"))
    tar.add(moment + WHOLE, b"%.2f 0.00\n" % (snapshot.time_ns / 1e9))
    tar.flush()


def trace_files(table):
    """{path below trace/: bytes} of an event table. Raises: FormatError."""
    import gzip

    import numpy as np

    from tophalf.export.ringpages import HEADER_PAGE, Events, pages

    events = Events(table)
    meta = {"clock": table.clock, "cpus": list(table.cpus)}
    files = {"meta.json": json.dumps(meta).encode(), "header_page": HEADER_PAGE.encode()}
    for (system, event), text in events.formats.items():
        files[f"events/{system}/{event}/format"] = text.encode("utf-8", "surrogateescape")
    files["kallsyms.gz"] = gzip.compress(_kallsyms(table), 1)
    tasks = "".join(f"{pid} {comm}\n" for pid, comm in sorted(table.tasks.items()) if pid)
    files["saved_cmdlines"] = tasks.encode("utf-8", "surrogateescape")
    for cpu in table.cpus:
        rows = np.flatnonzero(table.cpu == cpu)
        start = seconds_name(0)
        files[f"cpu{cpu}/{start}.raw"] = pages(table, events.ids, rows)
        lost = table.lost.get(cpu, 0)
        if lost is not None:
            files[f"cpu{cpu}/{start}.stats"] = f"entries: {len(rows)}\noverrun: {lost}\ncommit overrun: 0\n".encode()
    files["end.json"] = json.dumps({"reason": "written", "events": len(table), "lost": table.lost_events}).encode()
    return files


def _kallsyms(table):
    """Lines of /proc/kallsyms for the functions that the events name."""
    import numpy as np

    from tophalf import vocab

    with_functions = [kind for kind, names in vocab.EVENT_ARGUMENTS.items() if names[1] in ("func", "function")]
    addresses = np.unique(table.b[np.isin(table.kind, with_functions)].view(np.uint64)).tolist() if table.symbols else ()
    named = ((address, table.symbols.name(address)) for address in addresses)
    return "".join(f"{address:016x} t {name}\n" for address, name in named if name).encode()
