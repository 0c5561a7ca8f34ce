"""irqbalance at work: at its start it puts all interrupts on its list, at each interval it reads, decides and writes.

irqbalance.c main, scan; procinterrupts.c parse_proc_interrupts; activate.c activate_mapping. It reads what its files say and
nothing else: counts, ticks, masks, the topology, PCI classes. It is a task that a timer wakes, reads for `cost`, and writes then,
all at that moment. Left out: its socket, SIGHUP, --oneshot, thermal events, GLib's shifting of timers to common seconds, lines
that appear while it runs.
"""

from tophalf.model import managefields as g
from tophalf.model.actors import add_daemon
from tophalf.model.balancer.loads import take_loads
from tophalf.model.balancer.placement import calculate_placement, force_rebalance, update_migration_status
from tophalf.model.balancer.tree import BALANCE_NONE, CPU, OTHER, Interrupt, Tree, class_of
from tophalf.model.machine.cputimes import cpu_ticks
from tophalf.model.machine.facts import read_pci, read_topology
from tophalf.model.machine.lines import read_interrupts, requested
from tophalf.model.machine.sight import Sight
from tophalf.model.orders.lines import write_affinity
from tophalf.model.orders.order import answer
from tophalf.vocab import cpu_list

IRQ_COLUMN, SOFTIRQ_COLUMN = 5, 6  # of a line of /proc/stat
TRANSIENT = {g.EBUSY, g.EINVAL}  # activate.c: tried again at the next interval


class Irqbalance:
    """One daemon on one world. bans: numbers of lines; banned_cpus: CPUs that it keeps off."""

    def __init__(self, bans=(), banned_cpus=()):
        self.bans, self.banned = set(bans), set(banned_cpus)
        self.tree, self.cycle = None, 0

    def turn(self, world):
        """What it does when it wakes: the first time it only looks."""
        sight = Sight(world)
        if self.tree is None:
            self._look_anew(sight)
            return
        for one in self.tree.interrupts:
            one.load = 0
        if not self._read_counts(sight):
            self._look_anew(sight)
            return
        take_loads(self.tree, _ticks(sight), self.cycle == 0)
        if self.cycle:
            update_migration_status(self.tree)
        calculate_placement(self.tree, self.banned)
        for one in self.tree.interrupts:
            self._activate(world, one)
        self.cycle += 1

    def _look_anew(self, sight):
        """build_object_tree: all interrupts are to be placed, whatever their masks are. Also after CPUs came or went."""
        self.tree, self.cycle = Tree(read_topology(sight), self.banned), 0
        pci, nodes = read_pci(sight) or {}, {node.number: node for node in self.tree.nodes}
        for order, number in enumerate(sorted(sight.lines, key=lambda number: _place(pci, number))):
            if number not in self.bans:
                device = pci.get(number)
                irq_class = class_of(device.class_code) if device else OTHER
                self.tree.interrupts.append(Interrupt(number, irq_class, nodes.get(device.node if device else None), order))
        for one in self.tree.interrupts:
            force_rebalance(self.tree, one)
        self._read_counts(sight)
        take_loads(self.tree, _ticks(sight), True)

    def _read_counts(self, sight):
        """parse_proc_interrupts. Returns False where the columns are not those of the CPUs that it knows."""
        found = read_interrupts(sight)
        if set(found.cpus) != self.tree.online:
            return False
        for one in self.tree.interrupts:
            one.last_count, one.count = one.count, sum(found.lines[str(one.irq)].counts)
        return True

    def _activate(self, world, one):
        """Write the mask of the object that a line was moved to, where it is not that already."""
        if not one.moved or one.where is None:
            return
        cpus = tuple(sorted(one.where.cpus & self.tree.online))
        error = 0
        if set(requested(Sight(world), one.irq)) != set(cpus):
            error, why = write_affinity(world, world.builder.irqs[one.irq], cpus)
            answer(world, f"irqbalance: write of CPU {cpu_list(cpus)} to smp_affinity of IRQ {one.irq}", error, why)
        if error == 0:
            one.moved = False
        elif -error == g.ENOSPC:
            self._no_room(one)
        elif -error not in TRANSIENT:
            one.level, one.moved = BALANCE_NONE, False

    def _no_room(self, one):
        """The CPU has no vector left: nothing more goes there, and the line is placed anew."""
        if one.where.kind == CPU:
            one.where.slots_left = -1 if one.where.slots_left > 0 else one.where.slots_left - 1
            force_rebalance(self.tree, one)


def _place(pci, number):
    """Where a line stands in the database: devices in order of address, then what has none."""
    return (0, pci[number].address, number) if number in pci else (1, "", number)


def _ticks(sight):
    columns = {cpu: cpu_ticks(sight, sight.builder.cpus[cpu]) for cpu in sight.online}
    return {cpu: each[IRQ_COLUMN] + each[SOFTIRQ_COLUMN] for cpu, each in columns.items()}


def add_irqbalance(builder, start_ns, interval_ns, cpu, cost, bans=(), banned_cpus=()):
    """A daemon that starts at start_ns and wakes each interval_ns. cpu: number of the one it runs on; cost: what reading takes."""
    return add_daemon(builder, "irqbalance", start_ns, interval_ns, cpu, cost, lambda world: Irqbalance(bans, banned_cpus).turn)
