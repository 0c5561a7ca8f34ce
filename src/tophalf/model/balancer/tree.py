"""The machine as irqbalance sees it: nodes, packages, cache domains and CPUs, each with interrupts, load and a mask.

cputree.c do_one_cpu, add_cpu_to_cache_domain, add_cache_domain_to_package; numa.c; classify.c. Caches are those of its default
--deepestcache=2: of a core. Left out: the order in which sysfs lists directories, which is that of a hash (here: by number); nodes
within a package, which the model does not have; --banmod, policy scripts, -c, -p, -e.
"""

UNLIMITED = (1 << 31) - 1
NODE, PACKAGE, CACHE, CPU = range(4)
# balance levels, and what each class of interrupts gets (types.h, classify.c map_class_to_level)
BALANCE_NONE, BALANCE_PACKAGE, BALANCE_CACHE, BALANCE_CORE = range(4)
OTHER, LEGACY, STORAGE, VIDEO, ETHERNET = range(5)
LEVELS = (BALANCE_PACKAGE, BALANCE_CACHE, BALANCE_CORE, BALANCE_CORE, BALANCE_CORE)
# classify.c map_pci_irq_class: by the major class code of PCI; of serial buses (0x0c) by the minor one
MAJOR = {
    0x01: STORAGE, 0x02: ETHERNET, 0x03: VIDEO, 0x06: LEGACY, 0x09: LEGACY, 0x0D: ETHERNET, 0x0E: STORAGE, 0x12: LEGACY,
    0x13: LEGACY,
}  # fmt: skip
SERIAL_STORAGE = (0x04, 0x06)


class Object:
    """A node, package, cache domain or CPU. cpus: its mask; interrupts, children: in order."""

    def __init__(self, kind, number, cpus=()):
        self.kind, self.number, self.cpus = kind, number, set(cpus)
        self.load, self.last_load, self.irq_count, self.slots_left = 0, 0, 0, UNLIMITED
        self.interrupts, self.children, self.parent = [], [], None

    def adopt(self, child):
        if child not in self.children:
            self.children.append(child)
            child.parent = self


class Interrupt:
    """One line. order: as it came into the database; node: an Object or None; where: the Object it is assigned to, or None."""

    def __init__(self, irq, irq_class, node, order):
        self.irq, self.irq_class, self.node, self.order = irq, irq_class, node, order
        self.level, self.count, self.last_count, self.load = LEVELS[irq_class], 0, 0, 0
        self.moved, self.where = False, None

    @property
    def rank(self):
        """classify.c sort_irqs: heaviest class and load first; of equals, by address in memory, the last one made."""
        return -self.irq_class, -self.load, -self.order


class Tree:
    """nodes, packages, caches, cpus: all Objects of a kind; interrupts: those that are not banned; waiting: those to be placed."""

    def __init__(self, topology, banned):
        self.nodes = [Object(NODE, number, cpus) for number, cpus in sorted(topology.nodes.items())]
        self.packages, self.caches, self.cpus, self.interrupts, self.waiting = [], [], [], [], []
        self.free = {cpu for cpu in topology.possible if cpu not in banned}
        self.online = set(topology.online)
        for cpu in topology.online:
            if cpu in self.free:
                self._add_cpu(topology, cpu)

    def _add_cpu(self, topology, number):
        cpu, node = Object(CPU, number, (number,)), topology.node_of[number]
        cache = self._find(self.caches, CACHE, topology.siblings[number])
        members = [each for each, package in topology.package_of.items() if package == topology.package_of[number]]
        package = self._find(self.packages, PACKAGE, members, topology.package_of[number])
        cache.adopt(cpu)
        package.adopt(cache)
        next(each for each in self.nodes if each.number == node).adopt(package)
        self.cpus.append(cpu)

    def _find(self, objects, kind, cpus, number=None):
        """The object with these CPUs, as far as they are not banned."""
        mask = set(cpus) & self.free
        found = next((each for each in objects if each.cpus == mask), None)
        if found is None:
            found = Object(kind, len(objects) if number is None else number, mask)
            objects.append(found)
        return found

    def kinds(self):
        return self.cpus, self.caches, self.packages, self.nodes


def class_of(code):
    """The class of a PCI device by its class code."""
    major = code >> 16
    if major == 0x0C:
        return STORAGE if code >> 8 & 0xFF in SERIAL_STORAGE else LEGACY
    return MAJOR.get(major, OTHER)
