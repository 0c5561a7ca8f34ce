"""trace.dat as trace-cmd writes it, versions 6 and 7: what lies where in the file, and each CPU's pages.

Layout after trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5). Version 6 is one sequence of parts; version 7 is sections, found
through options. Nothing is unpacked before it is needed: nearly all of a small file is kallsyms.
"""

import re
import struct

from tophalf.errors import FormatError
from tophalf.frozen import Frozen
from tophalf.host.trace.formats import parse_format, parse_header_page

MAGIC = b"\x17\x08\x44tracing"
UNPACKED_BYTES_MAX = 1 << 32  # a hostile chunk may promise anything; a real trace of a gigabyte is 30 million events
FORMATS_MAX = 1 << 16  # common_type has 16 bits
SECTION_HEADER_SIZE = 16  # id, flags, offset of its name, size
PAGE_SIZE_MIN = 16  # the header of a page
CPUS_MAX = 1 << 16  # far above any NR_CPUS; what is above is damage

# Option ids (trace-cmd-private.h TRACECMD_OPTION_*)
DONE, CPUSTAT, BUFFER, TRACECLOCK, TSC2NSEC = 0, 2, 3, 4, 14
HEADER_INFO, FTRACE_EVENTS, EVENT_FORMATS, KALLSYMS, PRINTK, CMDLINES, BUFFER_TEXT = range(16, 23)


class Buffer(Frozen):
    """One trace instance. name: "" for the top one. clock: its name or None. page_size: bytes. cpus: [(cpu, offset, size)]
    in the file. packed: whether those are compressed chunks. stats: {cpu: events lost}, as far as recorded."""

    __slots__ = ("name", "clock", "page_size", "cpus", "packed", "stats")


class TraceDat(Frozen):
    """A file's table of contents. page: PageLayout; formats: {id: Format}; buffers: [Buffer], the top one first; cmdlines:
    bytes of saved_cmdlines; kallsyms: function that gives bytes; tsc: (multiplier, shift) or None; compression: a name that
    `unpacker` knows."""

    __slots__ = ("version", "page", "formats", "buffers", "cmdlines", "kallsyms", "tsc", "compression")


class Cursor:
    """A place in bytes; every read is checked and an overrun names its offset in the file."""

    def __init__(self, data, path, at=0, base=0):
        self.data, self.path, self.at, self.base = data, path, at, base

    def take(self, size):
        """The next `size` bytes. Raises: FormatError when there are fewer."""
        if size < 0 or self.at < 0 or self.at + size > len(self.data):
            raise FormatError(f"needs {size} bytes where {max(len(self.data) - self.at, 0)} are left", self.where(), CUT)
        self.at += size
        return bytes(self.data[self.at - size : self.at])

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def string(self):
        """Text up to a NUL. Raises: FormatError when there is none within 4,096 bytes."""
        end = bytes(self.data[self.at : self.at + 4096]).find(b"\0")
        if end < 0:
            raise FormatError("a text without end", self.where(), CUT)
        return self.take(end + 1)[:-1].decode("utf-8", "replace")

    def expect(self, magic):
        """Raises: FormatError when the next bytes are not `magic`."""
        where = self.where()
        if self.take(len(magic)) != magic:
            raise FormatError(f"no {magic.rstrip(bytes(1)).decode()!r} where it should be", where, CUT)

    def where(self):
        return f"{self.path}:{self.base + self.at:#x}"


CUT = "the file is damaged or cut short"


def read_trace_dat(data, path):
    """The contents of a trace.dat.

    Args: data: bytes of the file. path: for messages. Returns: TraceDat.
    Raises: FormatError with file:offset: damaged, big endian, compressed by what we cannot unpack, or without events.
    """
    cursor = Cursor(memoryview(data), path)
    cursor.expect(MAGIC)
    version = cursor.string()
    if version not in ("6", "7"):
        raise FormatError(f"trace.dat of version {version[:16]!r}", cursor.where(), "versions 6 and 7 are read")
    if cursor.number(1):
        raise FormatError("a trace of a big-endian machine", cursor.where(), "only little-endian traces are read")
    cursor.take(1)  # bytes of a long in user space; header_page tells the kernel's
    where, page_size = cursor.where(), cursor.number(4)
    if page_size % 4 or page_size < PAGE_SIZE_MIN:
        raise FormatError(f"pages of {page_size} bytes", where, CUT)
    return (_read_version_7 if version == "7" else _read_version_6)(cursor, page_size)


