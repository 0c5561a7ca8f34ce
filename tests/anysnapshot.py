"""Snapshots as a host's readers could have made them, for Hypothesis: whatever has a form in a recording."""

from hypothesis import strategies as st

from tophalf import snapshot as s
from tophalf.vocab import LINK_STATS, SOFTIRQS, cpu_list

COUNT = st.integers(0, (1 << 32) - 1)
WIDE = st.integers(0, (1 << 60) - 1)
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9 ]{0,20}[a-z]", fullmatch=True)
POLICIES = st.sampled_from(("SCHED_OTHER", "SCHED_FIFO", "SCHED_RR"))
CPUS_MAX = 70  # more than two words of a mask


@st.composite
def cpu_sets(draw, among, least=0):
    return tuple(sorted(draw(st.sets(st.sampled_from(among), min_size=least))))


@st.composite
def series(draw):
    """Snapshots of one machine in order of time, at whole milliseconds since the first."""
    possible = tuple(range(draw(st.integers(1, CPUS_MAX))))
    online = draw(cpu_sets(possible, 1))
    times = [0, *sorted(draw(st.sets(st.integers(1, 10_000), max_size=2)))]
    facts, modes = draw(_facts(possible, online)), draw(st.booleans())
    return [draw(_snapshot(time_ms, online, possible, facts, modes)) for time_ms in times]


def _maybe(strategy):
    return st.none() | strategy


@st.composite
def _snapshot(draw, time_ms, online, possible, facts, modes):
    counts = st.tuples(*(COUNT for _ in online))
    irq_files = draw(_maybe(st.dictionaries(st.integers(0, 300), _irq_files(possible), min_size=1, max_size=3)))
    fixed = draw(st.sets(st.sampled_from(sorted(irq_files)))) if modes and irq_files else None
    return s.Snapshot(
        time_ns=time_ms * 10**6, facts=facts, interrupts=draw(_interrupts(online, counts)),
        softirqs=draw(_maybe(st.builds(lambda rows: s.CpuTable(cpus=online, rows=dict(zip(SOFTIRQS, rows, strict=True))),
                                       st.tuples(*(counts for _ in SOFTIRQS))))),
        stat=draw(_maybe(_stat(online))), softnet=draw(_maybe(_softnet(online))), irq_files=irq_files,
        fixed=None if fixed is None else dict.fromkeys(fixed, "the kernel shows its mask read-only"),
        default_affinity=draw(_maybe(cpu_sets(possible, 1))), threads=draw(_maybe(_threads(possible))),
        udp=draw(_maybe(st.dictionaries(st.sampled_from(("InDatagrams", "RcvbufErrors", "InErrors")), WIDE, min_size=1))),
        netdev_stats=draw(_netdev_stats(sorted(facts.net or ()))), log=draw(_maybe(_log())),
    )  # fmt: skip


@st.composite
def _interrupts(draw, online, counts):
    lines = {}
    for irq in sorted(draw(st.sets(st.integers(0, 4000), max_size=4))):
        chip, hwirq = draw(st.sampled_from(("IO-APIC", "PCI-MSIX-0000:00:04.0", "IR-PCI-MSI"))), draw(st.integers(0, 1 << 20))
        trigger, actions = draw(st.sampled_from(("edge", "level", "fasteoi"))), tuple(draw(st.lists(NAME, max_size=2)))
        tail = f"{chip:>8} {hwirq:>3}-{trigger:<8}  {', '.join(actions)}".strip()
        lines[str(irq)] = s.Line(key=str(irq), irq=irq, kind="device", counts=draw(counts), per_cpu=True, chip=chip, hwirq=hwirq,
                                 trigger=trigger, actions=actions, description=tail)  # fmt: skip
    for key, kind in draw(st.lists(st.sampled_from((("LOC", "timer"), ("RES", "ipi"), ("TLB", "ipi"))), unique=True)):
        lines[key] = s.Line(key=key, kind=kind, counts=draw(counts), per_cpu=True, actions=(), description=draw(WORDS))
    if draw(st.booleans()):
        lines["ERR"] = s.Line(key="ERR", kind="error", counts=(draw(COUNT),), per_cpu=len(online) == 1, actions=(), description="")
    return s.Interrupts(cpus=online, lines=lines)


def _stat(online):
    ticks = st.fixed_dictionaries({cpu: st.tuples(*(WIDE for _ in s.STAT_TIMES)) for cpu in online})
    softirqs = _maybe(st.fixed_dictionaries(dict.fromkeys(SOFTIRQS, WIDE)))
    return st.builds(s.Stat, ticks=ticks, context_switches=_maybe(WIDE), interrupts=_maybe(WIDE), softirqs=softirqs,
                     boot_time_s=_maybe(COUNT), processes=_maybe(COUNT))  # fmt: skip


