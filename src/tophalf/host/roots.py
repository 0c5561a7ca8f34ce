"""Where a machine's files come from: the live kernel, a directory, or an archive held in memory.

All three answer the same six questions about absolute paths of the machine ("/proc/interrupts"): `read`, `text`, `listing`,
`link`, `real`, `mode`. What cannot be read is None and its reason is kept in `missing`, never raised: half a machine is still a
machine.
"""

import errno
import os

FILE_BYTES_MAX = 1 << 28  # a hostile archive may name a file of terabytes; 1,152 CPUs x 4,000 lines are 50 MB
LINKS_MAX = 40  # as the kernel's own limit on nested symlinks (include/linux/namei.h MAXSYMLINKS)

_REASONS = {
    errno.ENOENT: "not recorded",
    errno.ENOTDIR: "not recorded",
    errno.EACCES: "needs root",
    errno.EPERM: "needs root",
    errno.ELOOP: "symlink loop",
}


class Root:
    """Shared by all roots: text decoding and the record of what was missing."""

    live = False

    def __init__(self):
        self.missing = {}
        self.memo = {}  # what a reader keeps from one sample for the next, by path

    def text(self, path):
        """A file as str (undecodable bytes survive as surrogates), or None."""
        data = self.read(path)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def word(self, path):
        """A one-value file, stripped; None when absent."""
        text = self.text(path)
        return None if text is None else text.strip()

    def number(self, path):
        """A one-integer file; None when absent or not an integer."""
        try:
            return int(self.text(path) or "", 10)
        except ValueError:
            return None

    def _gone(self, path, error):
        self.missing[path] = _REASONS.get(error.errno, error.strerror or "unreadable")


class DirRoot(Root):
    """A directory that holds `proc/` and perhaps `sys/`; with prefix "" the live host itself.

    A recorded tree is foreign input: a symlink that would leave it is not followed. On the live host all are.
    """

    def __init__(self, prefix, live=False):
        super().__init__()
        self.prefix = prefix.rstrip("/")
        self.live = live
        self._inside = None if live else os.path.realpath(prefix) + os.sep

    def read(self, path):
        """A file's bytes, or None."""
        try:
            fd = os.open(self._checked(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            return self._gone(path, error)
        try:
            return _read_all(fd)
        except OSError as error:
            return self._gone(path, error)
        finally:
            os.close(fd)

    def listing(self, path):
        """Sorted names in a directory; [] when there is none."""
        try:
            return sorted(os.listdir(self._checked(path)))
        except OSError as error:
            self._gone(path, error)
            return []

    def mode(self, path):
        """A file's permissions; None where there is none, and in a copy, whose modes are those of whoever made it."""
        try:
            return os.stat(self.prefix + path).st_mode & 0o7777 if self.live else None
        except OSError:
            return None

    def link(self, path):
        """A symlink's own target text, or None."""
        try:
            return os.readlink(self.prefix + path)
        except OSError:
            return None

    def real(self, path):
        """The path with all symlinks resolved, as the machine names it."""
        full = os.path.realpath(self.prefix + path)
        inside = os.path.realpath(self.prefix) if self.prefix else ""
        return full[len(inside) :] if full.startswith(inside) else path

    def _checked(self, path):
        full = self.prefix + path
        if self._inside is None:
            return full
        if not (os.path.realpath(full) + os.sep).startswith(self._inside):
            raise OSError(errno.ELOOP, "link leaves the machine")
        return full


class MemoryRoot(Root):
    """Files of an archive: `files` maps absolute path to bytes, or to what reads them later, `links` to a symlink's target."""

    def __init__(self, files, links):
        super().__init__()
        self.files, self.links = files, links
        self._directories = None

    def read(self, path):
        """A file's bytes, or None."""
        data = self.files.get(path)
        if data is None:
            real = self.real(path)
            data = self.files.get(real) if real else None
        if data is None:
            self.missing[path] = "not recorded"
        elif not isinstance(data, bytes):
            data = data.read()
            if data is None:
                self.missing[path] = "the archive changed while it was read"
        return data

    def listing(self, path):
        """Sorted names in a directory; [] when there is none."""
        if self._directories is None:
            self._directories = _directories_of([*self.files, *self.links])
        return sorted(self._directories.get(self.real(path) or path, ()))

    def mode(self, path):
        """The permissions in the archive, or None."""
        return getattr(self.files.get(path), "mode", None)

    def link(self, path):
        """A symlink's own target text, or None."""
        return self.links.get(path)

    def real(self, path):
        """The path with all symlinks resolved; None for a loop."""
        done, left = "", [part for part in path.split("/") if part]
        for _ in range(LINKS_MAX * 16):
            if not left:
                return done or "/"
            part = left.pop(0)
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            target = self.links.get(f"{done}/{part}")
            if target is None:
                done = f"{done}/{part}"
                continue
            if target.startswith("/"):
                done = ""
            left = [piece for piece in target.split("/") if piece not in ("", ".")] + left
        return None


class FallbackRoot(Root):
    """One moment of a series in front of the series' own directory, where what holds for all moments lies (dmesg)."""

    def __init__(self, front, back):
        super().__init__()
        self.front, self.back = front, back

    def read(self, path):
        data = self.front.read(path)
        if data is None:
            data = self.back.read(path)
        if data is None:
            self.missing[path] = self.front.missing.get(path, "not recorded")
        return data

    def mode(self, path):
        return self.front.mode(path)

    def listing(self, path):
        return self.front.listing(path) or self.back.listing(path)

    def link(self, path):
        return self.front.link(path) or self.back.link(path)

    def real(self, path):
        return self.front.real(path)


def live_root():
    """The machine we run on."""
    return DirRoot("", live=True)


def _read_all(fd):
    # Small reads first: for /proc/sys the kernel allocates and clears as much as is asked for
    # (fs/proc/proc_sysctl.c proc_sys_call_handler), 80 µs for a mebibyte against 8.
    chunks, size = [], 0
    while size <= FILE_BYTES_MAX:
        chunk = os.read(fd, 1 << 20 if size >> 15 else 1 << 14)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
    raise OSError(errno.EFBIG, f"larger than {FILE_BYTES_MAX >> 20} MiB")


def _directories_of(paths):
    names = {}
    for path in paths:
        while path not in ("", "/"):
            parent, _, name = path.rpartition("/")
            entries = names.setdefault(parent or "/", set())
            if name in entries:
                break
            entries.add(name)
            path = parent
    return names
