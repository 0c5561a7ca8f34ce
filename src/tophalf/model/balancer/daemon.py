"""irqbalance at work: at its start it puts all interrupts on its list, at each interval it reads, decides and writes.

irqbalance.c main, scan; procinterrupts.c parse_proc_interrupts; activate.c activate_mapping. It reads what its files say and
nothing else: counts, ticks, masks, the topology, PCI classes. It is a task that a timer wakes, reads for `cost`, and writes then,
all at that moment. Left out: its socket, SIGHUP, --oneshot, thermal events, GLib's shifting of timers to common seconds, lines
that appear while it runs.
"""

from tophalf.model.actors import add_daemon
from tophalf.model.balancer.loads import take_loads
from tophalf.model.balancer.placement import calculate_placement, force_rebalance, update_migration_status
from tophalf.model.balancer.tree import BALANCE_NONE, CPU, OTHER, Interrupt, Tree, class_of
from tophalf.model.irq import managefields as g
from tophalf.model.machine.cputimes import cpu_ticks
from tophalf.model.machine.facts import read_pci, read_topology
from tophalf.model.machine.lines import read_interrupts, requested
from tophalf.model.machine.sight import Sight
from tophalf.model.orders.lines import write_affinity
from tophalf.model.orders.order import answer
from tophalf.vocab import cpu_list

IRQ_COLUMN, SOFTIRQ_COLUMN = 5, 6  # of a line of /proc/stat
TRANSIENT = {g.EBUSY, g.EINVAL}  # activate.c: tried again at the next interval


class Files:
    """What it reads and writes, of a world at this moment."""

    def __init__(self, world):
        self._world, self._sight = world, Sight(world)

    def topology(self):
        return read_topology(self._sight)

    def devices(self):
        """{line: PciDevice} of those that belong to one."""
        return read_pci(self._sight) or {}

    def counts(self):
        """(CPUs that have a column, {line: count}) of /proc/interrupts."""
        found = read_interrupts(self._sight)
        return found.cpus, {number: sum(found.lines[str(number)].counts) for number in self._sight.lines}

    def ticks(self):
        """{cpu: irq + softirq} of /proc/stat, in ticks of USER_HZ."""
        columns = {cpu: cpu_ticks(self._sight, self._sight.builder.cpus[cpu]) for cpu in self._sight.online}
        return {cpu: each[IRQ_COLUMN] + each[SOFTIRQ_COLUMN] for cpu, each in columns.items()}

    def mask(self, irq):
        return requested(self._sight, irq)

    def write(self, irq, cpus):
        """Returns 0 or -errno."""
        error, why = write_affinity(self._world, self._world.builder.irqs[irq], cpus)
        answer(self._world, f"irqbalance: write of CPU {cpu_list(cpus)} to smp_affinity of IRQ {irq}", error, why)
        return error


class Irqbalance:
    """One daemon. bans: numbers of lines; banned_cpus: CPUs that it keeps off."""

    def __init__(self, bans=(), banned_cpus=()):
        self.bans, self.banned = set(bans), set(banned_cpus)
        self.tree, self.cycle = None, 0

    def turn(self, files):
        """What it does when it wakes, the first time it only looks. files: Files, or what has its methods."""
        cpus, counts = files.counts()
        if self.tree is None or set(cpus) != self.tree.online:
            self._look_anew(files, counts)
            return
        for one in self.tree.interrupts:
            one.load, one.last_count, one.count = 0, one.count, counts[one.irq]
        take_loads(self.tree, files.ticks(), self.cycle == 0)
        if self.cycle:
            update_migration_status(self.tree)
        calculate_placement(self.tree, self.banned)
        for one in self.tree.interrupts:
            self._activate(files, one)
        self.cycle += 1

    def _look_anew(self, files, counts):
        """build_object_tree: all interrupts are to be placed, whatever their masks are. Also after CPUs came or went."""
        self.tree, self.cycle = Tree(files.topology(), self.banned), 0
        devices, nodes = files.devices(), {node.number: node for node in self.tree.nodes}
        for order, number in enumerate(sorted(counts, key=lambda number: _place(devices, number))):
            if number not in self.bans:
                device = devices.get(number)
                irq_class = class_of(device.class_code) if device else OTHER
                one = Interrupt(number, irq_class, nodes.get(device.node if device else None), order)
                one.count = counts[number]
                self.tree.interrupts.append(one)
        for one in self.tree.interrupts:
            force_rebalance(self.tree, one)
        take_loads(self.tree, files.ticks(), True)

    def _activate(self, files, one):
        """Write the mask of the object that a line was moved to, where it is not that already."""
        if not one.moved or one.where is None:
            return
        cpus = tuple(sorted(one.where.cpus & self.tree.online))
        error = 0 if set(files.mask(one.irq)) == set(cpus) else files.write(one.irq, cpus)
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


def _place(devices, number):
    """Where a line stands in the database: devices in order of address, then what has none."""
    return (0, devices[number].address, number) if number in devices else (1, "", number)


def add_irqbalance(builder, start_ns, interval_ns, cpu, cost, bans=(), banned_cpus=()):
    """A daemon that starts at start_ns and wakes each interval_ns. cpu: number of the one it runs on; cost: what reading takes.

    Returns its task.
    """

    def make(_):
        daemon = Irqbalance(bans, banned_cpus)
        return lambda world: daemon.turn(Files(world))

    return add_daemon(builder, "irqbalance", start_ns, interval_ns, cpu, cost, make)
