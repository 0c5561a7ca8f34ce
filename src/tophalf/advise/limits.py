"""Every limit that the decision tree compares with, beside its argument. Times in ns, shares are fractions of one CPU.

They are the kernel's own figures where it has one, and chosen where it has none; none is measured here. What a choice costs on a
given load is what the comparison is for. Leaves out: differences between machines; `tophalf costs --measure` has those.
"""

from tophalf.driver.endings import TOO_LONG_NS

# Chosen: handing work to a thread takes two context switches, 3 us as `tophalf costs` assumes, and a tenth of the 100 us at which a
# handler is called slow (the chapter's figure). Below, deferring costs about as much as the work itself, and nothing waits long.
TOP_HALF_WORK_NS = 10_000
# Chosen: interrupts are off for this share of the time then; a tenth of a core is what an owner would notice.
TOP_HALF_SHARE = 0.10

# What `tophalf lint` calls too long where a CPU's softirqs wait, the chapter's figure for handlers: packets, timers and other
# drivers' tasklets on that CPU stand behind it.
SOFTIRQ_WORK_NS = TOO_LONG_NS
# kernel/softirq.c MAX_SOFTIRQ_TIME: after 2 ms handle_softirqs leaves the rest to ksoftirqd; it looks only between passes.
SOFTIRQ_BUDGET_NS = 2_000_000

# kernel/workqueue.c wq_cpu_intensive_thresh_us: what runs longer than 10 ms is a hog to the kernel; as a SCHED_FIFO thread of
# priority 50 it would keep every ordinary task off its CPU for so long.
THREAD_WORK_NS = 10_000_000

# Chosen: a thread of SCHED_FIFO runs a wake-up and a context switch after the interrupt (a few us), later where the kernel is not
# preemptible for a moment. Who must begin sooner than this needs the softirq at the interrupt's end.
THREAD_LATENCY_NS = 20_000
# As `tophalf costs` assumes: one switch to the thread, one back, 1.5 us each. At a high rate that alone is a share of the CPU.
THREAD_SWITCHES_NS = 3_000
THREAD_SHARE = 0.10

# Linux 6.9, commit 4cb1ef64609f "workqueue: Implement BH workqueues to eventually replace tasklets"
BH_WORK_SINCE = (6, 9)
# Linux 6.17, commit 930c2ea566af "workqueue: Add new WQ_PERCPU flag": a queue says which of both it is
WQ_PERCPU_SINCE = (6, 17)
