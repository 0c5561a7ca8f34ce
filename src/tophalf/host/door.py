"""The door: from what the user names as MACHINE to roots at moments, and to its trace.

    nothing             this host
    directory           one holding proc/, or a series of such in directories named by seconds (000.000/, 001.002/)
    archive             a tar of either, plain or compressed, wherever the root lies inside; a recording is one too
    trace               trace.dat of trace-cmd, or tracefs text: no moments, only events

NAME@SECONDS is the moment of NAME that is nearest to so many seconds after its first, unless a file of that very name exists.
"""

import io
import os
import re

from tophalf.errors import MachineError, TophalfError
from tophalf.host.roots import DirRoot, FallbackRoot, MemoryRoot, live_root

_SECONDS = re.compile(r"\d+(\.\d{1,9})?$")
_PROC_FILES = ("interrupts", "softirqs", "stat", "net/softnet_stat", "irq", "cmdline")
TRACE_DAT_MAGIC = b"\x17\x08\x44tracing"
NAMED_MAX = 5  # machines named in a note
DEPTH_MAX = 6  # how far below a given directory a root may lie


class Machine:
    """An opened MACHINE.

    label: what to call it in messages. kind: "live", "moment", "series", "recording" or "trace". moments: list of
    (time_ns, Root), one for a live machine. base: the Root that holds what belongs to no moment. trace: TraceSource or
    None. notes: what could not be read of it, for people. path: what was opened, symlinks resolved; None for this host.
    facts_root: where what does not change from moment to moment is read. start_ns: time of the first moment that was recorded,
    also where one moment was picked.
    """

    def __init__(self, label, kind, moments, base, trace=None, notes=()):
        self.label, self.kind, self.moments, self.base = label, kind, moments, base
        self.trace, self.notes, self.path = trace, list(notes), None
        self.facts_root, self.start_ns = (moments[0][1], moments[0][0]) if moments else (base, 0)

    @property
    def live(self):
        return bool(self.moments) and self.moments[0][1].live

    @property
    def holds_counters(self):
        return bool(self.moments)


class TraceSource:
    """Where a trace lies: form is "dat", "text" or "recording"; path of the file, also for messages.

    data: bytes; a Root for recordings; None for a trace.dat that is read in place when its events are asked for.
    """

    def __init__(self, form, path, data):
        self.form, self.path, self.data = form, path, data


def open_machine(argument=None, trace=None):
    """Open MACHINE, with a trace beside it where one is named.

    Raises: MachineError: nothing there, or nothing that a machine is made of.
    """
    machine = _open_named(argument) if argument or not trace else None
    if not trace:
        return machine
    source = open_trace(trace)
    if machine is None:
        return Machine(os.path.basename(trace), "trace", [], DirRoot("/nonexistent"), source)
    machine.trace = source
    return machine


def open_trace(path):
    """A TraceSource from a file. Raises: MachineError when the file is not a trace in a form we read."""
    if _is_plain_dat(path):
        return TraceSource("dat", path, None)
    data = _file_bytes(path)
    form = _trace_form(data)
    if form is None:
        raise MachineError("not a trace.dat of trace-cmd and not tracefs text", path, "record one with `tophalf record`")
    return TraceSource(form, path, data)


def _open_named(argument):
    """A MACHINE, or the moment of one that NAME@SECONDS picks."""
    name, seconds = argument, None
    if argument and not os.path.lexists(argument) and "@" in argument:
        from tophalf.host.pick import pick_moment, split_moment

        name, seconds = split_moment(argument)
    machine = _open(name)
    machine.path = os.path.realpath(name) if name else None
    if seconds is not None:
        pick_moment(machine, seconds)
    return machine


def _open(argument):
    if not argument:
        root = live_root()
        return Machine("this host", "live", [(0, root)], root)
    if os.path.isdir(argument):
        return _open_directory(argument)
    if not os.path.exists(argument):
        raise MachineError("no such file or directory", argument, "name a directory with proc/, a tar, a recording or a trace")
    return _open_file(argument)


def _open_directory(path):
    if path.rstrip("/") == "":
        return _open(None)
    series, single, notes = _roots_in(path)
    if series:
        base = DirRoot(os.path.dirname(series[0][1]))
        moments = [(time_ns, FallbackRoot(DirRoot(root), base)) for time_ns, root in series]
        recorded = os.path.exists(f"{base.prefix}/trace/meta.json")  # a recording that somebody unpacked
        source = _recorded_trace(path, base) if recorded else None
        return Machine(_label(path), "recording" if recorded else "series", moments, base, source, notes)
    if single is None:
        raise MachineError("no proc/ in it with counters to read", path, "name the directory that holds proc/")
    root = DirRoot(single, live=_is_live_proc(single))
    return Machine(_label(path), "live" if root.live else "moment", [(0, root)], root, notes=notes)


