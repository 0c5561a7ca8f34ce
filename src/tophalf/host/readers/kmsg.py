"""The kernel log, as far as it speaks of interrupts: /dev/kmsg live, a dmesg in a recording."""

import os
import re

from tophalf.host.fields import first_text, optional_listing, speaks_here
from tophalf.snapshot import LogLine

RECORD_BYTES_MAX = 16_384  # kernel/printk/internal.h PRINTK_MESSAGE_MAX is 2,048; escapes and the dictionary add to it
RECORDS_MAX = 500_000
LINES_KEPT_MAX = 2_000

# What each part is for: spurious lines (kernel/irq/spurious.c), handlers that return nonsense (handle.c), transmit queues
# that hang (net/sched/sch_generic.c), vectors that run out (arch/x86/kernel/apic/vector.c), CPUs going offline
# (kernel/irq/cpuhotplug.c), softirqs that a tick could not be stopped for (kernel/time/tick-sched.c), stalls.
_OF_INTEREST = re.compile(
    r"nobody cared|Disabling IRQ #|IRQ \d+ device .* returned IRQ_WAKE_THREAD|irq event \d+: bogus return|"
    r"NETDEV WATCHDOG|transmit queue \d+ timed out|[Nn]o (?:irq )?(?:handler for )?vector|No IRQ available|"
    r"not enough (?:MSI-?X )?vectors|"
    r"affinity broken|[Ii]rq ?affinity|IRQ\s?\d+: set affinity failed|irq \d+: Affinity|no longer affine|"
    r"[Ss]purious (?:interrupt|irq|APIC|8259)|[Uu]nexpected (?:irq|IRQ)|unexpected IRQ trap|do_IRQ: .*vector|"
    r"local softirq work is pending|softirq.*(?:stall|stuck|leaked|huh)|huh, entered softirq|"
    r"soft lockup|hard LOCKUP|rcu.*(?:stall|starved)|irq stuck|interrupt(?:s)? (?:storm|took too long)|"
    r"perf: interrupt took too long|workqueue: .* hogged CPU|BUG: workqueue lockup|"
    r"hrtimer: interrupt took|IRQ handler .* enabled interrupts|Flags mismatch irq|genirq: |"
    r"Trying to free (?:already-free )?IRQ|Unbalanced enable for IRQ|"
    r"[Ii]rqpoll|IRQ lockup detection|[Tt]hreaded irq requested with handler=NULL"
)
# One of these is in every line of interest: looking for them first is ten times cheaper than the pattern.
_WORDS = ("irq", "interrupt", "vector", "watchdog", "timed out", "affin", "lockup", "rcu", "hogged")
_HANDLER = re.compile(r"^\[<[0-9a-f(p)\s]+>\]")
_STAMP = re.compile(r"(?:<\d+>)?(?:\w+\s*:\w+\s*: )?\[\s*(\d{1,10})\.(\d{6})\](?:\[\s*[TC]\d+\])? ?(.*)", re.ASCII | re.DOTALL)
_OTHER_STAMP = re.compile(r"(?:<\d+>)?\[[A-Z][a-z]{2} [^\]]{10,40}\] (.*)", re.DOTALL)
_RECORD = re.compile(rb"\d+,\d+,(\d{1,19}),[^;]*;([^\n]*)")
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")

_followers = {}


def read_log(root):
    """The lines of interest, oldest first, as a tuple of LogLine; None when there is no kernel log to read.

    With a "nobody cared" comes the list of handlers behind it. Source: /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
    """
    if speaks_here(root):
        return _read_live(root)
    if root.live:
        root.missing["/dev/kmsg"] = "not asked: this root is mounted from elsewhere"
        return None
    path, text = first_text(root, "/dmesg", *_sosreport_paths(root), "/var/log/dmesg")
    if path is None:
        root.missing["/dmesg"] = "not recorded"
        return None
    return keep_interesting(parse_dmesg(text))


def parse_dmesg(text):
    """Every line of dmesg's output as a LogLine. Wall clock stamps (dmesg -T) count as no time; no line is an error."""
    return [_dmesg_line(line) for line in text.split("\n") if line.strip()]


def parse_record(data):
    """One record of /dev/kmsg as a LogLine, or None when it is not one."""
    found = _RECORD.match(data)
    if not found:
        return None
    text = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), found[2])
    return LogLine(time_us=int(found[1]), text=text.decode("utf-8", "replace"))


def keep_interesting(lines):
    """Those that speak of interrupts, and the handlers listed under a "nobody cared"; the last 2,000 of them."""
    kept, within = [], False
    for line in lines:
        within = line.text == "handlers:" or (within and _HANDLER.match(line.text) is not None)
        if within or _speaks_of_interrupts(line.text):
            kept.append(line)
    return tuple(kept[-LINES_KEPT_MAX:])


def _speaks_of_interrupts(text):
    lower = text.lower()
    return any(word in lower for word in _WORDS) and _OF_INTEREST.search(text) is not None


class Follower:
    """/dev/kmsg held open, so that a second reading takes only what is new. `lines`: what was kept so far."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.lines = ()

    def read(self):
        """All kept lines up to now."""
        fresh = [line for line in map(parse_record, self._records()) if line is not None]
        self.lines = (self.lines + keep_interesting(fresh))[-LINES_KEPT_MAX:]
        return self.lines

    def _records(self):
        for _ in range(RECORDS_MAX):
            try:
                data = os.read(self.fd, RECORD_BYTES_MAX)
            except BrokenPipeError:  # records were overwritten before we came to them: the next read goes on after the gap
                continue
            except BlockingIOError:
                return
            if not data:
                return
            yield data


def _read_live(root, path="/dev/kmsg"):
    try:
        if path not in _followers:
            _followers[path] = Follower(path)
        return _followers[path].read()
    except OSError as error:
        root.missing[path] = "needs root" if isinstance(error, PermissionError) else error.strerror
        return None


def _dmesg_line(line):
    found = _STAMP.match(line)
    if found:
        return LogLine(time_us=int(found[1]) * 1_000_000 + int(found[2]), text=found[3])
    found = _OTHER_STAMP.match(line)
    return LogLine(text=found[1] if found else line)


def _sosreport_paths(root):
    """Where sosreport puts dmesg: kernel/dmesg, kernel/dmesg_-T and the like; the plain one first, for its stamps."""
    folder = "/sos_commands/kernel"
    return [f"{folder}/{name}" for name in optional_listing(root, folder) if name.startswith("dmesg")]
