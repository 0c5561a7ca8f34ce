"""What a recording keeps of a machine at a moment: the files that the readers look at, as the kernel gave them."""

import os

from tophalf.host.read import ALL, ALL_FACTS, read_facts, read_snapshot
from tophalf.host.readers.threads import classify
from tophalf.host.roots import LINKS_MAX, DirRoot
from tophalf.nictext import settings_text, statistics_text
from tophalf.recording import MODE, WHOLE
from tophalf.vocab import KTHREADD

COUNTERS = ("interrupts", "softirqs", "stat", "softnet", "udp")  # read every second
NET_DEV = "/proc/net/dev"  # a recording's form of what host/readers/nicstats.py asks netlink
UNAME = "/sos_commands/kernel/uname_-a"  # as in a sosreport: no file of /proc tells the architecture on every kernel
SETTINGS = ("irq_files", "default_affinity", "netdev_stats")  # much that changes little, or costs a driver: read seldom
MASK = "/smp_affinity"  # its mode says whether the line can be moved (host/steer/affinity.py marked_fixed)
THREAD_FILES = ("stat", "schedstat")
COUNTER_FILES_MAX = 400  # whatever a reader may come to look at: a second must stay cheap


class CapturingRoot(DirRoot):
    """The live machine, remembering all that was read: a recording then holds just what the readers need.

    files: {path: bytes}, links: {path: target}, modes: {path: permissions} of masks, all absolute. A directory that
    was listed keeps its empty directories by a file `.keep` in each, since a tar in memory knows directories only by what
    is in them, and files that are named by a number (msi_irqs/28) without their content.
    """

    def __init__(self):
        super().__init__("", live=True)
        self.files, self.links, self.modes = {}, {}, {}
        self._folders, self._numbers = set(), set()

    def read(self, path):
        data = super().read(path)
        if data is not None:
            self.files[self._resolved(path)] = data
            if path.endswith(MASK):
                self.modes[path] = self.mode(path)
        return data

    def listing(self, path):
        names = super().listing(path)
        if path != "/proc":  # thousands of processes; those that were looked into are kept by their files
            folder = self._resolved(path)
            for name in names:
                self._note(f"{folder}/{name}")
        return names

    def link(self, path):
        self._resolved(path)
        return super().link(path)

    def real(self, path):
        self._resolved(path)
        return super().real(path)

    def kept(self):
        """All files to store, with the `.keep` of directories that nothing else shows."""
        shown = set()
        for path in (*self.files, *self.links):
            while path and path not in shown:
                shown.add(path)
                path = path.rpartition("/")[0]
        empty = [f"{folder}/.keep" for folder in self._folders - shown]
        return {**dict.fromkeys((*empty, *self._numbers), b""), **self.files}

    def _note(self, path):
        try:
            self.links[path] = os.readlink(path)
        except OSError:
            if os.path.isdir(path):
                self._folders.add(path)
            elif path.rpartition("/")[2].isdigit():
                self._numbers.add(path)

    def _resolved(self, path):
        """The path without symlinks; those met on the way are remembered. /proc/net stays: it leads to this process."""
        done, left = "", [part for part in path.split("/") if part]
        if left[:1] == ["proc"]:
            return path
        for _ in range(LINKS_MAX * 16):
            if not left:
                break
            part = left.pop(0)
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            step = f"{done}/{part}"
            target = self.links.get(step) or super().link(step)
            if target is None:
                done = step
                continue
            self.links[step] = target
            done = "" if target.startswith("/") else done
            left = [piece for piece in target.split("/") if piece not in ("", ".")] + left
        return done


class MomentWriter:
    """Writes moments into a tar. The first one is found by reading all there is; it decides what the later ones read."""

    def __init__(self, tar):
        self.tar = tar
        self._counter_paths = ()
        self._other_pids = set()  # kernel threads of no interest: looked at once

    def write_facts(self, name):
        """Everything that any reader looks at, under the name of the first moment."""
        root = CapturingRoot()
        read_snapshot(root, 0, COUNTERS)
        self._counter_paths = (*list(root.files)[:COUNTER_FILES_MAX], NET_DEV)
        read_snapshot(root, 0, [field for field in ALL if field not in (*COUNTERS, *SETTINGS, "log", "threads")])
        facts = read_facts(root, ALL_FACTS)
        self._add_captured(name, root, {**settings_text(facts.net), UNAME: _uname()})

    def write(self, name, settings=False, log=False):
        """One moment. settings: with the files of every interrupt. log: with the kernel log."""
        if settings:
            root = CapturingRoot()
            read = read_snapshot(root, 0, SETTINGS)
            self._add_captured(name, root, statistics_text(read.netdev_stats))
        for path in self._paths():
            data = _bytes(path)
            if data is not None:
                self.tar.add(name + path, data)
        if log and (text := kernel_log()):
            self.tar.add(f"{name}/dmesg", text)
        self.tar.add(f"{name}{WHOLE}", _bytes(WHOLE) or b"")

    def _add_captured(self, name, root, texts):
        for path, data in (*root.kept().items(), *texts.items()):
            self.tar.add(name + path, data, root.modes.get(path) or MODE)
        for path, target in root.links.items():
            self.tar.link(name + path, target)

    def _paths(self):
        yield from self._counter_paths
        for pid in self._thread_pids():
            yield from (f"/proc/{pid}/{file}" for file in THREAD_FILES)

    def _thread_pids(self):
        """Kernel threads that run interrupt work, as host/readers/threads.py names them."""
        children = _bytes(f"/proc/{KTHREADD}/task/{KTHREADD}/children")  # needs CONFIG_PROC_CHILDREN
        pids = children.decode().split() if children else [name for name in os.listdir("/proc") if name.isdigit()]
        self._other_pids.intersection_update(pids)  # a number that was free for a while may come back as a thread
        for pid in pids:
            if pid in self._other_pids:
                continue
            if classify((_bytes(f"/proc/{pid}/comm") or b"").decode("utf-8", "replace").strip()):
                yield pid
            else:
                self._other_pids.add(pid)


def _uname():
    told = os.uname()
    return f"{told.sysname} {told.release} {told.version} {told.machine} GNU/Linux\n".encode()


def kernel_log():
    """The kernel's ring buffer of messages as `dmesg` prints it, in bytes; None where it may not be read.

    Source: kernel/printk/printk.c do_syslog, SYSLOG_ACTION_READ_ALL (3) and SYSLOG_ACTION_SIZE_BUFFER (10).
    """
    import ctypes
    import re

    libc = ctypes.CDLL(None, use_errno=True)
    size = libc.klogctl(10, None, 0)
    if size <= 0:
        return None
    buffer = ctypes.create_string_buffer(size)
    got = libc.klogctl(3, buffer, size)
    return re.sub(rb"^<\d+>", b"", buffer.raw[:got], flags=re.M) if got >= 0 else None


def _bytes(path):
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return None
