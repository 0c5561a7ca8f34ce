"""Makes trace.dat files, versions 6 and 7, and ring buffer pages: what no recorded file at hand holds, tests write here.

Written from the format's description (trace-cmd.dat.v6(5), v7(5); kernel/trace/ring_buffer.c), not from our reader.
"""

import struct
import zlib

from tophalf.host.trace.tracedat import read_trace_dat
from tophalf.host.trace.tracedat_pages import unpack_pages

MAGIC = b"\x17\x08\x44tracing"
PAGE = 4096
CHUNK_PAGES = 10  # as trace-cmd
HEADER_PAGE = (
    b"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:%d;\tsigned:1;\n"
    b"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\tfield: char data;\toffset:%d;\tsize:%d;\tsigned:0;\n"
)
HEADER_EVENT = b"# compressed entry header\n\ttype_len    :    5 bits\n"
COMMON = (
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
)


def header_page(commit_size=8, page=PAGE):
    return HEADER_PAGE % (commit_size, 8 + commit_size, page - 8 - commit_size)


def format_text(name, event_id, *fields):
    """A format file. fields: (declaration, offset, size, signed)."""
    lines = "".join(f"\tfield:{text};\toffset:{at};\tsize:{size};\tsigned:{int(sign)};\n" for text, at, size, sign in fields)
    return f'name: {name}\nID: {event_id}\nformat:\n{COMMON}{lines}\nprint fmt: ""\n'


def record(event_id, payload=b"", flags=0, preempt=0, pid=0):
    """The bytes of one record: common fields and what follows, padded to 4."""
    data = struct.pack("<HBBi", event_id, flags, preempt, pid) + payload
    return data + bytes(-len(data) % 4)


