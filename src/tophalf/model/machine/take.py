"""A Snapshot of a world: what the kernel's files would say at this moment."""

from tophalf.model.machine import counters, cputimes, facts, lines, logtexts
from tophalf.model.machine.sight import Sight
from tophalf.snapshot import Snapshot


def take_snapshot(world, with_facts=True):
    """world: a World at the end of a run, when the time of every CPU is accounted for. Returns a Snapshot."""
    sight = Sight(world)
    return Snapshot(
        time_ns=world.now_ns, interrupts=lines.read_interrupts(sight), softirqs=counters.read_softirqs(sight),
        stat=cputimes.read_stat(sight), softnet=counters.read_softnet(sight), irq_files=lines.read_irq_files(sight),
        fixed=lines.read_fixed(sight), default_affinity=tuple(range(len(world.builder.cpus))),
        threads=counters.read_threads(sight), netdev_stats=counters.read_netdev_stats(sight), log=logtexts.read_log(sight),
        facts=facts.read_facts(sight) if with_facts else None, missing={},
    )  # fmt: skip
