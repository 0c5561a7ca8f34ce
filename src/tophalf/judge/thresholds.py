"""Every limit that a rule compares with, each beside its argument. Shares are fractions of one CPU; rates are per second.

Severity follows cost. COST_* are the common scale: what a finding takes from one CPU, wherever a rule can tell.
"""

# A tenth of a core is what an owner would notice missing and could win back with one command. Half a core taken by
# interrupt work is where latency doubles (M/M/1: waiting = service x share / (1 - share) reaches 1 at one half).
COST_WARNING = 0.10
COST_CRITICAL = 0.50

# One hardirq costs 0.5-2 us on present hardware, entry to exit, before its handler has done anything. The lower figure
# keeps estimates from counts honest: the true cost is at least this.
INTERRUPT_NS_MIN = 500

# --- irq-storm -------------------------------------------------------------------------------------------------------
# No device without packets or blocks to move has an event every 50 us: USB's microframe is 125 us, an RTC stops at 8,192/s.
STORM_RATE_MIN = 20_000
# "Far above its own past": ten times. Load doubles and triplicates in a day; a factor of ten within seconds is a fault
# or a flood, and floods do work, which is asked too.
STORM_PAST_RATIO = 10
# Work is softirqs raised on the CPU where the line lands. Coalescing and NAPI make one interrupt stand for many
# packets, never many interrupts for one: under one softirq in ten interrupts nothing was delivered.
STORM_WORK_RATIO_MAX = 0.1
# A steady rate that only packets, blocks or a fault explain: ten times what USB or an RTC can make.
STORM_RATE_STEADY = 100_000
# An interrupt of a storm is taken in full each time: entry, handlers, EOI (through the IO-APIC for a level line), exit.
STORM_INTERRUPT_NS = 2_000
# Elapsed time that is in no column of /proc/stat: ticks that could not run. Guests lose some at rest (seen: 5 % over ten
# idle seconds, 24 % in a worst second), so it counts from a quarter, and only beside a rate.
LOST_SHARE = 0.25

# --- irq-unhandled ---------------------------------------------------------------------------------------------------
# The kernel gives up at 99,900 of 100,000 (kernel/irq/spurious.c note_interrupt). A shared line has unclaimed calls by
# design, and a healthy machine shows `unhandled 1`: half of at least a thousand is not by design.
UNHANDLED_COUNT_MIN = 1_000
UNHANDLED_SHARE_INFORMATION = 0.1
UNHANDLED_SHARE_WARNING = 0.5

# --- times, from events ----------------------------------------------------------------------------------------------
# A median over fewer calls is a few outliers' word.
CALLS_MIN = 20
# The field's figure for a hardirq handler (interrupts are off all that time). A handler's normal work takes 1-20 us.
HANDLER_NS = 100_000
# A single call is worth a line when it could have cost something: in half a ms a ring of 256 overflows at 500,000 packets/s.
HANDLER_OUTLIER_NS = 500_000
HANDLER_SHARE_CRITICAL = COST_CRITICAL
# Five ms with interrupts off loses ticks at HZ=250 and overruns a NIC ring of 512 at 100,000 packets a second.
HANDLER_NS_CRITICAL = 5_000_000
# kernel/softirq.c stops restarting after 2 ms (MAX_SOFTIRQ_TIME): a single vector's run that long is the kernel's own
# idea of too much, and everything else on the CPU waited for it.
SOFTIRQ_RUN_NS = 2_000_000
# A raised softirq runs at the end of the interrupt that raised it: microseconds. One ms is half that time budget.
SOFTIRQ_WAIT_NS = 1_000_000
# kernel/workqueue.c wq_cpu_intensive_thresh_us: the kernel's own limit for a work item that hogs its CPU.
WORK_RUN_NS = 10_000_000
# The same figure on the other side: work that waits longer than any item may run before it is called a hog.
WORK_WAIT_NS = 10_000_000

