"""Figures of a run that several myths use: whose time, how long packets waited, where interrupts came."""

from tophalf.myths.myth import Figure

KERNEL_TIMES = ("hardirq_ns", "softirq_ns", "ksoftirqd_ns", "irq_thread_ns", "kworker_ns")
MARGIN = 1.05  # a difference that is smaller is none: percentiles are told to 1/64


def mean_latency(found):
    """ns from a packet's arrival to its delivery, 0 where none came."""
    return found["latency_ns"]["mean"] or 0


def p99_latency(found):
    """ns, 0 where no packet came."""
    return found["latency_ns"]["p99"] or 0


def interrupt_share(found):
    """CPUs that interrupts and what they defer take, as a share of one."""
    return sum(cpu[name] for cpu in found["cpus"] for name in KERNEL_TIMES) / found["simulated_ns"]


def a_second(count, found):
    """A count of a run, a second."""
    return count / found["simulated_ns"] * 1e9


def ratio(one, other):
    """other / one, of times in ns; less than 1 ns counts as 1, so that it is a number where nothing came."""
    return other / max(one, 1)


INTERRUPTS = Figure(title="interrupts", unit="rate", of=lambda found: a_second(found["interrupts"], found))
MEAN = Figure(title="latency, mean", unit="ns", of=mean_latency)
P99 = Figure(title="latency, p99", unit="ns", of=p99_latency)
CPU = Figure(title="CPU for it", unit="share", of=interrupt_share)
DELIVERED = Figure(title="packets delivered", unit="rate", of=lambda found: a_second(found["packets"]["delivered"], found))
