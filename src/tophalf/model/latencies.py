"""Latencies of packets and requests out of the cells that the engine counts them in (fields.HISTOGRAM_SIZE)."""

from tophalf.model.fields import CELL_BITS, HISTOGRAM_SIZE

PERCENTILES = (("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999))


def cell_bounds_ns(cell):
    """[lowest, one above the highest] latency that a cell counts: exact below 128 ns, then 64 cells a power of two."""
    shift, scaled = max((cell >> CELL_BITS) - 1, 0), cell
    if cell >= 2 << CELL_BITS:
        scaled = (cell & (1 << CELL_BITS) - 1) + (1 << CELL_BITS)
    return scaled << shift, scaled + 1 << shift


def summary(cells, count, sum_ns, max_ns):
    """{mean, p50, p90, p99, p999, max}, ns: mean and max exact, percentiles by nearest rank to 1/64 of their value, never above
    the maximum. All None where nothing was counted. cells: counts by cell."""
    if not count:
        return dict.fromkeys(("mean", *(name for name, _ in PERCENTILES), "max"))
    found = {"mean": sum_ns / count}
    for name, thousandths in PERCENTILES:
        found[name] = min(_at_rank(cells, -(-count * thousandths // 1000)), max_ns)
    return found | {"max": max_ns}


def _at_rank(cells, rank):
    """The middle of the cell in which the rank-th smallest lies (counted from 1)."""
    seen = 0
    for cell, count in enumerate(cells):
        seen += count
        if seen >= rank:
            low, high = cell_bounds_ns(cell)
            return (low + high - 1) // 2
    raise ValueError("fewer are counted than there are")


def merged(histograms):
    """Cells of several histograms added up."""
    total = [0] * HISTOGRAM_SIZE
    for cells in histograms:
        total = [one + int(other) for one, other in zip(total, cells, strict=True)]
    return total
