"""The kernel's words as numbers and names, for readers, judges and the model alike.

Plain integers, not enums: compiled code needs them as constants, and `enum` costs import time on the live path.
"""

# include/linux/interrupt.h: softirq vectors in the order in which one pass runs them
SOFTIRQS = ("HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU")
HI, TIMER, NET_TX, NET_RX, BLOCK, IRQ_POLL, TASKLET, SCHED, HRTIMER, RCU = range(10)

# Event kinds: one per tracepoint that tophalf understands. The argument columns of each are in EVENT_ARGUMENTS.
OTHER = 0
IRQ_HANDLER_ENTRY = 1
IRQ_HANDLER_EXIT = 2
SOFTIRQ_RAISE = 3
SOFTIRQ_ENTRY = 4
SOFTIRQ_EXIT = 5
TASKLET_ENTRY = 6
TASKLET_EXIT = 7
NAPI_POLL = 8
WORKQUEUE_QUEUE_WORK = 9
WORKQUEUE_ACTIVATE_WORK = 10
WORKQUEUE_EXECUTE_START = 11
WORKQUEUE_EXECUTE_END = 12
SCHED_SWITCH = 13
SCHED_WAKEUP = 14
SCHED_WAKING = 15
VECTOR_ENTRY = 16
VECTOR_EXIT = 17

EVENT_NAMES = (
    "other", "irq_handler_entry", "irq_handler_exit", "softirq_raise", "softirq_entry", "softirq_exit",
    "tasklet_entry", "tasklet_exit", "napi_poll", "workqueue_queue_work", "workqueue_activate_work",
    "workqueue_execute_start", "workqueue_execute_end", "sched_switch", "sched_wakeup", "sched_waking",
    "vector_entry", "vector_exit",
)  # fmt: skip

# What the columns a, b, c (integers) and name (index into EventTable.strings, -1: none) hold for each kind.
# The column pid is always the task that was running: for sched_switch that is prev_pid.
EVENT_ARGUMENTS = {
    OTHER: ("event_id", None, None, "event"),
    IRQ_HANDLER_ENTRY: ("irq", None, None, "action"),
    IRQ_HANDLER_EXIT: ("irq", "ret", None, None),
    SOFTIRQ_RAISE: ("vec", None, None, None),
    SOFTIRQ_ENTRY: ("vec", None, None, None),
    SOFTIRQ_EXIT: ("vec", None, None, None),
    TASKLET_ENTRY: ("tasklet", "func", None, None),
    TASKLET_EXIT: ("tasklet", "func", None, None),
    NAPI_POLL: ("napi", "work", "budget", "dev_name"),
    WORKQUEUE_QUEUE_WORK: ("work", "function", "cpu", "workqueue"),
    WORKQUEUE_ACTIVATE_WORK: ("work", "function", None, None),
    WORKQUEUE_EXECUTE_START: ("work", "function", None, None),
    WORKQUEUE_EXECUTE_END: ("work", "function", None, None),
    SCHED_SWITCH: ("next_pid", "prev_state", "next_prio", "next_comm"),
    SCHED_WAKEUP: ("pid", "target_cpu", "prio", "comm"),
    SCHED_WAKING: ("pid", "target_cpu", "prio", "comm"),
    VECTOR_ENTRY: ("vector", None, None, "handler"),
    VECTOR_EXIT: ("vector", None, None, "handler"),
}

# include/linux/trace_events.h enum trace_flag_type: the low byte of the column flags (common_flags) ...
FLAG_IRQS_OFF = 0x01
FLAG_NEED_RESCHED_LAZY = 0x02
FLAG_NEED_RESCHED = 0x04
FLAG_HARDIRQ = 0x08
FLAG_SOFTIRQ = 0x10
FLAG_PREEMPT_RESCHED = 0x20
FLAG_NMI = 0x40
FLAG_BH_OFF = 0x80
# ... and one of ours: events were lost on this CPU between this event and the one before it.
FLAG_LOST_BEFORE = 0x100

NAPI_POLL_WEIGHT = 64  # include/linux/netdevice.h: what one poll may take
SOFTIRQ_RESTART_MAX = 10  # kernel/softirq.c MAX_SOFTIRQ_RESTART: pre-decremented, so 10 passes in all

# include/uapi/linux/if_link.h struct rtnl_link_stats64, in its order; newer kernels append
LINK_STATS = (
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped", "multicast",
    "collisions", "rx_length_errors", "rx_over_errors", "rx_crc_errors", "rx_frame_errors", "rx_fifo_errors",
    "rx_missed_errors", "tx_aborted_errors", "tx_carrier_errors", "tx_fifo_errors", "tx_heartbeat_errors",
    "tx_window_errors", "rx_compressed", "tx_compressed", "rx_nohandler", "rx_otherhost_dropped",
)  # fmt: skip

# include/uapi/linux/sched.h: policies by number
SCHED_POLICIES = ("SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", None, "SCHED_IDLE", "SCHED_DEADLINE", "SCHED_EXT")
PF_KTHREAD = 0x00200000  # include/linux/sched.h
KTHREADD = 2  # init/main.c rest_init: the parent of every kernel thread

COUNTER_WRAP = 1 << 32  # a cell of /proc/interrupts and /proc/softirqs is an unsigned int (include/linux/kernel_stat.h)


def human_ns(ns):
    """A time as people say it: 864 µs, 1.25 ms, 20.9 s. ns: int or float, or None (said as '-')."""
    if ns is None:
        return "-"
    for unit_ns, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if abs(ns) >= unit_ns:
            return f"{ns / unit_ns:.3g} {unit}" if abs(ns) < 999.5 * unit_ns else f"{ns / unit_ns:.0f} {unit}"
    return f"{ns:.0f} ns"


def human_count(count):
    """A count or rate as people say it: 78, 1,500, 78.0k, 14.9M; None is '-'."""
    if count is None:
        return "-"
    if abs(count) >= 999_500:  # rounded to three digits a million
        return f"{count / 1e6:.3g}M" if abs(count) < 999.5e6 else f"{count / 1e9:.3g}G"
    if abs(count) >= 1e4:
        return f"{count / 1e3:.3g}k"
    return f"{count:,.0f}" if abs(count) >= 10 or count == int(count) else f"{count:.1f}"


def cpu_list(cpus):
    """CPU numbers in the kernel's list form (lib/bitmap.c bitmap_print_list): 0-3,8. None is '-'; none is ''."""
    if cpus is None:
        return "-"
    parts, run = [], []
    for cpu in [*sorted(cpus), None]:
        if run and (cpu is None or cpu != run[-1] + 1):
            parts.append(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}")
            run = []
        run.append(cpu)
    return ",".join(parts)


def cpu_mask(cpus):
    """CPU numbers as the kernel reads a mask (lib/bitmap.c bitmap_parse): hex words of 32 bits, the highest without zeros."""
    bits, words = sum(1 << cpu for cpu in set(cpus)), []
    while bits or not words:
        words.append(bits & 0xFFFFFFFF)
        bits >>= 32
    return ",".join([f"{words[-1]:x}", *(f"{word:08x}" for word in reversed(words[:-1]))])
