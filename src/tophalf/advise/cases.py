"""Written cases: each way out of each question, just under and just over each limit, with the answer that was written down.

`tophalf defer --cases` measures them all; tests hold the tree against the answers. Leaves out: what no question of the tree asks.
"""

from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, NAPI, SOFTIRQ, TASKLET, THREAD, WORKQUEUE
from tophalf.frozen import Frozen


class Case(Frozen):
    """options: as `tophalf defer` takes them; answer: of MECHANISMS; what: for people."""

    __slots__ = ("options", "answer", "what")


CASES = tuple(Case(options=options, answer=answer, what=what) for options, answer, what in (
    ("--sleeps", THREAD, "a sensor on a slow bus"),
    ("--sleeps --rate 20 --work 10ms", THREAD, "just not a hog"),
    ("--sleeps --rate 20 --work 10001us", WORKQUEUE, "just a hog"),
    ("--sleeps --per-cpu", WORKQUEUE, "sleeps, on each CPU"),
    ("--sleeps --network", THREAD, "a network chip behind SPI"),
    ("--sleeps --block", THREAD, "an SD card's host"),
    ("--sleeps --latency 5us", THREAD, "sleeps, in a hurry"),
    ("--network --rate 100k --work 1us", NAPI, "a NIC"),
    ("--network --rate 100", NAPI, "a slow NIC all the same"),
    ("--network --rate 10k --kernel 6.1", NAPI, "a NIC before 6.9"),
    ("--block --rate 50k --work 1us", SOFTIRQ, "an NVMe queue"),
    ("--block --rate 50 --work 5ms", SOFTIRQ, "long completions"),
    ("--core", SOFTIRQ, "a part of the kernel"),
    ("--work 10us", HARDIRQ, "just short"),
    ("--work 10001ns", THREAD, "just not short"),
    ("--work 5us --rate 20000", HARDIRQ, "a tenth of a CPU"),
    ("--work 5us --rate 20001", THREAD, "just over it"),
    ("--work 5us --latency 1us", HARDIRQ, "short, and at once"),
    ("--work 100us", THREAD, "a new driver"),
    ("--work 100us --latency 20us", THREAD, "a thread just in time"),
    ("--work 100us --latency 19999ns", BH_WORK, "a thread just too late"),
    ("--work 11us --rate 33333", THREAD, "switches just under 10 %"),
    ("--work 11us --rate 33334", BH_WORK, "switches just over 10 %"),
    ("--work 100us --per-cpu", WORKQUEUE, "each CPU for itself"),
    ("--work 100us --per-cpu --latency 10us", BH_WORK, "each for itself, at once"),
    ("--work 50us --latency 10us --kernel 6.9", BH_WORK, "the first BH workqueues"),
    ("--work 50us --latency 10us --kernel 6.8", TASKLET, "the last without them"),
    ("--work 50us --latency 10us --kernel 6.1", TASKLET, "6.1"),
    ("--work 100us --kernel 5.10", THREAD, "an old kernel has threads"),
    ("--work 100us --rate 100 --latency 10us", BH_WORK, "just short for a softirq"),
    ("--work 100001ns --rate 100 --latency 10us", THREAD, "just too long for one"),
    ("--work 10001us --rate 20", WORKQUEUE, "a hog that does not sleep"),
    ("--work 200us --rate 20k --latency 50us", THREAD, "more than one CPU can do"),
))  # fmt: skip