def _softnet(online):
    row = st.builds(s.Softnet, processed=COUNT, dropped=COUNT, time_squeeze=COUNT, received_rps=COUNT, flow_limit=COUNT,
                    input_qlen=COUNT, process_qlen=st.just(0))  # fmt: skip
    return st.fixed_dictionaries(dict.fromkeys(online, row))


def _irq_files(possible):
    return st.builds(
        s.IrqFiles, affinity=cpu_sets(possible, 1), effective_affinity=_maybe(cpu_sets(possible)),
        affinity_hint=_maybe(cpu_sets(possible)), node=_maybe(st.integers(-1, 7)),
        spurious=_maybe(st.builds(s.Spurious, count=COUNT, unhandled=COUNT, last_unhandled_ms=_maybe(COUNT))),
        actions=st.sets(NAME.filter(lambda name: name not in ("node", "spurious")), max_size=2).map(sorted).map(tuple),
        chip=_maybe(NAME), hwirq=_maybe(COUNT), trigger=_maybe(st.sampled_from(("edge", "level"))), name=_maybe(NAME),
        wakeup=_maybe(st.just("disabled")),
    )  # fmt: skip


@st.composite
def _threads(draw, possible):
    found = {}
    for pid in sorted(draw(st.sets(st.integers(3, 9999), min_size=1, max_size=3))):
        cpu, irq, policy = draw(st.sampled_from(possible)), draw(st.integers(0, 300)), draw(POLICIES)
        name, kind, bound, line = draw(st.sampled_from((
            (f"ksoftirqd/{cpu}", "ksoftirqd", cpu, None), (f"irq/{irq}-eth0", "irq", cpu, irq),
            (f"kworker/{cpu}:1H", "kworker", cpu, None), ("kworker/u8:2", "kworker", None, None),
            ("kworker/R-mm_pe", "kworker", None, None), ("napi/eth0-8193", "napi", None, None),
        )))  # fmt: skip
        coarse = draw(st.booleans())
        cpu_ns = draw(WIDE)
        found[name, pid] = s.Thread(
            name=name, pid=pid, kind=kind, cpu=bound, irq=line, cpu_ns=cpu_ns // 10**7 * 10**7 if coarse else cpu_ns,
            resolution_ns=10**7 if coarse else 1, policy=policy,
            rt_priority=0 if policy == "SCHED_OTHER" else draw(st.integers(1, 99)),
        )  # fmt: skip
    return found


def _netdev_stats(names):
    known = st.sampled_from((*LINK_STATS, "rx_out_of_buffer", "rx3_drops", "port.rx_discards"))
    counters = st.dictionaries(known, WIDE, min_size=1)
    return _maybe(st.dictionaries(st.sampled_from(names), counters, min_size=1)) if names else st.none()


def _log():
    texts = 'irq 9: nobody cared (try booting with the "irqpoll" option)', "Disabling IRQ #9", "IRQ 7: set affinity failed(-22)."
    line = st.builds(s.LogLine, time_us=_maybe(WIDE.map(lambda us: us % 10**15)), text=st.sampled_from(texts))
    return st.lists(line, max_size=3).map(tuple)


@st.composite
def _facts(draw, possible, online):
    nics = draw(st.sets(NAME, max_size=2))
    addresses = [f"0000:00:{place:02x}.0" for place in range(4, 8)]
    queues, settings = st.sampled_from(("default", "isolated", "writeback")), ("net.core.netdev_budget", "net.core.dev_weight")
    return s.Facts(
        boot=draw(_maybe(_boot(possible))), topology=draw(_topology(online, possible)), pci=draw(_maybe(_pci(addresses))),
        net={name: draw(_net_device(name, place, possible, addresses)) for place, name in enumerate(sorted(nics))} or None,
        block=draw(_maybe(_block(possible, addresses))),
        workqueues=draw(_maybe(st.dictionaries(queues, cpu_sets(possible), min_size=1))),
        daemons=draw(_maybe(_daemons(possible))),
        sysctl=draw(_maybe(st.dictionaries(st.sampled_from(settings), COUNT, min_size=1))),
    )  # fmt: skip


@st.composite
def _boot(draw, possible):
    sets = {name: draw(cpu_sets(possible)) for name in ("isolcpus", "nohz_full", "irqaffinity")}
    words = ["quiet"] + [f"{name}={cpu_list(cpus)}" for name, cpus in sets.items() if cpus]
    threadirqs, rt = draw(st.booleans()), draw(st.booleans())
    return s.Boot(
        version=f"Linux version 6.12.0-x (gcc) #1 SMP {'PREEMPT_RT' if rt else 'PREEMPT_DYNAMIC'}",
        cmdline=" ".join(words + ["threadirqs"] * threadirqs), isolated=sets["isolcpus"], nohz_full=sets["nohz_full"],
        irqaffinity=sets["irqaffinity"], threadirqs=threadirqs, preempt_rt=rt, boot_id=draw(_maybe(NAME)),
        irq_time_accounting=draw(_maybe(st.booleans())), user_hz=100, machine=draw(_maybe(st.sampled_from(("x86_64", "aarch64")))),
    )  # fmt: skip