def _recorded_trace(path, base):
    """The TraceSource of a recording; None for one that was written without tracing: its meta.json is all there is of it."""
    holds_events = any(name == "header_page" or name.startswith("cpu") for name in base.listing("/trace"))
    return TraceSource("recording", path, base) if holds_events else None


def _roots_in(path):
    """Search breadth first. Returns (series [(time_ns, path)], path of a single root or None, notes)."""
    level = [path]
    for _ in range(DEPTH_MAX):
        inside = [(folder, _folders(folder)) for folder in level]
        found = [(folder, *_roots_at(folder, names)) for folder, names in inside if _is_machine(folder, names)]
        if found:
            _, series, single = found[0]
            return series, single, _others_note([os.path.relpath(folder, path) for folder, _, _ in found])
        level = [f"{folder}/{name}" for folder, names in inside for name in names][:10_000]
    return [], None, ()


def _roots_at(folder, names):
    return ([], folder) if _holds_proc(folder) else (_moments(folder, names), None)


def _is_machine(folder, names):
    return _holds_proc(folder) or any(_SECONDS.match(name) and _holds_proc(f"{folder}/{name}") for name in names)


def _others_note(machines):
    """A note where more than the one machine that is shown lies in what was named."""
    if len(machines) < 2:
        return ()
    names = ", ".join(machines[:NAMED_MAX]) + (", ..." if len(machines) > NAMED_MAX else "")
    return (f"holds {len(machines)} machines ({names}); showing {machines[0]}",)


def _moments(folder, names):
    found = [(_seconds_ns(name), f"{folder}/{name}") for name in names if _SECONDS.match(name)]
    return sorted((time_ns, root) for time_ns, root in found if _holds_proc(root))


def _folders(path):
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _holds_proc(folder):
    return any(os.path.exists(f"{folder}/proc/{name}") for name in _PROC_FILES)


def _is_live_proc(folder):
    """Whether folder/proc is a mounted procfs (a container's view of its host): then it has rates, by waiting."""
    try:
        with open("/proc/self/mountinfo") as mounts:
            points = {line.split()[4] for line in mounts if " - proc " in line}
    except OSError:
        return False
    return os.path.realpath(f"{folder}/proc") in points


def _seconds_ns(name):
    seconds, _, fraction = name.partition(".")
    return int(seconds) * 10**9 + int((fraction + "0" * 9)[:9])


def _label(path):
    return os.path.basename(os.path.normpath(path)) or path


def _open_file(path):
    from tophalf.host.archive import unpack_stream

    with _opened(unpack_stream, path) as stream:
        head = _peek(stream, path)
    form = _trace_form(head)
    if form:
        return Machine(_label(path), "trace", [], DirRoot("/nonexistent"), open_trace(path))
    if head[257:262] != b"ustar" and not _looks_like_old_tar(head):
        raise MachineError("neither an archive nor a trace", path, "name a directory with proc/, a tar, a recording or a trace")
    files, links, notes = _opened(_read_files, path)
    return _machine_in_archive(path, files, links, notes)


def _read_files(path):
    from tophalf.host.archive import read_archive, unpack_stream
    from tophalf.host.tarindex import index_tar

    indexed = index_tar(path, _label(path))
    if indexed:
        return indexed
    with unpack_stream(path) as stream:
        return read_archive(stream, _label(path))


def _opened(opener, path):
    try:
        return opener(path)
    except OSError as error:
        raise MachineError(f"cannot be read ({error.strerror or error})", path) from None


def _peek(stream, path):
    try:
        head = stream.read(4096)
    except (OSError, EOFError, ValueError) as error:
        raise MachineError(f"cannot be unpacked ({error})", path) from None
    except Exception as error:  # each decompressor has an exception of its own; all mean the same here
        raise MachineError(f"cannot be unpacked ({error})", path) from None
    if not head:
        raise MachineError("is empty", path)
    return head


def _looks_like_old_tar(head):
    """A tar from before ustar (v7): its header's checksum is the only sign."""
    try:
        told = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return len(head) >= 512 and told == sum(head[:148]) + 8 * 32 + sum(head[156:512])