def _read_version_6(cursor, page_size):
    page = _header_info(cursor)
    formats = _ftrace_formats(cursor)
    formats |= _event_formats(cursor)
    kallsyms = cursor.take(cursor.number(4))
    cursor.take(cursor.number(4))  # printk formats
    cmdlines = cursor.take(cursor.number(8))
    cpu_count = _cpu_count(cursor)
    kind, options = cursor.take(10), []
    if kind == b"options  \0":
        options = _options_6(cursor)
        kind = cursor.take(10)
    top = Buffer(name="", clock=_clock(options), page_size=page_size, cpus=_cpus_6(cursor, kind, cpu_count), stats={})
    buffers = [top] + [_buffer_6(cursor, data, page_size, top) for option, data, _ in options if option == BUFFER]
    return TraceDat(
        version=6, page=page, formats=formats, buffers=_with_stats(buffers, options), cmdlines=cmdlines,
        kallsyms=lambda: kallsyms, tsc=_tsc(options), compression="none",
    )  # fmt: skip


def _cpu_count(cursor):
    where, count = cursor.where(), cursor.number(4)
    if count > CPUS_MAX:
        raise FormatError(f"events of {count} CPUs", where, CUT)
    return count


def _options_6(cursor):
    """[(id, data, where)] up to the option 0."""
    options = []
    while True:
        option = cursor.number(2)
        if option == DONE:
            return options
        where = cursor.where()
        options.append((option, cursor.take(cursor.number(4)), where))


def _cpus_6(cursor, kind, cpu_count):
    if kind == b"latency  \0":
        raise FormatError("a latency trace (text of a latency tracer), no events", cursor.where(), "record without -p")
    if kind != b"flyrecord\0":
        raise FormatError("neither 'latency' nor 'flyrecord' where the data should begin", cursor.where(), CUT)
    return [(cpu, cursor.number(8), cursor.number(8)) for cpu in range(cpu_count)]


def _buffer_6(cursor, data, page_size, top):
    """An instance of version 6: its option gives where its own table of CPUs stands."""
    option = Cursor(data, cursor.path)
    offset, name = option.number(8), option.string()
    table = Cursor(cursor.data, cursor.path, offset)
    cpus = _cpus_6(table, table.take(10), len(top.cpus))
    return Buffer(name=name, clock=top.clock, page_size=page_size, cpus=cpus, stats={})


def _read_version_7(cursor, page_size):
    compression, _ = cursor.string(), cursor.string()
    unpack = unpacker(compression, cursor.where())
    options = _options_7(cursor, cursor.number(8), unpack)
    if not any(option == BUFFER for option, _, _ in options) and any(option == BUFFER_TEXT for option, _, _ in options):
        raise FormatError("a latency trace (text of a latency tracer), no events", cursor.path, "record without -p")
    section = _section_reader(cursor, options, unpack)
    page = _header_info(section(HEADER_INFO, needed=True))
    formats = _ftrace_formats(section(FTRACE_EVENTS)) | _event_formats(section(EVENT_FORMATS, needed=True))
    cmdlines = section(CMDLINES)
    buffers = [_buffer_7(Cursor(data, cursor.path), cursor) for option, data, _ in options if option == BUFFER]
    return TraceDat(
        version=7, page=page, formats=formats, buffers=_with_stats(buffers, options), compression=compression,
        cmdlines=cmdlines.take(cmdlines.number(8)) if cmdlines else b"",
        kallsyms=_kallsyms(cursor, options, unpack), tsc=_tsc(options),
    )  # fmt: skip


