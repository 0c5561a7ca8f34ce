"""The kernel's tracefs: a private instance with ring buffers of its own, its files, and what dead recorders left behind.

Source: Documentation/trace/ftrace.rst, kernel/trace/trace.c (instance_mkdir, tracing_buffers_read, tracing_stats_read).
Everything set here is set in our own instance; nothing outside instances/tophalf-* is ever written.
"""

import errno
import os
import re

from tophalf.errors import MachineError

_INSTANCE = re.compile(r"tophalf-(\d+)-(\d+)(-\d+)?$")
_STATS_LINE = re.compile(r"^(entries|overrun|commit overrun|bytes|dropped events|read events): (\d+)", re.M)

# arch-independent numbers since they were added in Linux 5.2 (arch/*/syscall.tbl, include/uapi/linux/mount.h)
_FSOPEN, _FSCONFIG, _FSMOUNT, _FSCONFIG_CMD_CREATE, _CLOEXEC = 430, 431, 432, 6, 1

_detached = []  # the one detached mount of this process: a descriptor, kept open because paths go through it


def tracefs_path():
    """Where tracefs can be reached. Where it is mounted nowhere it is mounted for this process alone, visible to nobody.

    Raises: MachineError: not root, or a kernel without tracefs.
    """
    if os.geteuid() != 0:
        raise MachineError("reading kernel events needs root", "tracefs", "run it with sudo")
    for path in (*_mounted("tracefs"), "/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        if os.path.isdir(f"{path}/instances"):
            return path
    if not _detached:
        _detached.append(_mount_detached())
    return f"/proc/self/fd/{_detached[0]}"  # self: a guardian forked from here uses the same path


def _mounted(kind):
    try:
        with open("/proc/self/mountinfo") as mounts:
            return [line.split()[4] for line in mounts if f" - {kind} " in line]
    except OSError:
        return []


def _mount_detached():
    """A tracefs mount without a place in the file tree: it goes away with its descriptor."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)

    def call(*arguments):
        result = libc.syscall(*arguments)
        if result < 0:
            reason = os.strerror(ctypes.get_errno())
            raise MachineError(
                f"tracefs is not mounted and cannot be ({reason})", "tracefs",
                "mount it: mount -t tracefs nodev /sys/kernel/tracing",
            )  # fmt: skip
        return result

    context = call(_FSOPEN, b"tracefs", _CLOEXEC)
    try:
        call(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return call(_FSMOUNT, context, _CLOEXEC, 0)
    finally:
        os.close(context)


class Instance:
    """A trace instance of our own, off until `start`. `path`: its directory. Clock mono, so that it fits the snapshots."""

    def __init__(self, tracefs, name):
        self.tracefs, self.name = tracefs, name
        self.path = f"{tracefs}/instances/{name}"
        _mkdir(self.path)
        try:
            self.write("tracing_on", "0")
            self.write("trace_clock", "mono")
        except OSError as error:
            self.remove()
            raise MachineError(f"the trace instance refuses its clock ({error.strerror})", self.path) from None

    def write(self, name, value):
        """Write one of the instance's files. Raises OSError as the kernel gives it."""
        fd = os.open(f"{self.path}/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)

    def read(self, name):
        """One of the instance's files as bytes. Raises OSError."""
        with open(f"{self.path}/{name}", "rb", buffering=0) as file:
            return file.read()

    def enable(self, system, event, trace_filter=None):
        """Switch one event on. Returns None, or why it could not be."""
        try:
            if trace_filter:
                self.write(f"events/{system}/{event}/filter", trace_filter)
            self.write(f"events/{system}/{event}/enable", "1")
        except OSError as error:
            return error.strerror
        return None

    def size_buffers(self, kib_per_cpu):
        """Give every CPU so much ring buffer. Returns what the kernel gave, in KiB."""
        try:
            self.write("buffer_size_kb", str(kib_per_cpu))
        except OSError as error:
            what = f"no memory for {kib_per_cpu} KiB a CPU ({error.strerror})"
            raise MachineError(what, self.path, "give a smaller --memory") from None
        return int(self.read("per_cpu/cpu0/buffer_size_kb").split()[0])

    def start(self):
        self.write("tracing_on", "1")

    def stop(self):
        self.write("tracing_on", "0")

    def remove(self):
        """Give the instance back. Returns whether it is gone."""
        return remove_instance(self.path)

    def stats(self, cpu):
        """The text of per_cpu/cpuN/stats, or None for a CPU that has gone."""
        try:
            return self.read(f"per_cpu/cpu{cpu}/stats")
        except OSError:
            return None


def _mkdir(path):
    try:
        os.mkdir(path)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise MachineError("this process already records", path) from None
        raise MachineError(f"cannot make a trace instance ({error.strerror})", path) from None


def parse_stats(text):
    """Counters of per_cpu/cpuN/stats by their kernel names. text: bytes or str."""
    text = text.decode() if isinstance(text, bytes) else text
    return {name: int(value) for name, value in _STATS_LINE.findall(text)}


def stats_totals(text):
    """(events kept, events lost) of one CPU from its stats text.

    `entries` are those still unread (kernel/trace/ring_buffer.c ring_buffer_entries_cpu); overwritten ones and those that
    found no room are lost.
    """
    stats = parse_stats(text)
    kept = stats.get("entries", 0) + stats.get("read events", 0)
    return kept, stats.get("overrun", 0) + stats.get("dropped events", 0)


def traced_cpus(path):
    """CPUs that have a ring buffer in the instance and are online: sorted tuple."""
    from tophalf.host.cpumask import parse_list

    with open("/sys/devices/system/cpu/online") as file:
        online = parse_list(file.read())
    have = {int(name[3:]) for name in os.listdir(f"{path}/per_cpu") if name[3:].isdigit()}
    return tuple(sorted(have.intersection(online)))


def start_time(pid):
    """When a process started, in ticks since boot (/proc/PID/stat field 22): with the pid it names a process for good.

    None when there is no such process, or only its unreaped remains.
    """
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def instance_name():
    """The name of this process's instance."""
    pid = os.getpid()
    return f"tophalf-{pid}-{start_time(pid)}"


def remove_instance(path):
    """Remove a trace instance, switching it off first. Returns whether it is gone."""
    try:
        fd = os.open(f"{path}/tracing_on", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, b"0")
        finally:
            os.close(fd)
    except OSError:
        pass
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def sweep(tracefs):
    """Remove the instances of recorders that are dead. Returns their names.

    An instance whose owner lives in another pid namespace looks dead from here; but its recorder holds its buffers open, and
    the kernel refuses (EBUSY) to remove an instance in use (kernel/trace/trace.c __remove_instance). So it is only
    removed, never switched off first.
    """
    swept = []
    for name in sorted(os.listdir(f"{tracefs}/instances")):
        owner = _INSTANCE.match(name)
        if not owner or start_time(owner[1]) == int(owner[2]):
            continue
        try:
            os.rmdir(f"{tracefs}/instances/{name}")
            swept.append(name)
        except OSError:
            continue
    return swept