def _machine_in_archive(path, files, links, notes):
    found = {_root_of(name) for name in (*files, *links) if "/proc/" in name}
    found = sorted((root for root in found if root is not None), key=lambda root: (root.count("/"), root))
    if not found:
        raise MachineError("no proc/ in the archive with counters to read", path, *notes[:1])
    parent, _, name = found[0].rpartition("/")
    notes = [*notes, *_others_note(_machines_of(found))]
    if not _SECONDS.match(name):
        root = MemoryRoot(*_below(found[0], files, links))
        return Machine(_label(path), "moment", [(0, root)], root, notes=notes)
    recorded = f"{parent}/trace/meta.json" in files
    parts = _parts_of_series(parent, files, links)
    base = MemoryRoot(*parts.pop(None, ({}, {})))
    known = set(found)
    moments = sorted((_seconds_ns(part), part) for part in parts if f"{parent}/{part}" in known)
    if recorded:
        moments = _whole(moments, parts) or moments
    roots = [(time_ns, FallbackRoot(MemoryRoot(*parts[part]), base)) for time_ns, part in moments]
    source = _recorded_trace(path, base) if recorded else None
    return Machine(_label(path), "recording" if recorded else "series", roots, base, source, notes)


def _machines_of(roots):
    """Names of the machines that roots belong to: a series is one, and what lies inside another (a container's) is none."""
    names = []
    for root in roots:
        parent, _, name = root.rpartition("/")
        machine = parent if _SECONDS.match(name) else root
        if not any(f"{machine}/".startswith(f"{known}/") for known in names):
            names.append(machine)
    return [name.strip("/") or "/" for name in names]


def _parts_of_series(parent, files, links):
    """{directory named by seconds, or None for all else below parent: (files, links)}, paths from there on."""
    parts, cut = {}, len(parent) + 1
    for kind, table in enumerate((files, links)):
        for name, value in table.items():
            if not name.startswith(f"{parent}/"):
                continue
            first, _, rest = name[cut:].partition("/")
            key, inner = (first, rest) if rest and _SECONDS.match(first) else (None, name[cut:])
            parts.setdefault(key, ({}, {}))[kind][f"/{inner}"] = value
    return parts


def _whole(moments, parts):
    """Without the moment that a recorder did not come to finish (recording.py: what is written last)."""
    from tophalf.recording import WHOLE

    return [(time_ns, part) for time_ns, part in moments if WHOLE in parts[part][0]]


def _root_of(name):
    """The root a path lies in, if it is one of the files that make a root."""
    root, _, rest = name.partition("/proc/")
    return root if any(rest == file or rest.startswith(file + "/") for file in _PROC_FILES) else None


def _below(root, files, links):
    cut = len(root)
    inside = root + "/"
    return (
        {name[cut:]: data for name, data in files.items() if name.startswith(inside)},
        {name[cut:]: target for name, target in links.items() if name.startswith(inside)},
    )


def _is_plain_dat(path):
    """A trace.dat that is not packed as a whole: it is read in place when its events are asked for."""
    try:
        with open(path, "rb") as file:
            return os.path.isfile(path) and file.read(len(TRACE_DAT_MAGIC)) == TRACE_DAT_MAGIC
    except OSError:
        return False  # told by whoever opens it next


def _file_bytes(path):
    from tophalf.host.archive import unpack_stream

    with _opened(unpack_stream, path) as stream:
        try:
            return _read_limited(stream, path)
        except TophalfError:
            raise
        except Exception as error:  # as in _peek
            raise MachineError(f"cannot be unpacked ({error or type(error).__name__})", path) from None


def _read_limited(stream, path):
    """All of a stream, up to what an archive may hold or the file itself: 400 KB of zstd can be 12 GiB of zeros."""
    from tophalf.host.archive import TOTAL_BYTES_MAX

    if type(getattr(stream, "raw", None)) is io.FileIO and os.path.isfile(path):
        return stream.read()  # not packed: no larger than it is, and read at once in a third of the time
    most, data = max(TOTAL_BYTES_MAX, os.path.getsize(path)), bytearray()
    while block := stream.read(1 << 22):
        data += block
        if len(data) > most:
            raise MachineError(f"unpacks to more than {most >> 30} GiB", path, "unpack it yourself if that is meant")
    return bytes(data)


def _trace_form(head):
    if head.startswith(TRACE_DAT_MAGIC):
        return "dat"
    text = head[:4096]
    if text.startswith((b"# tracer:", b"cpus=")) or re.search(rb"\[\d{3,}\] .*\d+\.\d{6}: \w+:", text):
        return "text"
    return None
