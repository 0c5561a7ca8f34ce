"""Flows of a network device: their hashes, and which queue each is for by the device's indirection table (RSS).

The table is as drivers make it (include/linux/ethtool.h ethtool_rxfh_indir_default) or as ethtool -X weight fills it. A flow's hash
is the same for RSS, RPS, RFS and GRO, as a device's hash is; each device and seed has hashes of its own, as a random key gives.
"""

import zlib
from collections import Counter
from itertools import accumulate

from tophalf.errors import TophalfError
from tophalf.model.net.packets import mixed

TABLE_SIZE = 128
FLOWS_A_QUEUE = 64  # where nothing is said of flows
TURN_MAX = 1 << 20


class Spread:
    """Of one NIC: turns[queue], the hashes of its packets in turn; order: the queue of each packet of a turn of all flows."""

    def __init__(self, seed, nic):
        """Raises: TophalfError for what no device has."""
        self.nic, self.key = nic, zlib.crc32(f"{seed} {nic.name}".encode())
        self.table, self.at_first = indirection(nic), None
        weights = [_of(nic.flow_weights, at) for at in range(nic.flows or FLOWS_A_QUEUE)]
        if sum(weights) > TURN_MAX:
            raise TophalfError(f"a turn of {sum(weights):,} packets", nic.where("flow_weights"), f"at most {TURN_MAX:,}")
        self.turns = [[] for _ in range(nic.queues)]
        if nic.flows:
            self._by_hash(weights)
        else:
            self._evenly(weights)

    def _by_hash(self, weights):
        self.order = []
        for flow, weight in enumerate(weights):
            value = mixed(self.key + flow & 0xFFFFFFFF)
            queue = self.table[value % len(self.table)]
            self.turns[queue] += [value] * weight
            self.order += [queue] * weight

    def _evenly(self, weights):
        """As many flows that the table alone says how much each queue gets."""
        size = len(self.table)
        self.order = self.table
        for queue, turn in enumerate(self.turns):
            places = [place for place, other in enumerate(self.table) if other == queue]
            for flow, weight in enumerate(weights if places else ()):
                value = mixed(self.key + queue * len(weights) + flow & 0xFFFFFFFF)
                turn += [value - value % size + places[flow % len(places)]] * weight

    @property
    def is_even(self):
        """Whether all queues get the same."""
        return not self.nic.flows and not self.nic.rss_weights

    def arrivals(self, number):
        """What Builder.set_arrivals takes, for one queue."""
        nic = self.nic
        if self.is_even:
            return arrivals_of(nic, number, nic.queues)
        if nic.arrivals == "times":
            return ("times", [time for at, time in enumerate(nic.times) if self.order[at % len(self.order)] == number])
        if self.at_first is None:
            self.at_first = self.rates(nic.rate)
        rate = self.at_first[number]
        return ("bursts", nic.burst, nic.gap, rate) if nic.arrivals == "bursts" else (nic.arrivals, rate)

    def rates(self, rate):
        """What each queue gets of a rate."""
        if self.is_even:
            return even_rates(rate, self.nic.queues)
        counts = Counter(self.order)
        ends = [rate * end // len(self.order) for end in accumulate(counts[number] for number in range(self.nic.queues))]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def even_rates(rate, parts):
    """A rate in equal parts, as far as they come out even."""
    return [rate // parts + (number < rate % parts) for number in range(parts)]


def arrivals_of(entry, number=0, parts=1):
    """What Builder.set_arrivals takes, for one of `parts` equal streams."""
    rate = entry.rate // parts + (number < entry.rate % parts)
    if entry.arrivals == "bursts":
        return ("bursts", entry.burst, entry.gap, rate)
    if entry.arrivals == "times":
        return ("times", list(entry.times)[number::parts])
    return (entry.arrivals, rate)


def _of(weights, at):
    return weights[min(at, len(weights) - 1)] if weights else 1


def indirection(nic):
    """The queue of each value of a hash's lowest bits. Raises: TophalfError for weights that fit no queue."""
    size = max(TABLE_SIZE, 1 << (nic.queues - 1).bit_length())
    weights = nic.rss_weights
    if not weights:
        return [entry % nic.queues for entry in range(size)]
    if len(weights) > nic.queues or not any(weights):
        what = f"{len(weights)} weights for {nic.queues} queues"
        raise TophalfError(what, nic.where("rss_weights"), "give one for each, not all 0")
    table, queue, covered = [], -1, 0
    for entry in range(size):  # ethtool.c fill_indir_table
        while entry >= size * covered // sum(weights):
            queue += 1
            covered += weights[queue]
        table.append(queue)
    return table
