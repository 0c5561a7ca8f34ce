"""Numbering the distinct values of a long column, where sorting it would take ten times as long."""

from tophalf.compiled import compiled_lean

KEY_BIT = 1 << 62  # stored keys have it flipped, so that 0 means free


@compiled_lean
def number(values, groups, slots, distinct):
    """Number values in order of first appearance: groups[i] is the number of values[i], distinct[n] the value of n.

    slots: zeros, pairs of (stored value, number), a power of two of them; distinct: half as many. Returns how many
    distinct values there are, -1 when that is more than there is room for.
    """
    last = len(slots) // 2 - 1
    count = 0
    for index in range(len(values)):
        value = values[index]
        stored = value ^ KEY_BIT
        slot = (value ^ value >> 6 ^ value >> 18) & last
        while slots[2 * slot] != stored and slots[2 * slot] != 0:
            slot = (slot + 1) & last
        if slots[2 * slot] == 0:
            if count == len(distinct):
                return -1
            slots[2 * slot] = stored
            slots[2 * slot + 1] = count
            distinct[count] = value
            count += 1
        groups[index] = slots[2 * slot + 1]
    return count
