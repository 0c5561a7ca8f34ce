"""DIM: a driver measures what its queue does and steps through profiles of rx-usecs and rx-frames. lib/dim/net_dim.c, dim.c.

A function of samples (time, packets, bytes, events), every 64 events: is more done than before, or the same with fewer interrupts?
As long as it gets better, on in that direction, else back; at the top it parks. Left out: completions (comps), which net_dim
measures and does not compare; rdma_dim.
"""

from tophalf.model.ground.jit import compiled
from tophalf.model.net.driverfields import (
    A_BPMS,
    A_EPMS,
    A_PPMS,
    A_PROFILE,
    A_START_BYTES,
    A_START_EVENTS,
    A_START_NS,
    A_START_PACKETS,
    A_STATE,
    A_STEPS_LEFT,
    A_STEPS_RIGHT,
    A_TIRED,
    A_TUNE,
)

# include/linux/dim.h
DIM_NEVENTS, PROFILES = 64, 5
DIM_START_MEASURE, DIM_MEASURE_IN_PROGRESS, DIM_APPLY_NEW_PROFILE = range(3)
DIM_PARKING_ON_TOP, DIM_PARKING_TIRED, DIM_GOING_RIGHT, DIM_GOING_LEFT = range(4)
DIM_STATS_WORSE, DIM_STATS_SAME, DIM_STATS_BETTER = range(3)
DIM_STEPPED, DIM_TOO_TIRED, DIM_ON_EDGE = range(3)
DEFAULT_PROFILE = 1  # NET_DIM_DEF_PROFILE_EQE, NET_DIM_DEF_PROFILE_CQE
# Profiles by direction and the moment from which a device counts the period: (usecs, packets)
RX_EQE = tuple((usecs, 256) for usecs in (1, 8, 64, 128, 256))
RX_CQE = ((2, 256), (8, 128), (16, 64), (32, 64), (64, 64))
TX_EQE = tuple((usecs, 128) for usecs in (1, 8, 32, 64, 128))
TX_CQE = ((5, 128), (8, 64), (16, 32), (32, 32), (64, 32))
U16, U32 = (1 << 16) - 1, (1 << 32) - 1


