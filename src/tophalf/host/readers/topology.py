"""Which CPUs share a core, a cache, a package and a node: /sys/devices/system/cpu and node, or /proc/cpuinfo."""

from tophalf.errors import FormatError
from tophalf.host.cpumask import CPUS_MAX
from tophalf.host.fields import cpu_list, integer, number, optional
from tophalf.snapshot import Topology

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"


def read_topology(root):
    """Topology; None when nothing tells even which CPUs are online.

    Sources: drivers/base/cpu.c, topology.c, cacheinfo.c, node.c; without sys/ what /proc/cpuinfo tells (online CPUs, on
    x86 packages and siblings), without that the CPU lines of /proc/stat, which are the online ones.
    """
    online = cpu_list(root, f"{CPU}/online")
    if online is None:
        return _without_sys(root)
    nodes = _nodes(root)
    package_of = _packages(root, online)
    return Topology(
        online=online, possible=cpu_list(root, f"{CPU}/possible"),
        nodes=nodes or None, node_of={cpu: node for node, cpus in nodes.items() for cpu in cpus} if nodes else None,
        package_of=package_of,
        siblings=_groups(online, lambda cpu: _siblings(root, cpu)),
        llc=_groups(online, lambda cpu: _last_level_cache(root, cpu)),
    )  # fmt: skip


def parse_cpuinfo(text, where="/proc/cpuinfo"):
    """Topology from /proc/cpuinfo (arch/x86/kernel/cpu/proc.c; other architectures print only the CPU's number).

    Raises: FormatError for a CPU number that is none.
    """
    places = {}
    place = {}
    for at, line in enumerate(text.split("\n"), 1):
        name, colon, value = line.partition(":")
        name = name.strip()
        if name == "processor" and colon:
            cpu = integer(value)
            if cpu is None or not 0 <= cpu < CPUS_MAX:
                if not places or cpu is not None:
                    raise FormatError(f"not a CPU number: {value.strip()[:40]!r}", f"{where}:{at}")
                continue  # arm's "Processor" lines and "processor : rev 0" name the model
            place = places[cpu] = {}
        elif name in ("physical id", "core id") and colon:
            place[name] = integer(value)
    return _from_places(places)


def _from_places(places):
    if not places:
        return None
    online = tuple(sorted(places))
    package_of = {cpu: place["physical id"] for cpu, place in places.items() if place.get("physical id") is not None}
    cores = {}
    for cpu, place in sorted(places.items()):
        if len(place) == 2 and None not in place.values():
            cores.setdefault((place["physical id"], place["core id"]), []).append(cpu)
    siblings = {cpu: tuple(cpus) for cpus in cores.values() for cpu in cpus}
    return Topology(online=online, package_of=package_of or None, siblings=siblings or None)


def _without_sys(root):
    text = optional(root, "/proc/cpuinfo")
    found = parse_cpuinfo(text) if text else None
    if found:
        return found
    root.missing[f"{CPU}/online"] = "not recorded"
    lines = (optional(root, "/proc/stat") or "").split("\n")
    names = [line.partition(" ")[0] for line in lines if line.startswith("cpu")]
    cpus = {integer(name[3:]) for name in names} - {None}
    online = tuple(sorted(cpu for cpu in cpus if 0 <= cpu < CPUS_MAX))
    return Topology(online=online) if online else None


def _nodes(root):
    nodes = {}
    for name in root.listing(NODE):
        node = integer(name[4:]) if name.startswith("node") else None
        cpus = None if node is None else cpu_list(root, f"{NODE}/{name}/cpulist")
        if cpus is not None:
            nodes[node] = cpus
    return nodes


def _packages(root, online):
    """{cpu: package}; one file per package where its CPUs are listed, else one per CPU."""
    package_of = {}
    for cpu in online:
        if cpu in package_of:
            continue
        folder = f"{CPU}/cpu{cpu}/topology"
        package = number(root, f"{folder}/physical_package_id")
        if package is None:
            continue
        cpus = cpu_list(root, f"{folder}/package_cpus_list") or cpu_list(root, f"{folder}/core_siblings_list") or ()
        package_of.update(dict.fromkeys((cpu, *cpus), package))
    return package_of or None


def _groups(online, group_of):
    """{cpu: group}, asking group_of(cpu) once per group; None when it never knows."""
    groups = {}
    for cpu in online:
        if cpu not in groups:
            group = group_of(cpu)
            if group:
                groups.update(dict.fromkeys(group, group))
    return groups or None


def _siblings(root, cpu):
    folder = f"{CPU}/cpu{cpu}/topology"
    return cpu_list(root, f"{folder}/core_cpus_list") or cpu_list(root, f"{folder}/thread_siblings_list")


def _last_level_cache(root, cpu):
    folder = f"{CPU}/cpu{cpu}/cache"
    levels = [(number(root, f"{folder}/{name}/level"), name) for name in root.listing(folder) if name.startswith("index")]
    levels = [(level, name) for level, name in levels if level is not None]
    return cpu_list(root, f"{folder}/{max(levels)[1]}/shared_cpu_list") if levels else None
