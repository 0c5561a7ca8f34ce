"""Which softirq vector a CPU's softirq time goes to: measured in a trace where there is one, else told from counters."""

from tophalf.frozen import Frozen
from tophalf.judge import thresholds as limits
from tophalf.vocab import SOFTIRQ_ENTRY, SOFTIRQS, human_count, human_ns

CLOCK_VECTORS = ("TIMER", "SCHED", "HRTIMER", "RCU")  # these come with the tick whatever the load


class VectorShare(Frozen):
    """A vector's part of a CPU's softirqs. share: of softirq time (measured) or of softirqs counted. text: for people."""

    __slots__ = ("vector", "share", "measured", "text", "source")


def main_vector(case, cpu, in_ksoftirqd=False):
    """The VectorShare of the vector that most of a CPU's softirq work belongs to, or None where nothing tells."""
    return _measured(case, cpu, in_ksoftirqd) or _counted(case, cpu)


def _measured(case, cpu, in_ksoftirqd):
    times = vector_times(case, in_ksoftirqd).get(cpu)
    total_ns = sum(times.values()) if times else 0
    if not total_ns:
        return None
    vector = max(times, key=times.get)
    share = times[vector] / total_ns
    where = f"in ksoftirqd/{cpu}" if in_ksoftirqd else f"on CPU{cpu}"
    text = f"{SOFTIRQS[vector]} took {share:.0%} of the softirq time {where} in the trace, {human_ns(times[vector])}"
    return VectorShare(vector=SOFTIRQS[vector], share=share, measured=True, text=text, source="softirq_entry, softirq_exit")


def vector_times(case, in_ksoftirqd=False):
    """{cpu: {vector: own ns}} of a trace's softirqs, those that ksoftirqd ran when asked for; {} without a trace."""
    if case.timing is None:
        return {}
    if in_ksoftirqd not in case.memo:
        case.memo[in_ksoftirqd] = _vector_times(case.timing, in_ksoftirqd)
    return case.memo[in_ksoftirqd]


def _vector_times(timing, in_ksoftirqd):
    spans = timing.spans.of(SOFTIRQ_ENTRY)
    if in_ksoftirqd:
        spans = spans.only(spans.in_ksoftirqd)
    times = {}
    for cpu, vector, own_ns in zip(spans.cpu.tolist(), spans.key.tolist(), spans.self_ns.tolist(), strict=True):
        of_cpu = times.setdefault(cpu, {})
        of_cpu[vector] = of_cpu.get(vector, 0) + own_ns
    return times


def _counted(case, cpu):
    counts = {vector: row.get(cpu, 0) for vector, row in ((case.whole.softirqs if case.whole else None) or {}).items()}
    total = sum(counts.values())
    if not total:
        return None
    packets_rate = case.packets(cpu) / case.seconds
    if packets_rate >= limits.QUEUE_PACKETS_MIN:
        text = f"{human_count(packets_rate)} packets/s pass NET_RX there in {human_count(counts.get('NET_RX', 0))} runs"
        return VectorShare(vector="NET_RX", share=1.0, measured=False, text=text, source="/proc/net/softnet_stat")
    work = {vector: count for vector, count in counts.items() if vector not in CLOCK_VECTORS}
    vector = max(work, key=work.get, default=None)
    if vector is None or work[vector] < total * limits.DOMINANT_SHARE:
        vector = max(counts, key=counts.get)
    share = counts[vector] / total
    text = f"{vector} is {share:.0%} of the softirqs counted on CPU{cpu} ({human_count(counts[vector] / case.seconds)}/s)"
    return VectorShare(vector=vector, share=share, measured=False, text=text, source="/proc/softirqs")
