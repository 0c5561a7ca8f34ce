"""What does not change about a simulated machine: its kernel and command line, CPUs, devices, queues and settings.

The release says "tophalf", as any kernel says who built it; nothing else tells that there is no machine.
"""

from tophalf.model import fields as f
from tophalf.model.machine.disks import controllers, read_block
from tophalf.model.machine.sight import NIC_SLOT, slot
from tophalf.model.machine.works import read_workqueues
from tophalf.model.net import driverfields as d
from tophalf.model.net import stackfields as s
from tophalf.model.net.builddriver import napi_id
from tophalf.snapshot import Boot, Daemon, Facts, Napi, NetDevice, PciDevice, Topology
from tophalf.vocab import cpu_list, cpu_mask

RELEASES = {601: "6.1.0-tophalf", 612: "6.12.0-tophalf"}
PREEMPT_NAMES = ("none", "voluntary", "full", "rt")
INTERVAL_S = 10  # irqbalance.h SLEEP_INTERVAL
RING_MAX = 4096  # what most drivers offer at the most
ETHERNET, OTHER = 0x020000, 0x088000  # include/linux/pci_ids.h: class codes
DRIVER = "tophalf_nic"


def read_facts(sight):
    """Facts."""
    return Facts(
        boot=read_boot(sight), topology=read_topology(sight), pci=read_pci(sight), net=read_net(sight), block=read_block(sight),
        daemons={"irqbalance": read_irqbalance(sight), "tuned": False}, sysctl=read_sysctl(sight),
        workqueues=read_workqueues(sight),
    )  # fmt: skip


def read_irqbalance(sight):
    """Daemon, False where it does not run, or not yet."""
    told = sight.about.get("irqbalance")
    if not told or sight[f.G_NOW] < told["start_ns"]:
        return False
    options = [f"--banirq={irq}" for irq in told["bans"]]
    options += [] if told["interval_s"] == INTERVAL_S else [f"--interval={told['interval_s']}"]
    return Daemon(
        pid=sight[told["task"] + f.K_PID], arguments=("/usr/sbin/irqbalance", "--foreground", *options), bans=told["bans"],
        banned_cpus=told["banned_cpus"], interval_s=told["interval_s"],
    )  # fmt: skip


def read_boot(sight):
    release, rt = RELEASES[sight[f.G_KERNEL]], PREEMPT_NAMES[sight[f.G_PREEMPT]] == "rt"
    cmdline = _cmdline(sight, release, rt)
    return Boot(
        version=f"Linux version {release} (tophalf@tophalf) #1 SMP {'PREEMPT_RT' if rt else 'PREEMPT_DYNAMIC'}",
        cmdline=cmdline, isolated=_cpus(sight, "isolated") or _cpus(sight, "managed_irq"), nohz_full=_cpus(sight, "nohz_full"),
        irqaffinity=_cpus(sight, "irqaffinity"), threadirqs="threadirqs" in cmdline.split(), preempt_rt=rt,
        boot_id=_boot_id(sight.builder.memory.seed), irq_time_accounting=bool(sight.about.get("irq_time_accounting")),
        user_hz=100, machine="x86_64",
    )  # fmt: skip


def _cmdline(sight, release, rt):
    words = [f"BOOT_IMAGE=/boot/vmlinuz-{release}", "root=/dev/vda1", "ro", "quiet"]
    words += [] if rt else [f"preempt={PREEMPT_NAMES[sight[f.G_PREEMPT]]}"]
    words += ["threadirqs"] if sight[f.G_THREADIRQS] else []
    words += [] if sight[f.G_NOHZ] else ["nohz=off"]
    words += [f"isolcpus={_isolcpus(sight)}"] if _isolcpus(sight) else []
    for parameter, name in (("nohz_full", "nohz_full"), ("irqaffinity", "irqaffinity")):
        words += [f"{parameter}={cpu_list(_cpus(sight, name))}"] if _cpus(sight, name) else []
    words += ["workqueue.power_efficient=1"] if sight.about.get("power_efficient") else []
    return " ".join(words)


def _isolcpus(sight):
    """Its value, with the flag that keeps managed interrupts off."""
    isolated, managed = _cpus(sight, "isolated"), _cpus(sight, "managed_irq")
    flags = f"managed_irq,{'domain,' if isolated else ''}" if managed else ""
    return flags + cpu_list(isolated or managed)


def _cpus(sight, name):
    return tuple(sorted(sight.about.get(name, ())))


def _boot_id(seed):
    return f"{seed & 0xFFFFFFFF:08x}-0000-4000-8000-{seed >> 32 & 0xFFFFFFFFFFFF:012x}"


def read_topology(sight):
    """One package a node, one last-level cache a node."""
    cpus = tuple(range(len(sight.builder.cpus)))
    nodes = {node: tuple(members) for node, members in (sight.about.get("nodes") or {0: cpus}).items()}
    node_of = {cpu: node for node, members in nodes.items() for cpu in members}
    online = [cpu for cpu in cpus if cpu in sight.online]
    core_of = {cpu: core for core in sight.about.get("cores", ()) for cpu in core}
    return Topology(
        online=sight.online, possible=cpus, nodes=nodes, node_of=node_of, package_of={cpu: node_of[cpu] for cpu in online},
        siblings={cpu: tuple(one for one in core_of.get(cpu, (cpu,)) if one in sight.online) for cpu in online},
        llc={cpu: tuple(other for other in nodes[node_of[cpu]] if other in sight.online) for cpu in online},
    )  # fmt: skip


