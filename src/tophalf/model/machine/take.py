"""A Snapshot of a world: what the kernel's files would say at this moment."""

from tophalf.model.machine import counters, cputimes, lines, logtexts
from tophalf.model.machine.facts import read_facts
from tophalf.model.machine.sight import Sight
from tophalf.snapshot import Snapshot


def take_snapshot(world, whole=True, log=True, facts=True):
    """What a host would show of a World at the end of a run, when the time of every CPU is accounted for.

    Args: whole: with what a recorder reads seldom; log: with the kernel log; facts: with what does not change. What is left out is
    None. Returns: a Snapshot.
    """
    sight = Sight(world)
    return Snapshot(
        time_ns=world.now_ns, interrupts=lines.read_interrupts(sight), softirqs=counters.read_softirqs(sight),
        stat=cputimes.read_stat(sight), udp=counters.read_udp(sight), softnet=counters.read_softnet(sight),
        threads=counters.read_threads(sight), missing={},
        log=logtexts.read_log(sight) if log else None, facts=read_facts(sight) if facts else None,
        **(_seldom(sight) if whole else {}),
    )  # fmt: skip


def _seldom(sight):
    return {
        "irq_files": lines.read_irq_files(sight), "fixed": lines.read_fixed(sight), "default_affinity": lines.default_mask(sight),
        "netdev_stats": counters.read_netdev_stats(sight),
    }  # fmt: skip