def event(delta, data, long=False):
    """One event of a page: its word and the record. long: with its length in array[0], which every record may have."""
    if long or len(data) > 28 * 4:
        return struct.pack("<II", delta << 5, len(data) + 4) + data
    return struct.pack("<I", delta << 5 | len(data) // 4) + data


def time_extend(delta):
    return struct.pack("<II", (delta & (1 << 27) - 1) << 5 | 30, delta >> 27)


def time_stamp(time):
    return struct.pack("<II", (time & (1 << 27) - 1) << 5 | 31, time >> 27 & 0xFFFFFFFF)


def discarded(delta, size):
    """Padding in place of an event of `size` bytes that was thrown away."""
    return struct.pack("<II", delta << 5 | 29, size - 4) + bytes(size - 8)


def page(time, events, lost=None, commit_size=8, size=PAGE):
    """A sub-buffer. events: bytes of all. lost: None, "some" or their number before it. size 0: cut after what is committed."""
    commit, tail = len(events), b""
    if lost is not None:
        commit |= 1 << 31
        if lost != "some":
            commit |= 1 << 30
            tail = lost.to_bytes(commit_size, "little")
    data = struct.pack("<Q", time) + commit.to_bytes(commit_size, "little") + events + tail
    assert not size or len(data) <= size
    return data + bytes(size - len(data)) if size else data


def dat6(cpus, formats, instances=(), clock="local", stats=(), cmdlines=b"", kallsyms=b"", commit_size=8):
    """A file of version 6. cpus: [pages of CPU n]. formats: [(system, text)]. instances: [(name, cpus)]."""
    head = MAGIC + b"6\0" + bytes([0, 8]) + struct.pack("<I", PAGE) + _meta6(formats, commit_size, kallsyms, cmdlines)
    head += struct.pack("<I", len(cpus)) + b"options  \0"
    options = [(4, f"[{clock}] other".encode() + b"\0"), *((2, text.encode() + b"\0") for text in stats)]
    size = len(head) + sum(6 + len(data) for _, data in options) + 2 + 10 + 16 * len(cpus)
    size += sum(6 + 8 + len(name) + 1 + 10 + 16 * len(those) for name, those in instances)
    tables, body, at = [], b"", -(-size // PAGE) * PAGE
    for those in (cpus, *(those for _, those in instances)):
        table = b"flyrecord\0"
        for pages in those:
            table += struct.pack("<QQ", at + len(body), len(pages))
            body += pages
        tables.append(table)
    at_table = size - sum(map(len, tables[1:]))
    for (name, _), table in zip(instances, tables[1:], strict=True):
        options.append((3, struct.pack("<Q", at_table) + name.encode() + b"\0"))
        at_table += len(table)
    head += b"".join(struct.pack("<HI", option, len(data)) + data for option, data in options) + bytes(2)
    head += b"".join(tables)
    assert len(head) == size
    return head + bytes(at - size) + body


def _meta6(formats, commit_size, kallsyms, cmdlines):
    return (
        _header_info(commit_size) + struct.pack("<I", 0) + _event_formats(formats)
        + struct.pack("<I", len(kallsyms)) + kallsyms + struct.pack("<I", 0) + struct.pack("<Q", len(cmdlines)) + cmdlines
    )  # fmt: skip


def _header_info(commit_size):
    text = header_page(commit_size)
    return (
        b"header_page\0" + struct.pack("<Q", len(text)) + text
        + b"header_event\0" + struct.pack("<Q", len(HEADER_EVENT)) + HEADER_EVENT
    )  # fmt: skip


def _event_formats(formats):
    systems = {}
    for system, text in formats:
        systems.setdefault(system, []).append(text.encode())
    data = struct.pack("<I", len(systems))
    for system, texts in systems.items():
        data += system.encode() + b"\0" + struct.pack("<I", len(texts))
        data += b"".join(struct.pack("<Q", len(text)) + text for text in texts)
    return data


def dat7(buffers, formats, compression="none", stats=(), cmdlines=b"", kallsyms=b"", commit_size=8, page_size=PAGE, extra=()):
    """A file of version 7. buffers: [(name, clock, {cpu: pages})]. extra: more options (id, data)."""
    pack = {"none": None, "zlib": zlib.compress, "zstd": _zstd}[compression]
    out = bytearray(MAGIC + b"7\0" + bytes([0, 8]) + struct.pack("<I", page_size) + compression.encode() + b"\0" + b"1\0")
    at_options = len(out)
    out += bytes(8)
    options = [(2, text.encode() + b"\0") for text in stats] + list(extra)
    for option, data in (
        (16, _header_info(commit_size)), (18, _event_formats(formats)),
        (19, struct.pack("<I", len(kallsyms)) + kallsyms), (21, struct.pack("<Q", len(cmdlines)) + cmdlines),
    ):  # fmt: skip
        options.append((option, struct.pack("<Q", len(out))))
        out += _section(option, data, pack)
    options += [(3, _buffer(out, name, clock, cpus, page_size, pack)) for name, clock, cpus in buffers]
    struct.pack_into("<Q", out, at_options, len(out))
    out += _section(0, b"".join(struct.pack("<HI", *_sized(item)) + item[1] for item in [*options, (0, bytes(8))]), None)
    return bytes(out)


def _sized(option):
    return option[0], len(option[1])


def _section(number, data, pack):
    if pack:
        packed = pack(data)
        data = struct.pack("<II", len(packed), len(data)) + packed
    return struct.pack("<HHIQ", number, 1 if pack else 0, 0, len(data)) + data


def _buffer(out, name, clock, cpus, page_size, pack):
    """Append a buffer's data. Returns its option."""
    at_section, places = len(out), []
    out += struct.pack("<HHIQ", 3, 1 if pack else 0, 0, 0)
    out += bytes(-len(out) % page_size)
    for cpu, pages in cpus.items():
        start = len(out)
        if pack and pages:
            step = CHUNK_PAGES * page_size
            chunks = [pages[at : at + step] for at in range(0, len(pages), step)]
            out += struct.pack("<I", len(chunks))
            for chunk in chunks:
                packed = pack(chunk)
                out += struct.pack("<II", len(packed), len(chunk)) + packed
        else:
            out += pages
        places.append(struct.pack("<IQQ", cpu, start, len(out) - start - (4 if pack and pages else 0)))
        out += bytes(-len(out) % page_size)
    head = struct.pack("<Q", at_section) + name.encode() + b"\0" + clock.encode() + b"\0"
    return head + struct.pack("<II", page_size, len(cpus)) + b"".join(places)


def _zstd(data):
    import zstandard

    return zstandard.ZstdCompressor().compress(data)


def pages_of(source):
    """(TraceDat, {cpu: bytes of its pages}) of the first buffer of a file. source: a door.TraceSource."""
    data = file_bytes(source)
    trace = read_trace_dat(data, source.path)
    pages, streams = unpack_pages(trace, trace.buffers[0], data, source.path, [])
    return trace, {stream.cpu: bytes(memoryview(pages)[stream.start : stream.end]) for stream in streams}


def file_bytes(source):
    """The bytes of a trace.dat. source: a door.TraceSource, with them or with the path alone."""
    if source.data is not None:
        return source.data
    with open(source.path, "rb") as file:
        return file.read()


def repeated(source, times, compression="none"):
    """A trace.dat with the events of another one so many times over, each time later by the whole span."""
    trace, cpus = pages_of(source)
    starts = [struct.unpack_from("<Q", pages, at)[0] for pages in cpus.values() for at in range(0, len(pages), PAGE)]
    span = max(starts) - min(starts) + 100_000_000
    longer = {cpu: b"".join(_later(pages, turn * span) for turn in range(times)) for cpu, pages in cpus.items()}
    formats = [(event.system, event.text) for event in trace.formats.values() if event.system != "ftrace"]
    return dat7([("", "local", longer)], formats, compression, cmdlines=trace.cmdlines, kallsyms=trace.kallsyms())


def _later(pages, shift):
    data = bytearray(pages)
    for at in range(0, len(data), PAGE):
        struct.pack_into("<Q", data, at, struct.unpack_from("<Q", data, at)[0] + shift)
    return bytes(data)
