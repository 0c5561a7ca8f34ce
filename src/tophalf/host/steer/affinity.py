"""The only code that changes a machine: it writes /proc/irq/N/smp_affinity, and says in words why the kernel refused.

Source of the error codes: kernel/irq/proc.c write_irq_affinity, lib/bitmap-str.c, arch/x86/kernel/apic/vector.c.
"""

import errno
import os

from tophalf.errors import SteerError
from tophalf.host.cpumask import format_mask, parse_list

# The kernel's answer: (what it means, what to do). EPERM since 6.11, EIO before, for the same refusal.
_FIXED = (
    "the kernel does not let this line be moved: its driver or the kernel pins it (a managed queue interrupt, a per-CPU "
    "one, or one excluded from balancing)",
    "move the work instead: a managed queue's interrupt follows the CPUs that submit to it (isolcpus=managed_irq,CPUS at "
    "boot keeps them off some CPUs); for others see the driver's options",
)
_NO_SUCH_CPU = ("the mask names a CPU this kernel cannot have", "possible CPUs: {possible}")
_WORDS = {
    errno.EPERM: _FIXED,
    errno.EIO: _FIXED,
    errno.EOVERFLOW: _NO_SUCH_CPU,
    errno.ERANGE: _NO_SUCH_CPU,
    errno.EINVAL: ("no CPU of the mask is online", "online CPUs: {online}"),
    errno.ENOSPC: (
        "no interrupt vector is free on any CPU of the mask",
        "name more CPUs, or free vectors: fewer queues (ethtool -L), unused devices off, other lines moved away",
    ),
    errno.EBUSY: ("the line's last move is not finished", "it ends with the line's next interrupt; then try again"),
    errno.EACCES: ("writing the mask needs root", "try again with sudo"),
    errno.EROFS: ("/proc is mounted read-only here", "run on the host, or in a container with a writable /proc/irq"),
    errno.ENOENT: ("there is no such interrupt, or it has no mask", "`tophalf irqs` lists those there are"),
}
FIXED_ERRNOS = (errno.EPERM, errno.EIO)


class Refused(SteerError):
    """The kernel's refusal of a mask. number: the errno. fixed: whether it means that this line can never be moved."""

    def __init__(self, irq, number, what, do):
        super().__init__(f"{what} ({errno.errorcode.get(number, number)})", f"IRQ {irq}", do)
        self.irq, self.number = irq, number

    @property
    def fixed(self):
        return self.number in FIXED_ERRNOS


def write_affinity(root, irq, cpus):
    """Write a line's mask. root: a live root. cpus: what it may use.

    Raises: Refused with the kernel's reason in words; SteerError for a machine that is not live.
    """
    if not root.live:
        raise SteerError("a recording cannot be steered", f"IRQ {irq}", "leave --machine out to set it on this host")
    path = f"{root.prefix}/proc/irq/{int(irq)}/smp_affinity"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(fd, format_mask(cpus).encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise _refusal(root, irq, error) from None


def foreseen(root, irq, cpus):
    """The refusal that a mask would meet, as far as reading can tell: Refused or None. root: a live root. Writes nothing.

    Source: lib/bitmap-str.c bitmap_parse for a CPU beyond nr_cpu_ids, kernel/irq/proc.c write_irq_affinity for none online.
    """
    if marked_fixed(root, irq):
        return _refused(root, irq, errno.EPERM)
    possible, online = (_cpu_set(root, kind) for kind in ("possible", "online"))
    if possible and max(cpus) > max(possible):
        return _refused(root, irq, errno.EOVERFLOW)
    return _refused(root, irq, errno.EINVAL) if online and not set(cpus) & set(online) else None


def _cpu_set(root, kind):
    return parse_list(root.word(f"/sys/devices/system/cpu/{kind}") or "")


def marked_fixed(root, irq):
    """True when the kernel itself shows the mask read-only, which 6.12 and later do for lines that cannot be moved
    (kernel/irq/proc.c register_irq_proc); False proves nothing on older kernels, None is not known: a recording keeps modes
    where `modes_kept` says so, and only there they count."""
    mode = root.mode(f"/proc/irq/{int(irq)}/smp_affinity")
    return None if mode is None else not mode & 0o222


def modes_kept(root):
    """Whether a root's modes are those that the kernel gave: the live machine, or a recording of ours whose meta.json says so.

    A tar of files that somebody copied has the modes of the copies.
    """
    if root.live:
        return True
    import json

    try:
        return json.loads(root.text("/trace/meta.json") or "{}").get("modes") is True
    except (ValueError, AttributeError):
        return False


def _refusal(root, irq, error):
    number = error.errno
    if number == errno.EACCES and marked_fixed(root, irq):
        number = errno.EPERM  # open() as a user fails on the mode alone, which says that root may not either
    return _refused(root, irq, number, error.strerror)


def _refused(root, irq, number, unknown=None):
    what, do = _WORDS.get(number, (unknown or "the kernel refuses the mask", "see `dmesg`"))
    cpus = {kind: root.word(f"/sys/devices/system/cpu/{kind}") or "not known" for kind in ("possible", "online")}
    return Refused(irq, number, what, do.format(**cpus))