def _options_7(cursor, offset, unpack):
    """[(id, data, where)] of all options sections, which form a chain."""
    options, seen = [], set()
    while offset and offset not in seen:
        seen.add(offset)
        part = _section(cursor, offset, unpack)
        option = None
        while option != DONE:
            option, size = part.number(2), part.number(4)
            where = part.where()
            options.append((option, part.take(size), where))
        offset = Cursor(options.pop()[1], cursor.path).number(8)
    return options


def _section(cursor, offset, unpack):
    """A Cursor on a section's content."""
    header = Cursor(cursor.data, cursor.path, offset)
    _, flags, _, size = header.number(2), header.number(2), header.number(4), header.number(8)
    where = header.where()
    if not flags & 1:
        return Cursor(cursor.data[: min(header.at + size, len(cursor.data))], cursor.path, header.at)
    packed_size, size = header.number(4), header.number(4)
    return Cursor(memoryview(unpack(header.take(packed_size), size, where)), f"{cursor.path}:{offset:#x} unpacked")


def _section_reader(cursor, options, unpack):
    """A function (section's option id, needed) -> Cursor, or None where the file has no such section."""
    offsets = _section_offsets(cursor, options)

    def section(option, needed=False):
        if option in offsets:
            return _section(cursor, offsets[option], unpack)
        if needed:
            raise FormatError("no event formats in the file", cursor.path, CUT)
        return None

    return section


def _section_offsets(cursor, options):
    """{option id: offset in the file} of the sections that hold something else than events."""
    found = {option: data for option, data, _ in options if HEADER_INFO <= option <= CMDLINES}
    return {option: Cursor(data, cursor.path).number(8) for option, data in found.items()}


def _buffer_7(option, file):
    file_offset, name, clock = option.number(8), option.string(), option.string()
    page_size, cpu_count = option.number(4), option.number(4)
    section = Cursor(file.data, file.path, file_offset)
    packed = section.number(4) >> 16 & 1 == 1
    if page_size % 4 or page_size < PAGE_SIZE_MIN:
        raise FormatError(f"a buffer with pages of {page_size} bytes", file.path, CUT)
    cpus = [(_cpu(option, file), option.number(8), option.number(8)) for _ in range(cpu_count)]
    return Buffer(name=name, clock=clock or None, page_size=page_size, cpus=cpus, packed=packed, stats={})


def _cpu(option, file):
    cpu = option.number(4)
    if cpu >= CPUS_MAX:
        raise FormatError(f"events of a CPU {cpu}", file.path, CUT)
    return cpu


def _kallsyms(cursor, options, unpack):
    """A function that gives the symbols, unpacked when it is called: until then a copy of them as they stand in the file."""
    offsets = _section_offsets(cursor, options)
    if KALLSYMS not in offsets:
        return bytes
    header = Cursor(cursor.data, cursor.path, offsets[KALLSYMS])
    size = SECTION_HEADER_SIZE + int.from_bytes(header.data[header.at + 8 : header.at + 16], "little")
    kept = Cursor(bytes(header.data[header.at : header.at + size]), f"{cursor.path}:{header.at:#x} kallsyms")

    def read():
        symbols = _section(kept, 0, unpack)
        return symbols.take(symbols.number(4))

    return read


def _header_info(cursor):
    cursor.expect(b"header_page\0")
    where = cursor.where()
    page = parse_header_page(cursor.take(cursor.number(8)).decode("utf-8", "replace"), where)
    cursor.expect(b"header_event\0")
    cursor.take(cursor.number(8))
    return page


def _ftrace_formats(cursor):
    if cursor is None:
        return {}
    return dict(_format(cursor, "ftrace") for _ in range(_count(cursor)))


def _event_formats(cursor):
    formats = {}
    for _ in range(_count(cursor)):
        system = cursor.string()
        formats.update(_format(cursor, system) for _ in range(_count(cursor)))
    return formats


