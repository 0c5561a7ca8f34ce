"""The trace of a recording (recording.py says which files it holds) into the event table."""

import json
import re

from tophalf.errors import FormatError
from tophalf.events import make_table
from tophalf.host.trace.formats import parse_format, parse_header_page
from tophalf.host.trace.ringbuffer import Stream, decode
from tophalf.host.trace.symbols import Symbols
from tophalf.host.trace.tracedat import lost_by_stats
from tophalf.host.trace.tracedat_pages import lost_events, saved_tasks

_CPU = re.compile(r"cpu(\d+)$")


def recorded_table(source, notes):
    """The EventTable of a recording's trace; notes: a list that is added to. source.data: the Root that holds /trace.

    Raises: FormatError when there is no header_page or a format is none.
    """
    root = source.data
    meta = _meta(root, source, notes)
    header = root.text("/trace/header_page")
    if header is None:
        raise FormatError("the recording holds no header_page", source.path, "record again")
    page = parse_header_page(header, f"{source.path}: trace/header_page")
    folders = sorted((int(match[1]), name) for name in root.listing("/trace") if (match := _CPU.match(name)))
    data, streams = _pages(root, folders, page)
    result = decode(data, streams, 0, page.commit_size, _formats(root, source))
    notes += result.notes
    lost = lost_events(result.gaps, dict(pair for cpu, folder in folders for pair in _lost(root, folder, cpu).items()))
    return make_table(
        result.columns, strings=result.strings, tasks=result.tasks | saved_tasks(root.read("/trace/saved_cmdlines") or b""),
        symbols=Symbols(lambda: _kallsyms(root)), cpus=tuple(sorted({*meta.get("cpus", ()), *(cpu for cpu, _ in folders)})),
        clock=meta.get("clock", "unknown"), lost=lost, source=source.path,
    )  # fmt: skip


def _meta(root, source, notes):
    try:
        meta = json.loads(root.text("/trace/meta.json") or "{}")
        notes += [str(meta["note"])] if "note" in meta else []
        return {"cpus": [int(cpu) for cpu in meta.get("cpus", ())], "clock": str(meta.get("clock", "unknown"))}
    except (ValueError, TypeError, AttributeError) as error:
        notes.append(f"{source.path}: trace/meta.json cannot be read ({error})")
        return {}


def _pages(root, folders, page):
    """All pages in one piece, each CPU's in order of time. Returns (bytes, [Stream])."""
    parts, streams, end = [], [], 0
    for cpu, folder in folders:
        start = end
        for name in root.listing(f"/trace/{folder}"):
            if name.endswith(".raw"):
                part = root.read(f"/trace/{folder}/{name}") or b""
                parts.append(part[: len(part) & ~3])
                end += len(parts[-1])
        streams.append(Stream(cpu=cpu, start=start, end=end))
    return b"".join(parts), streams


def _formats(root, source):
    formats = {}
    for system in root.listing("/trace/events"):
        for name in root.listing(f"/trace/events/{system}"):
            path = f"/trace/events/{system}/{name}/format"
            text = root.text(path)
            if text is not None:
                event = parse_format(text, system, f"{source.path}: {path[1:]}")
                formats[event.id] = event
    return formats


def _lost(root, folder, cpu):
    """Events lost on one CPU by the last of its stats, which counts from the start: {cpu: count}, {} without."""
    names = [name for name in root.listing(f"/trace/{folder}") if name.endswith(".stats")]
    text = root.text(f"/trace/{folder}/{names[-1]}") if names else None
    return lost_by_stats(f"CPU: {cpu}\n{text}") if text else {}


def _kallsyms(root):
    import gzip
    import zlib

    packed = root.read("/trace/kallsyms.gz")
    try:
        return gzip.decompress(packed) if packed else None
    except (OSError, EOFError, zlib.error):
        return None