def read_pci(sight):
    """{line: PciDevice}; None without lines."""
    by_device, disks = {}, controllers(sight)
    for number, (address, name, _) in sight.owners.items():
        by_device.setdefault((address, name), []).append(number)
    found = {}
    for (address, name), numbers in by_device.items():
        driver, class_code = (_driver(sight, name), ETHERNET) if name in sight.nics else disks.get(name, (name, OTHER))
        message = all(sight[sight.lines[number] + f.D_FLOW] == f.FLOW_EDGE for number in numbers)
        device = PciDevice(
            address=address, driver=driver, node=_node(sight, name), class_code=class_code,
            msi=tuple(sorted(numbers)) if message else (),
        )  # fmt: skip
        found.update(dict.fromkeys(numbers, device))
    return found or None


def _driver(sight, name):
    return sight.about.get("drivers", {}).get(name, DRIVER)


def _node(sight, name):
    return sight.about.get("device_nodes", {}).get(name, 0)


def read_net(sight):
    """{device: NetDevice}."""
    return {name: _net_device(sight, place, name, queues) for place, (name, queues) in enumerate(sight.nics.items())} or None


def _net_device(sight, place, name, queues):
    ring, first = sight[queues[0] + f.Q_RING_SIZE], sight[queues[0] + f.Q_NAPI]
    return NetDevice(
        name=name, driver=_driver(sight, name), pci_address=slot(NIC_SLOT + place), operstate="up", mtu=1500, ifindex=2 + place,
        speed_mbps=sight.about.get("speeds_mbps", {}).get(name),
        rps={at: _rps_map(sight, queue) for at, queue in enumerate(queues)},
        rps_flow_cnt={at: _rps_flow_count(sight, queue) for at, queue in enumerate(queues)}, xps={},
        rx_queues=len(queues), tx_queues=len(queues),
        rings={"rx_max": max(RING_MAX, ring), "tx_max": max(RING_MAX, ring), "rx": ring, "tx": ring},
        channels={"combined_max": max(len(queues), sight.about.get("queues_max", {}).get(name, 0)), "combined": len(queues)},
        coalesce=_coalesce(sight, queues[0]), napi=tuple(_napi(sight, at, queue) for at, queue in enumerate(queues)) or None,
        gro_flush_timeout_ns=sight[first + f.N_FLUSH_NS] if first else 0,
        napi_defer_hard_irqs=sight[first + f.N_DEFER] if first else 0, threaded=bool(first and sight[first + f.N_THREAD]),
    )  # fmt: skip


def _rps_map(sight, queue):
    """The CPUs of rps_cpus."""
    sink = sight[queue + f.Q_SINK]
    return tuple(sorted(sight[sight[sink + s.X_RPS_MAP] + at] for at in range(sight[sink + s.X_RPS_LEN]))) if sink else ()


def _rps_flow_count(sight, queue):
    sink = sight[queue + f.Q_SINK]
    return sight[sink + s.X_FLOW_MASK] + 1 if sink and sight[sink + s.X_FLOW_TABLE] else 0


def _coalesce(sight, queue):
    by_dim, throttle = _moderation(sight, queue)
    return {
        "adaptive_rx": by_dim, "adaptive_tx": False, "rx_usecs": throttle or sight[queue + f.Q_USECS_NS] // 1000,
        "rx_frames": sight[queue + f.Q_FRAMES], **_tx_coalesce(sight, sight.send_queue(queue)),
    }  # fmt: skip


def _tx_coalesce(sight, tx):
    return {"tx_usecs": sight[tx + d.TX_USECS_NS] // 1000, "tx_frames": sight[tx + d.TX_FRAMES]} if tx else {}


def _moderation(sight, queue):
    """(whether DIM moderates, e1000e's InterruptThrottleRate, which its ethtool shows as rx-usecs, or 0)."""
    napi = sight[queue + f.Q_NAPI]
    block = sight[napi + f.N_DIM] if napi else 0
    if not block:
        return False, 0
    by_dim = sight[block + d.A_KIND] == d.BY_DIM
    return by_dim, 0 if by_dim else sight[block + d.A_PROFILE]


def _napi(sight, at, queue):
    napi, lines = sight[queue + f.Q_NAPI], {desc: number for number, desc in sight.lines.items()}
    if not napi:
        return Napi(napi_id=None, irq=lines.get(sight[queue + f.Q_DESC]), rx_queues=(at,), tx_queues=())
    thread = sight[napi + f.N_THREAD]
    return Napi(
        napi_id=napi_id(sight.builder, napi), irq=lines.get(sight[queue + f.Q_DESC]),
        pid=sight[thread + f.K_PID] if thread else None,
        defer_hard_irqs=sight[napi + f.N_DEFER], gro_flush_timeout_ns=sight[napi + f.N_FLUSH_NS], rx_queues=(at,), tx_queues=(),
    )  # fmt: skip


def read_sysctl(sight):
    """Settings that the model obeys."""
    budget_usecs = sight[f.G_NETDEV_BUDGET_JIFFIES] * sight[f.G_HZ_NS] // 1000
    found = {"net.core.netdev_budget": sight[f.G_NETDEV_BUDGET], "net.core.netdev_budget_usecs": budget_usecs}
    stack = sight[f.G_STACK]
    if stack == 0:
        return found | {"net.core.dev_weight": 64}
    limited = cpu_mask(sight.builder.flow_limit_cpus)
    return found | {
        "net.core.dev_weight": sight[stack + s.ST_DEV_WEIGHT], "net.core.netdev_max_backlog": sight[stack + s.ST_MAX_BACKLOG],
        "net.core.rps_sock_flow_entries": sight[stack + s.ST_SOCK_MASK] + 1 if sight[stack + s.ST_SOCK_TABLE] else 0,
        "net.core.flow_limit_cpu_bitmap": int(limited) if limited.isdigit() else limited,
        "net.core.gro_normal_batch": s.GRO_NORMAL_BATCH,
    }  # fmt: skip