def _format(cursor, system):
    where = cursor.where()
    event = parse_format(cursor.take(cursor.number(8)).decode("utf-8", "replace"), system, where)
    return event.id, event


def _count(cursor):
    where = cursor.where()
    count = cursor.number(4)
    if count > FORMATS_MAX:
        raise FormatError(f"{count} event formats", where, CUT)
    return count


def _clock(options):
    """The clock in brackets in the text of trace_clock: `[local] global counter ...`."""
    for option, data, _ in options:
        found = option == TRACECLOCK and re.search(rb"\[([\w-]+)\]", data)
        if found:
            return found[1].decode()
    return None


def _tsc(options):
    for option, data, _ in options:
        if option == TSC2NSEC and len(data) >= 8:
            return struct.unpack_from("<II", data)
    return None


def _with_stats(buffers, options):
    """Buffers with the losses that per_cpu/cpuN/stats counted. A text `Buffer: NAME` precedes those of an instance."""
    name, found = "", {}
    for option, data, _ in options:
        if option == CPUSTAT:
            text = data.decode("utf-8", "replace")
            instance = re.search(r"Buffer:\s*(\S+)", text)
            name = instance[1] if instance else name
            found.setdefault(name, {}).update(lost_by_stats(text))
    return [buffer.replace(stats=found.get(buffer.name, {})) for buffer in buffers]


def lost_by_stats(text):
    """{cpu: events lost} from per_cpu/cpuN/stats with its line `CPU: N` (kernel/trace/trace.c tracing_stats_read).

    Overrun: overwritten before they were read; commit overrun: nested too deep for the page; dropped: buffer full.
    """
    cpu = re.search(r"^CPU:\s*(\d+)", text, re.MULTILINE)
    counts = re.findall(r"^(?:overrun|commit overrun|dropped events):\s*(\d+)", text, re.MULTILINE)
    return {int(cpu[1]): sum(map(int, counts))} if cpu and counts else {}


def unpacker(compression, where=""):
    """A function (packed bytes, size unpacked, where) -> bytes, for one thread. With `into`, a writable memoryview of that
    size, it fills that instead, which saves a copy and the memory for it.

    Raises: FormatError for an algorithm we do not know.
    """
    if compression == "none":
        return _unpack_none
    if compression == "zlib":
        return _unpack_zlib
    if compression == "zstd":
        return _ZstdUnpacker()
    raise FormatError(f"compressed with {compression[:16]!r}", where, "trace-cmd convert --compression none makes it readable")


def _unpack_none(packed, _, where, into=None):
    raise FormatError("a compressed part in a file that says it has none", where, CUT)


def _unpack_zlib(packed, size, where, into=None):
    import zlib

    try:
        data = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error as error:
        raise FormatError(f"cannot be unpacked ({error})", where, CUT) from None
    _check_size(len(data), size, where)
    if into is not None:
        into[:] = data
    return data


class _ZstdUnpacker:
    def __init__(self):
        import zstandard

        self.library, self.context = zstandard, zstandard.ZstdDecompressor()

    def __call__(self, packed, size, where, into=None):
        into = memoryview(bytearray(size)) if into is None else into
        try:
            known = self.library.frame_content_size(packed)
            if known not in (size, -1):
                raise FormatError("a compressed part that is not as long as it says", where, CUT)
            _check_size(self._fill(into, packed, known == -1), size, where)
        except self.library.ZstdError as error:
            raise FormatError(f"cannot be unpacked ({error})", where, CUT) from None
        return into

    def _fill(self, into, packed, look_further):
        """Unpack as far as `into` has room. Returns how many bytes there are; look_further: one more if there are more."""
        stream = self.context.stream_reader(packed)
        done = part = stream.readinto(into)
        while part and done < len(into):
            part = stream.readinto(into[done:])
            done += part
        return done + len(stream.read(1)) if look_further else done


def _check_size(found, size, where):
    if found != size:
        raise FormatError(f"{found} bytes unpacked where {size} were promised", where, CUT)
