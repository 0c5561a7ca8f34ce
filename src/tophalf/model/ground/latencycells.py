"""Where a latency is counted: its cell in a queue's histogram (fields.HISTOGRAM_SIZE; `latencies` reads it)."""

from tophalf.model.fields import CELL_BITS, Q_HISTOGRAM, SHIFT_MAX
from tophalf.model.ground.jit import bit_length, inlined


@inlined
def cell_of(m, queue, latency_ns):
    """Where a latency is counted."""
    shift = shift_of(latency_ns)
    return m[queue + Q_HISTOGRAM] + (shift << CELL_BITS) + min(latency_ns >> shift, (2 << CELL_BITS) - 1)


@inlined
def shift_of(latency_ns):
    """By how much a latency is shifted to CELL_BITS + 1 bits: 0 for those that have no more, SHIFT_MAX at most."""
    return min(max(bit_length(latency_ns) - CELL_BITS - 1, 0), SHIFT_MAX)