# --- where interrupts land -------------------------------------------------------------------------------------------
# With two CPUs an even split is 0.5 and a lopsided but harmless one 0.66: above 0.7 one CPU does the others' share.
IMBALANCE_SHARE = 0.7
# A line or queue that makes less than a tenth of a CPU's interrupt work is not what makes that CPU busy.
IMBALANCE_PART = 0.1
# A line is busy above this rate; below, moving it changes nothing that can be measured.
BUSY_LINE_RATE = 10
# Under NAPI a flooded queue has almost no interrupts: then packets tell that it is busy.
BUSY_QUEUE_PACKETS = 1_000
# Layout is information until the interrupt work of that CPU costs; and it can be helped only if another CPU has room.
IMBALANCE_COST_WARNING = 0.30
IDLER_BY = 0.20
# After a mask is written one interrupt may still land on the old CPU (the move waits for it), a few with a vector
# cleanup pending; ten is beyond any of that.
OUTSIDE_MASK_COUNT = 10
OUTSIDE_MASK_SHARE = 0.01
OUTSIDE_MASK_RATE_WARNING = 100
# An isolated CPU was set aside for a task that must not be disturbed. Ten a second is jitter every 100 ms; below one a
# second it is housekeeping that happens on any kernel.
ISOLATED_RATE_INFORMATION = 1
ISOLATED_RATE_WARNING = 10
# Crossing nodes costs about 100 ns a cache line: worth a line at a hundred interrupts a second, a warning with cost.
REMOTE_RATE = 100
REMOTE_SHARE = 0.5
PINNED_RATE = 10
# Two queues on one CPU are two too many only while other CPUs have none, which is asked too.
STACKED_QUEUES = 2

# --- softirqs --------------------------------------------------------------------------------------------------------
# The field's figure: over half a core means softirqs come faster than inline passes take them.
KSOFTIRQD_SHARE = 0.50
KSOFTIRQD_SHARE_CRITICAL = 0.80
# One vector with most of the softirqs matters when softirqs take a tenth of a core, or so often that they must: at 2 us
# a packet or run 50,000/s are that tenth. (The softirq column is sampled at ticks and can miss what ticks start.)
DOMINANT_SHARE = 0.6
DOMINANT_RATE = 50_000
DOMINANT_COST_INFORMATION = 0.10
# SCHED, RCU and TIMER come with each tick, up to HZ=1000 each; BLOCK and the rest below this are a busy machine's day.
DOMINANT_COST_WARNING = 0.50

# --- network ---------------------------------------------------------------------------------------------------------
# One lost packet in ten thousand halves the throughput of a TCP flow at 10 ms round trip (Mathis: 1/sqrt(loss)).
DROP_SHARE_WARNING = 0.0001
DROP_SHARE_CRITICAL = 0.01
# A single burst at a link change drops some; ten a second is a state.
DROP_RATE_WARNING = 10
# A healthy machine shows a time_squeeze now and then (seen: one or two in ten seconds).
SQUEEZE_RATE = 1
# Squeezed passes are a warning where they are the rule, not the exception, and the CPU has no time left.
SQUEEZE_SHARE_WARNING = 0.10
SQUEEZE_RATE_WARNING = 100
NAPI_FULL_SHARE = 0.5
# About 1 us of CPU for an interrupt: 20,000/s without coalescing waste 2 % of a core, 100,000/s a tenth.
COALESCE_RATE = 20_000
COALESCE_RATE_WARNING = 100_000
COALESCE_PACKETS_PER_INTERRUPT = 2
# Queues matter once a device gives a CPU something to do.
QUEUE_PACKETS_MIN = 10_000
QUEUE_COST_INFORMATION = 0.20
QUEUE_COST_WARNING = 0.50
# Every RPS hop is an IPI and a second cache miss for a packet; with a queue for each CPU it buys nothing.
RPS_PACKETS_MIN = 1_000

# --- IPIs, vectors, threads ------------------------------------------------------------------------------------------
# An IPI costs 1-4 us on the target. 20,000/s on one CPU is 2-8 % of it: common in busy databases; 100,000/s is not.
IPI_RATE_INFORMATION = 20_000
IPI_RATE_WARNING = 100_000
# x86: 256 less 32 exceptions (FIRST_EXTERNAL_VECTOR), about 20 system vectors from the top and the legacy few: the
# kernel's matrix hands out about 200 a CPU.
VECTORS_PER_CPU = 200
VECTORS_SHARE = 0.8
# An irq thread is worth naming at a twentieth of a core; it is a warning at the common scale's upper end.
THREAD_SHARE_INFORMATION = 0.05
THREAD_SHARE_WARNING = 0.50
THREAD_SHARE_CRITICAL = 0.90
