"""What the rules look at: a series of snapshots and the times of a trace, with the questions that several rules ask."""

from tophalf.frozen import Frozen
from tophalf.judge import lines as names
from tophalf.judge.managed import managed
from tophalf.judge.thresholds import LOST_SHARE
from tophalf.vocab import COUNTER_WRAP

NET_ROLES = ("rx", "tx", "rxtx")
RX_ROLES = ("rx", "rxtx")


class LineView(Frozen):
    """A device's interrupt over the whole span, with its name, its masks and who may move it."""

    __slots__ = ("key", "irq", "line", "count", "by_cpu", "rate", "source", "label", "before", "after", "managed", "why")

    @property
    def mask(self):
        """Requested CPUs at the end, or None."""
        return self.after.affinity if self.after else None

    @property
    def lands_on(self):
        """CPUs that took its interrupts; for a line that had none, its effective affinity."""
        return tuple(sorted(self.by_cpu)) or ((self.after.effective_affinity or ()) if self.after else ())

    @property
    def movable(self):
        """Whether a write to its mask may be expected to succeed."""
        return self.mask is not None and not self.managed and self.irq != 0 and "per-cpu" not in (self.line.chip or "")

    @property
    def main_cpu(self):
        """The CPU that took most of its interrupts, or its effective one; None when neither is known."""
        if self.by_cpu:
            return max(self.by_cpu, key=lambda cpu: (self.by_cpu[cpu], -cpu))
        return self.lands_on[0] if self.lands_on else None


class Case:
    """One machine to judge. series: metrics.Series, or None for a bare trace. timing: judge.timing.Timing, or None.

    live: whether commands can be run on it now. Every table that the machine does not hold is None.
    """

    def __init__(self, series=None, timing=None, live=False):
        self.series, self.timing, self.live = series, timing, live
        self.whole = series.whole if series else None
        self.facts = series.facts if series else None
        self.first, self.last = (series.first, series.last) if series else (None, None)
        self.masks_before, self.masks_after = _masks(series) if series else (None, None)
        self._fixed = _fixed(series) if series else {}
        self._views = None
        self.memo = {}  # what rules found out and others ask again

    @property
    def seconds(self):
        return self.whole.seconds if self.whole else 0.0

    @property
    def boot(self):
        return self.facts.boot if self.facts else None

    @property
    def topology(self):
        return self.facts.topology if self.facts else None

    @property
    def net(self):
        return (self.facts.net if self.facts else None) or {}

    @property
    def online(self):
        """CPUs with a column in the last /proc/interrupts, or the topology's."""
        if self.last and self.last.interrupts:
            return self.last.interrupts.cpus
        return (self.topology.online if self.topology else None) or ()

    @property
    def isolated(self):
        """CPUs kept from general work by the command line."""
        boot = self.boot
        return tuple(sorted({*(boot.isolated or ()), *(boot.nohz_full or ())})) if boot else ()

    @property
    def housekeeping(self):
        """Online CPUs that are not isolated; all of them where nothing is isolated or known."""
        return tuple(cpu for cpu in self.online if cpu not in self.isolated) or self.online

    @property
    def irq_cpus(self):
        """CPUs where interrupts may be put: housekeeping ones, as far as the default mask (irqaffinity=) allows them."""
        default = self.last.default_affinity if self.last else None
        default = default or (self.boot.irqaffinity if self.boot else None) or self.housekeeping
        return tuple(cpu for cpu in self.housekeeping if cpu in default) or self.housekeeping

    @property
    def lines(self):
        """LineViews of every device line whose difference is known, in file order; [] without rates."""
        if self._views is None:
            deltas = (self.whole.lines if self.whole else None) or {}
            self._views = [self._view(delta) for delta in deltas.values() if delta.line.kind == "device"]
        return self._views

    def _view(self, delta):
        irq = delta.line.irq
        after = (self.masks_after or {}).get(irq)
        verdict, why = managed(delta.line, after, self.facts, self._fixed.get(irq))
        return LineView(
            key=delta.key, irq=irq, line=delta.line, count=delta.count, by_cpu=delta.by_cpu, rate=delta.rate,
            source=names.source_of(delta.line, self.facts), label=names.label(delta.line),
            before=(self.masks_before or {}).get(irq), after=after, managed=verdict, why=why,
        )  # fmt: skip

    def arch_lines(self):
        """LineDeltas of the architecture's own lines (LOC, RES, IPI0, ...)."""
        deltas = (self.whole.lines if self.whole else None) or {}
        return [delta for delta in deltas.values() if delta.line.kind != "device"]

    def softirq_count(self, vector, cpu):
        """Softirqs of a vector that a CPU handled over the span; 0 where not recorded."""
        return ((self.whole.softirqs if self.whole else None) or {}).get(vector, {}).get(cpu, 0)

    def packets(self, cpu):
        """Packets a CPU processed (softnet_stat), or 0."""
        row = ((self.whole.softnet if self.whole else None) or {}).get(cpu)
        return row.processed if row else 0

    def interrupt_share(self, cpu):
        """Share of a CPU in hardirq and softirq by /proc/stat, with time that ran in no column; 0 where not recorded."""
        return interrupt_share(self.whole, cpu)

    def idle_share(self, cpu):
        """Share of a CPU left idle, or None."""
        times = ((self.whole.cpu_times if self.whole else None) or {}).get(cpu)
        return times.share("idle", "iowait") if times else None

    def threads(self, kind):
        """ThreadDeltas of a kind, the busiest first; [] where threads were not recorded."""
        found = ((self.whole.threads if self.whole else None) or {}).values()
        return sorted((each for each in found if each.thread.kind == kind), key=lambda each: -each.cpu_ns)

    @property
    def uptime_s(self):
        """Seconds since boot by the ticks of the CPU that counted most, at the first sample; None where not recorded."""
        stat = self.first.stat if self.first else None
        if stat is None or not stat.ticks:
            return None
        return max(sum(ticks[:8]) for ticks in stat.ticks.values()) / ((self.boot and self.boot.user_hz) or 100)

    def rate_before(self, key):
        """A line's mean rate from boot to the first sample, or None; cells that wrapped make it too low to believe."""
        line = self.first.interrupts.lines.get(key) if self.first and self.first.interrupts else None
        uptime_s = self.uptime_s
        if line is None or not uptime_s or max(line.counts) > COUNTER_WRAP // 2:
            return None
        return sum(line.counts) / uptime_s

    def fresh_log(self):
        """Lines of the kernel log that came between the first and the last sample; () where that cannot be told."""
        if not self.first or not self.last or not self.last.log or self.first.log is None:
            return ()
        known = {(line.time_us, line.text) for line in self.first.log}
        return tuple(line for line in self.last.log if (line.time_us, line.text) not in known)


def interrupt_share(delta, cpu):
    """Share of a CPU in hardirq and softirq over a Delta; lost ticks count once they are too many to be noise."""
    times = ((delta.cpu_times if delta else None) or {}).get(cpu)
    if times is None:
        return 0.0
    return times.share("irq", "softirq") + (times.lost_share if times.lost_share >= LOST_SHARE else 0.0)


def _fixed(series):
    """{irq: proof that it cannot be moved}, of the last moment that tells."""
    return next((shot.fixed for shot in reversed(series.snapshots) if shot.fixed is not None), {})


def _masks(series):
    """{irq: IrqFiles} of the first and of the last moment that hold them; (None, None) where none does."""
    held = [shot.irq_files for shot in series.snapshots if shot.irq_files is not None]
    return (held[0], held[-1]) if held else (None, None)
