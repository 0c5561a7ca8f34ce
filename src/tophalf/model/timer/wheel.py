"""The timer wheel: timers of drivers, good to a jiffy at best, coarser the farther away they are.

kernel/time/timer.c calc_wheel_index, enqueue_timer, forward_timer_base, collect_expired_timers. A bucket is not kept as a list:
the world's queue holds all timers that wait, in the order in which the kernel would run them: by jiffy, of one jiffy the coarser
levels first, in a bucket the last one enqueued first. Those whose jiffy has come stand in the CPU's list C_WHEEL, in the same
order, until the TIMER softirq runs them (`localtimer`). C_WHEEL_CLK is the base's clk as the last run of timers left it.

Left out: three bases a CPU (pinned, global, deferrable timers) and their order, timers that an idle CPU hands to another
(timer_migration), a timer that is started on another CPU while it runs (it would stay on the old one), TIMER_IRQSAFE, the empty
softirq of a timer that was deleted before its jiffy (next_expiry is stale then).
"""

from tophalf.model.fields import (
    C_WHEEL,
    C_WHEEL_CLK,
    G_HZ_NS,
    G_NOW,
    G_SEQ,
    H_CPU,
    H_EXPIRES,
    H_NEXT,
    T_SEQ,
    T_SLOT,
    T_TIME,
)
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.queue import arm, is_before, rise

# kernel/time/timer.c: a level has 64 buckets, each 8 times as long as those of the level before
LVL_CLK_SHIFT, LVL_SIZE, LVL_DEPTH = 3, 64, 9
HZ_100_NS = 10_000_000  # one level less there
LEVEL_KEY = 1 << 48  # more than timers are ever started


@compiled
def enqueue_timer(m, timer, cpu, expires):
    """Let a timer that is not pending run at or after the jiffy `expires`. Returns whether that has come: a tick is needed then."""
    clk = forwarded(m, cpu)
    level = level_of(m, expires - clk)
    time_ns = bucket_expiry(expires, clk, level, depth(m)) * m[G_HZ_NS]
    m[timer + H_CPU] = cpu
    m[timer + H_EXPIRES] = expires
    m[G_SEQ] += 1
    key = -(level + 1) * LEVEL_KEY - m[G_SEQ]  # before all else of that moment, the last one first
    if time_ns > m[G_NOW]:
        arm(m, timer, time_ns)
        m[timer + T_SEQ] = key
        rise(m, timer, m[timer + T_SLOT])
        return False
    m[timer + T_TIME] = time_ns
    m[timer + T_SEQ] = key
    keep_expired(m, cpu, timer)
    return True


@compiled
def stays_in_its_bucket(m, timer, cpu, expires):
    """Whether a timer that waits would go where it stands (__mod_timer): it keeps its place there."""
    if m[timer + T_SLOT] == 0 or m[timer + H_CPU] != cpu:
        return False
    if m[timer + H_EXPIRES] == expires:
        return True
    clk = forwarded(m, cpu)
    level = level_of(m, expires - clk)
    same_level = -m[timer + T_SEQ] // LEVEL_KEY == level + 1
    return same_level and bucket_expiry(expires, clk, level, depth(m)) * m[G_HZ_NS] == m[timer + T_TIME]


@compiled
def forwarded(m, cpu):
    """forward_timer_base: the base's clk at the present jiffy, or at the first that has timers which nobody has taken yet."""
    clk, now = m[cpu + C_WHEEL_CLK], m[G_NOW] // m[G_HZ_NS]
    if now <= clk:
        return clk
    timer = m[cpu + C_WHEEL]
    while timer and m[timer + T_TIME] // m[G_HZ_NS] < clk:
        timer = m[timer + H_NEXT]
    return m[timer + T_TIME] // m[G_HZ_NS] if timer else now


@inlined
def depth(m):
    return LVL_DEPTH if m[G_HZ_NS] < HZ_100_NS else LVL_DEPTH - 1


@compiled
def level_of(m, delta):
    """calc_wheel_index: the level for a time `delta` jiffies away; LVL_START(n) is the end of level n - 1."""
    level = 0
    while level < depth(m) - 1 and delta >= LVL_SIZE - 1 << level * LVL_CLK_SHIFT:
        level += 1
    return level


@compiled
def bucket_expiry(expires, clk, level, levels):
    """calc_index: the jiffy at which the bucket is run, never too early, at most WHEEL_TIMEOUT_MAX away."""
    if expires < clk:
        return clk
    cutoff = LVL_SIZE - 1 << (levels - 1) * LVL_CLK_SHIFT
    if expires - clk >= cutoff:
        expires = clk + cutoff - (1 << (levels - 1) * LVL_CLK_SHIFT)
    shift = level * LVL_CLK_SHIFT
    return (expires >> shift) + 1 << shift


@compiled
def keep_expired(m, cpu, timer):
    """A timer's jiffy has come: it waits for the softirq."""
    head, tail = cpu + C_WHEEL, cpu + C_WHEEL + 1
    link = head
    if m[head] and is_before(m, m[tail], timer):
        link = m[tail] + H_NEXT
    while m[link] and is_before(m, m[link], timer):
        link = m[link] + H_NEXT
    m[timer + H_NEXT] = m[link]
    m[link] = timer
    if m[timer + H_NEXT] == 0:
        m[tail] = timer