@compiled
def net_dim(m, dim, time_ns, events, packets, size):
    """A sample, size: bytes. Returns whether another profile is to be applied: no more is measured until that is done."""
    if m[dim + A_STATE] == DIM_APPLY_NEW_PROFILE:
        return False
    if m[dim + A_STATE] == DIM_MEASURE_IN_PROGRESS:
        delta_us = ((time_ns - m[dim + A_START_NS]) // 1000) & U32
        if (events - m[dim + A_START_EVENTS]) & U16 < DIM_NEVENTS or delta_us == 0:
            return False
        ppms = rate((packets - m[dim + A_START_PACKETS]) & U32, delta_us)
        bpms = rate((size - m[dim + A_START_BYTES]) & U32, delta_us)
        if decide(m, dim, ppms, bpms, rate(DIM_NEVENTS, delta_us)):
            m[dim + A_STATE] = DIM_APPLY_NEW_PROFILE
            return True
    m[dim + A_START_NS] = time_ns
    m[dim + A_START_EVENTS] = events
    m[dim + A_START_PACKETS] = packets
    m[dim + A_START_BYTES] = size
    m[dim + A_STATE] = DIM_MEASURE_IN_PROGRESS
    return False


@compiled
def rate(count, delta_us):
    """So many a millisecond, rounded up."""
    return (count * 1000 + delta_us - 1) // delta_us


@compiled
def decide(m, dim, ppms, bpms, epms):
    """net_dim_decision. Returns whether the profile is another now."""
    before, profile = m[dim + A_TUNE], m[dim + A_PROFILE]
    if before == DIM_PARKING_TIRED:
        m[dim + A_TIRED] -= 1
        if m[dim + A_TIRED] == 0:
            exit_parking(m, dim)
    elif before == DIM_PARKING_ON_TOP:
        if compare(m, dim, ppms, bpms, epms) != DIM_STATS_SAME:
            exit_parking(m, dim)
    else:
        if compare(m, dim, ppms, bpms, epms) != DIM_STATS_BETTER:
            turn(m, dim)
        go_on(m, dim)
    if before != DIM_PARKING_ON_TOP or m[dim + A_TUNE] != DIM_PARKING_ON_TOP:
        m[dim + A_PPMS] = ppms
        m[dim + A_BPMS] = bpms
        m[dim + A_EPMS] = epms
    return m[dim + A_PROFILE] != profile


@compiled
def go_on(m, dim):
    """On the way: park at the top, else a step."""
    if on_top(m, dim):
        park(m, dim, DIM_PARKING_ON_TOP)
        m[dim + A_TIRED] = 0
        return
    stepped = step(m, dim)
    if stepped == DIM_ON_EDGE:
        park(m, dim, DIM_PARKING_ON_TOP)
        m[dim + A_TIRED] = 0
    elif stepped == DIM_TOO_TIRED:
        park(m, dim, DIM_PARKING_TIRED)


@compiled
def compare(m, dim, ppms, bpms, epms):
    """net_dim_stats_compare: bytes first, then packets, then fewer events, each if it differs by more than a tenth."""
    if m[dim + A_BPMS] == 0:
        return DIM_STATS_BETTER if bpms else DIM_STATS_SAME
    if is_significant(bpms, m[dim + A_BPMS]):
        return DIM_STATS_BETTER if bpms > m[dim + A_BPMS] else DIM_STATS_WORSE
    if m[dim + A_PPMS] == 0:
        return DIM_STATS_BETTER if ppms else DIM_STATS_SAME
    if is_significant(ppms, m[dim + A_PPMS]):
        return DIM_STATS_BETTER if ppms > m[dim + A_PPMS] else DIM_STATS_WORSE
    if m[dim + A_EPMS] and is_significant(epms, m[dim + A_EPMS]):
        return DIM_STATS_BETTER if epms < m[dim + A_EPMS] else DIM_STATS_WORSE
    return DIM_STATS_SAME


@compiled
def is_significant(value, reference):
    return 100 * abs(value - reference) // reference > 10


@compiled
def step(m, dim):
    """net_dim_step."""
    if m[dim + A_TIRED] == 2 * PROFILES:
        return DIM_TOO_TIRED
    if m[dim + A_TUNE] == DIM_GOING_RIGHT:
        if m[dim + A_PROFILE] == PROFILES - 1:
            return DIM_ON_EDGE
        m[dim + A_PROFILE] += 1
        m[dim + A_STEPS_RIGHT] += 1
    elif m[dim + A_TUNE] == DIM_GOING_LEFT:
        if m[dim + A_PROFILE] == 0:
            return DIM_ON_EDGE
        m[dim + A_PROFILE] -= 1
        m[dim + A_STEPS_LEFT] += 1
    m[dim + A_TIRED] += 1
    return DIM_STEPPED


@compiled
def on_top(m, dim):
    """dim_on_top: more than one step was made, and one back."""
    if m[dim + A_TUNE] == DIM_GOING_RIGHT:
        return m[dim + A_STEPS_LEFT] > 1 and m[dim + A_STEPS_RIGHT] == 1
    return m[dim + A_STEPS_RIGHT] > 1 and m[dim + A_STEPS_LEFT] == 1


@compiled
def turn(m, dim):
    """dim_turn."""
    if m[dim + A_TUNE] == DIM_GOING_RIGHT:
        m[dim + A_TUNE] = DIM_GOING_LEFT
        m[dim + A_STEPS_LEFT] = 0
    else:
        m[dim + A_TUNE] = DIM_GOING_RIGHT
        m[dim + A_STEPS_RIGHT] = 0


@compiled
def park(m, dim, state):
    m[dim + A_STEPS_LEFT] = m[dim + A_STEPS_RIGHT] = 0
    m[dim + A_TUNE] = state


@compiled
def exit_parking(m, dim):
    m[dim + A_TUNE] = DIM_GOING_LEFT if m[dim + A_PROFILE] else DIM_GOING_RIGHT
    step(m, dim)
