"""Whether an interrupt lands where its new mask says: proof by counts, not by reading the mask back.

Without interrupt remapping a new mask reads back at once while the line moves with its next interrupt, which still lands on
the old CPU (kernel/irq/migration.c irq_move_masked_irq); a quiet line never moves. So the counters of each CPU are watched.
"""

import time

from tophalf.frozen import Frozen
from tophalf.host.cpumask import parse_list, parse_mask
from tophalf.vocab import COUNTER_WRAP

LANDED = "landed"  # interrupts arrive inside the mask, and none outside since
CARRIER = "carrier"  # one arrived on the old CPU and took the move along; none since
OUTSIDE = "outside"  # interrupts still arrive outside the mask
QUIET = "quiet"  # none arrived at all
OVERRIDDEN = "overridden"  # the mask is not what was written any more
UNWATCHED = "unwatched"  # nobody waited, or nothing counts this line

FIRST_POLL_S = 0.01
POLL_MAX_S = 0.1


class Landing(Frozen):
    """What was seen. inside, outside: interrupts on CPUs in and out of the mask; per_cpu {cpu: count} of those that came;
    affinity, effective_affinity: as they read at the end; watched_ns: how long."""

    __slots__ = ("verdict", "inside", "outside", "per_cpu", "affinity", "effective_affinity", "watched_ns")


def line_counts(root, irq):
    """Interrupts of a line since boot, {cpu: count}, or None.

    /sys/kernel/irq/N/per_cpu_count has one number a possible CPU (kernel/irq/irqdesc.c per_cpu_count_show) and costs one
    line; /proc/interrupts is the way without it.
    """
    text = root.word(f"/sys/kernel/irq/{irq}/per_cpu_count")
    possible = root.word("/sys/devices/system/cpu/possible") if text else None
    if possible:
        cpus, counts = parse_list(possible), text.split(",")
        if len(cpus) == len(counts) and all(count.isdigit() for count in counts):
            return dict(zip(cpus, map(int, counts), strict=True))
    from tophalf.host.readers.interrupts import read_interrupts

    interrupts = read_interrupts(root)
    line = interrupts.lines.get(str(irq)) if interrupts else None
    return dict(zip(interrupts.cpus, line.counts, strict=True)) if line and line.per_cpu else None


def masks(root, irq):
    """(affinity, effective_affinity) of a line now; each a tuple of CPUs or None."""
    words = [root.word(f"/proc/irq/{irq}/{name}") for name in ("smp_affinity", "effective_affinity")]
    return tuple(None if word is None else parse_mask(word, f"IRQ {irq}") for word in words)


class Tracker:
    """The counters of one line, from the moment its mask was written."""

    def __init__(self, root, irq, cpus):
        self.root, self.irq, self.cpus = root, irq, tuple(cpus)
        self.start = self.last = line_counts(root, irq)
        self.recent = {}  # what came in the newest reading that had any
        self.settled = self.start is None

    def look(self):
        """Read the counters once more. settled: proven to land inside the mask, or nothing to read."""
        now = line_counts(self.root, self.irq)
        if now is None:
            self.settled = True
            return
        arrived = _arrived(self.last, now)
        self.recent, self.last = arrived or self.recent, now
        self.settled = bool(arrived) and arrived.keys() <= set(self.cpus)

    def landing(self, watched_s):
        """What was seen in watched_s seconds. Returns: Landing."""
        arrived = _arrived(self.start, self.last)
        inside = sum(count for cpu, count in arrived.items() if cpu in self.cpus)
        outside = sum(arrived.values()) - inside
        affinity, effective = masks(self.root, self.irq)
        watched_s = watched_s if self.start is not None else 0
        return Landing(
            verdict=_verdict(self, affinity, effective, inside, outside, watched_s),
            inside=inside,
            outside=outside,
            per_cpu=arrived,
            affinity=affinity,
            effective_affinity=effective,
            watched_ns=int(watched_s * 1e9),
        )


def watch(trackers, wait_s, clock=time.monotonic, sleep=time.sleep):
    """Watch lines together, up to wait_s seconds in all; ends as soon as each is proven to land inside its mask.

    Returns: {irq: Landing}.
    """
    start_s, pause_s, open_lines, seen_s = clock(), FIRST_POLL_S, [line for line in trackers if not line.settled], {}
    while open_lines and (left_s := wait_s - (clock() - start_s)) > 0:
        sleep(min(pause_s, left_s))
        pause_s = min(POLL_MAX_S, pause_s * 1.5)
        for line in open_lines:
            line.look()
            seen_s[line.irq] = clock() - start_s
        open_lines = [line for line in open_lines if not line.settled]
    return {line.irq: line.landing(seen_s.get(line.irq, 0)) for line in trackers}


def _arrived(before, now):
    """{cpu: interrupts between two readings}, CPUs with none left out; cells are 32 bits and wrap."""
    if before is None:
        return {}
    counts = {cpu: (count - before.get(cpu, 0)) % COUNTER_WRAP for cpu, count in now.items()}
    return {cpu: count for cpu, count in counts.items() if count}


def _verdict(line, affinity, effective, inside, outside, watched_s):
    if affinity is not None and affinity != line.cpus:
        return OVERRIDDEN
    if not watched_s:
        return UNWATCHED
    if not inside and not outside:
        return QUIET
    if inside and line.recent.keys() <= set(line.cpus):
        return LANDED
    if not inside and outside == 1 and effective and set(effective) <= set(line.cpus):
        return CARRIER
    return OUTSIDE
