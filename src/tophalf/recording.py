"""What a recording is: names of its files, in the order in which they are written, and the tar that holds them.

A plain tar that only grows, so that a cut tail costs the tail alone. Below one directory NAME:

    SSS.mmm/proc/...          a moment, named by seconds since the start; proc/uptime is written last, so a moment that has
                              it is whole. The first holds all that any reader of host/read.py looks at, also below sys/; each
                              later second the counters; the last, and every tenth, also irq/*.
    SSS.mmm/dmesg             the tail of the kernel log, first and last moment
    trace/meta.json           clock, start, events asked, enabled (with filter) and refused, cpus, buffer sizes, versions;
                              "modes": true where members irq/N/smp_affinity have the mode that the kernel gave the file;
                              "note": a sentence about the trace, for whoever reads it
    trace/header_page         trace/events/SYSTEM/EVENT/format: as tracefs has them
    trace/kallsyms.gz         functions of the kernel: lines "address type name [module]"
    trace/saved_cmdlines      lines "pid comm"; written again when it grew: the last one holds
    trace/cpuN/SECONDS.raw    ring buffer pages of a CPU: header and committed bytes, nothing of the padding; where the
                              header says that a count of missed events follows (RB_MISSED_STORED), those 8 (4) bytes too
    trace/cpuN/SECONDS.stats  per_cpu/cpuN/stats once a second; left out while only its clock has moved
    trace/end.json            written by a recorder that ended by itself: why, events, lost

SECONDS has six digits before and after the point: names in order are pages in order of time.
"""

import contextlib
import os
import time

from tophalf.errors import MachineError

FORMAT = 1
BLOCK = 512
MODE = 0o644
WHOLE = "/proc/uptime"
_CUT = "the recording is readable up to the second before"


def seconds_name(elapsed_ns):
    """SECONDS of a file below trace/cpuN."""
    return f"{elapsed_ns // 10**9:06d}.{elapsed_ns // 1000 % 10**6:06d}"


def moment_name(elapsed_ns):
    """The directory of a moment, in milliseconds."""
    return f"{elapsed_ns // 10**9:03d}.{elapsed_ns // 10**6 % 1000:03d}"


class TarWriter:
    """An append-only tar. Members are gathered by `add` and `link` and written together by `flush`, in one write."""

    def __init__(self, path, name, force=False):
        """Raises: MachineError: the file is there already (and not `force`), or cannot be made."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
        try:
            self.fd = os.open(path, flags, 0o600)
        except FileExistsError:
            raise MachineError("exists already", path, "name another file, or overwrite it with --force") from None
        except OSError as error:
            raise MachineError(f"cannot be written ({error.strerror})", path) from None
        self.path, self.name, self.size = path, name, 0
        self._batch, self._mtime = [], b"%011o" % int(time.time())

    def add(self, name, data, mode=MODE):
        """A file below NAME. data: bytes. mode: its permissions, 0644 for all whose own says nothing."""
        self._batch += self._member(name, b"0", len(data), b"", mode)
        self._batch += (data, bytes(-len(data) % BLOCK))

    def link(self, name, target):
        """A symlink below NAME."""
        self._batch += self._member(name, b"2", 0, target.encode("utf-8", "surrogateescape"))

    def flush(self):
        """Write what was gathered. Raises: MachineError: disk full; the file then ends with the flush before."""
        blob, self._batch = b"".join(self._batch), []
        view, done = memoryview(blob), 0
        try:
            while done < len(view):
                done += os.write(self.fd, view[done:])
        except OSError as error:
            with contextlib.suppress(OSError):  # not a plain file
                os.ftruncate(self.fd, self.size)
            raise MachineError(f"cannot be written further ({error.strerror})", self.path, _CUT) from None
        self.size += done

    def close(self):
        """End the archive where there is still room for its end."""
        self._batch.append(bytes(2 * BLOCK))
        with contextlib.suppress(MachineError):  # a tar without its end marker is read all the same
            self.flush()
        os.close(self.fd)

    def _member(self, name, kind, size, target, mode=MODE):
        full = f"{self.name}/{name}".encode("utf-8", "surrogateescape")
        long = []
        if len(full) > 100:
            long += self._long(b"L", full)
        if len(target) > 100:
            long += self._long(b"K", target)
        return [*long, _header(full[:100], kind, size, target[:100], self._mtime, mode)]

    def _long(self, kind, text):
        """GNU's way to a name of more than 100 bytes: a member that holds the name of the next."""
        text += b"\0"
        return [_header(b"././@LongLink", kind, len(text), b"", self._mtime), text, bytes(-len(text) % BLOCK)]


def _header(name, kind, size, target, mtime, mode=MODE):
    """A GNU tar header (POSIX ustar fields, magic "ustar  ")."""
    head = b"%s%07o\0000000000\0000000000\0%011o\0%s\0        %s%sustar  \0" % (
        name.ljust(100, b"\0"), mode, size, mtime, kind, target.ljust(100, b"\0"),
    )  # fmt: skip
    head = head.ljust(BLOCK, b"\0")
    return b"%s%06o\0 %s" % (head[:148], sum(head), head[156:])