@st.composite
def _topology(draw, online, possible):
    nodes = draw(_maybe(st.just({0: possible[::2], 1: possible[1::2]})))
    groups = {cpu: tuple(other for other in online if other // 2 == cpu // 2) for cpu in online}
    return s.Topology(
        online=online, possible=possible, nodes=nodes,
        node_of=None if nodes is None else {cpu: node for node, cpus in nodes.items() for cpu in cpus},
        package_of=draw(_maybe(st.just({cpu: cpu // 4 for cpu in online}))), siblings=draw(_maybe(st.just(groups))),
        llc=draw(_maybe(st.just(groups))),
    )  # fmt: skip


@st.composite
def _pci(draw, addresses):
    found = {}
    for place, address in enumerate(addresses):
        irqs = tuple(sorted(draw(st.sets(st.integers(place * 100 + 1, place * 100 + 99), min_size=1, max_size=3))))
        device = s.PciDevice(address=address, driver=draw(NAME), node=draw(_maybe(st.integers(-1, 3))),
                             class_code=draw(_maybe(st.integers(0, 0xFFFFFF))), msi=irqs,
                             virtio=draw(_maybe(st.just(f"virtio{place}"))))  # fmt: skip
        found.update(dict.fromkeys(irqs, device))
    return found


@st.composite
def _net_device(draw, name, place, possible, addresses):
    queues = draw(st.integers(1, 3))
    limits = st.dictionaries(st.sampled_from(("rx_max", "rx", "tx_max", "tx", "combined", "combined_max")), COUNT, min_size=1)
    usecs = st.dictionaries(st.sampled_from(("rx_usecs", "rx_frames", "tx_usecs", "rx_usecs_irq")), COUNT)
    napi = st.builds(s.Napi, napi_id=_maybe(COUNT), irq=_maybe(COUNT), pid=_maybe(COUNT), defer_hard_irqs=_maybe(COUNT),
                     gro_flush_timeout_ns=_maybe(WIDE), rx_queues=cpu_sets(range(3)), tx_queues=cpu_sets(range(3)))  # fmt: skip
    switches = st.fixed_dictionaries({}, optional={"adaptive_rx": st.booleans(), "adaptive_tx": st.booleans(),
                                                   "cqe_mode_rx": st.booleans()})  # fmt: skip
    coalesce = {**draw(switches), **draw(usecs)} or None
    return s.NetDevice(
        name=name, driver=draw(NAME), pci_address=draw(_maybe(st.sampled_from(addresses))), operstate=draw(_maybe(st.just("up"))),
        speed_mbps=draw(_maybe(st.integers(1, 400_000))), mtu=draw(_maybe(st.integers(68, 9000))), ifindex=place + 2,
        rps={queue: draw(cpu_sets(possible)) for queue in range(queues)}, rps_flow_cnt={0: draw(COUNT)},
        xps={queue: draw(cpu_sets(possible)) for queue in range(queues)}, rx_queues=queues, tx_queues=queues,
        rings=draw(_maybe(limits)), channels=draw(_maybe(limits)), coalesce=coalesce,
        napi=draw(_maybe(st.lists(napi, min_size=1, max_size=2).map(tuple))), gro_flush_timeout_ns=draw(_maybe(COUNT)),
        napi_defer_hard_irqs=draw(_maybe(COUNT)), threaded=draw(_maybe(st.booleans())),
    )  # fmt: skip


def _block(possible, addresses):
    disk = st.builds(
        lambda name, **fields: s.BlockDevice(name=name, **fields), name=st.just("nvme0n1"), driver=_maybe(NAME),
        queues=_maybe(st.dictionaries(st.integers(0, 9), cpu_sets(possible, 1), min_size=1, max_size=2)),
        scheduler=_maybe(st.sampled_from(("none", "mq-deadline"))), pci_address=_maybe(st.sampled_from(addresses)),
    )  # fmt: skip
    return disk.map(lambda found: {found.name: found})


@st.composite
def _daemons(draw, possible):
    bans, interval_s = tuple(sorted(draw(st.sets(st.integers(1, 300), max_size=2)))), draw(st.integers(1, 60))
    arguments = ("/usr/sbin/irqbalance", "--foreground", f"--interval={interval_s}", *(f"--banirq={irq}" for irq in bans))
    banned = draw(_maybe(cpu_sets(possible, 1)))
    daemon = s.Daemon(pid=700, arguments=arguments, bans=bans, interval_s=interval_s, banned_cpus=banned)
    return {"irqbalance": draw(st.sampled_from((False, daemon))), "tuned": False}
