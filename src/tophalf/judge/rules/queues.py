"""How packets are spread: no-coalescing, queues-unused, rps-missing, rps-harmful."""

from tophalf.judge import thresholds as limits
from tophalf.judge.case import NET_ROLES
from tophalf.judge.findings import INFORMATION, INTERRUPT, NAPI, WARNING, Finding, Remedy, Subject, counted, percent, seen
from tophalf.judge.netnames import device_packets, netdev, receive_queues
from tophalf.judge.remedies import idlest, move_lines, spread
from tophalf.judge.rule import Rule
from tophalf.vocab import cpu_list, cpu_mask, human_count


def judge_coalescing(case):
    """One finding a device that interrupts for nearly every packet, often."""
    devices = {}
    for view in case.lines:
        if view.source.role in NET_ROLES:
            devices.setdefault(view.source.device, []).append(view)
    for views in devices.values():
        interrupts = sum(view.count for view in views)
        packets, _ = device_packets(case, views)
        if interrupts < limits.COALESCE_RATE * case.seconds or packets > limits.COALESCE_PACKETS_PER_INTERRUPT * interrupts:
            continue
        settings = _coalesce(case, views)
        if not _coalesces(settings):
            yield _coalescing_finding(case, views, interrupts, packets, settings)


def _coalesce(case, views):
    device = case.net.get(views[0].source.name)
    return device.coalesce if device else None


def _coalesces(settings):
    if not settings:
        return False
    return bool(settings.get("adaptive_rx") or (settings.get("rx_usecs") or 0) > 3 or (settings.get("rx_frames") or 0) > 1)


def _coalescing_finding(case, views, interrupts, packets, settings):
    name, rate = views[0].source.name, interrupts / case.seconds
    cost = rate * limits.INTERRUPT_NS_MIN / 1e9
    state = f"rx-usecs {settings.get('rx_usecs')}, adaptive-rx off" if settings else "settings not readable or not offered"
    return Finding(
        rule="no-coalescing",
        severity=WARNING if rate >= limits.COALESCE_RATE_WARNING else INFORMATION,
        title=f"{name} interrupts {human_count(rate)} times a second for {human_count(packets / case.seconds)} packets/s: "
        "nothing is coalesced",
        subject=Subject(irqs=tuple(view.irq for view in views), device=views[0].source.device),
        evidence=(
            counted(f"{name}, {len(views)} lines", interrupts, case.seconds, "/proc/interrupts", "interrupts"),
            counted(f"{name} packets", packets, case.seconds, "/proc/net/dev"),
            seen(f"coalescing of {name}: {state}", "ethtool -c"),
        ),
        remedies=_coalesce_remedies(case, views, settings),
        cost=cost,
        stage=INTERRUPT,
        step=f"{name} {human_count(rate)} interrupts/s",
    )


def _coalesce_remedies(case, views, settings):
    name = netdev(case, views[0].source)
    if not name or not settings or "rx_usecs" not in settings:
        return ()
    return (
        Remedy(
            commands=(f"ethtool -C {name} adaptive-rx on", f"ethtool -C {name} rx-usecs 50  # where adaptive is refused"),
            why="one interrupt then stands for the packets of 50 µs",
            risk="adds up to 50 µs to each packet's latency",
            undo=f"ethtool -C {name} adaptive-rx off rx-usecs {settings.get('rx_usecs') or 0}",
        ),
    )


NO_COALESCING = Rule(
    id="no-coalescing",
    needs=("rates",),
    judge=judge_coalescing,
    meaning="""A network device interrupts for nearly every packet, thousands of times a second.""",
    evidence="""Interrupts of all its lines, packets it received, its coalescing settings.""",
    threshold=f"""{limits.COALESCE_RATE:,} interrupts/s with at most {limits.COALESCE_PACKETS_PER_INTERRUPT} packets each
        and coalescing off or unknown; a warning from {limits.COALESCE_RATE_WARNING:,}/s.""",
    remedy="""`ethtool -C DEV adaptive-rx on` or rx-usecs 50.""",
    refute="""A latency-sensitive service that wants each packet at once and has CPU time to spare for it.""",
)


def judge_queues(case):
    """One finding a loaded device that uses fewer queues than it could, and one for queues that share a CPU."""
    for views in receive_queues(case).values():
        packets, _ = device_packets(case, views)
        if packets >= limits.QUEUE_PACKETS_MIN * case.seconds:
            yield from _too_few(case, views, packets)
            yield from _stacked(case, views)


def _too_few(case, views, packets):
    name = netdev(case, views[0].source)
    channels = (case.net[name].channels if name else None) or {}
    kind = "combined" if channels.get("combined_max") else "rx"
    now, most = channels.get(kind), channels.get(f"{kind}_max")
    useful = min(most or 0, len(case.irq_cpus))
    if not now or now >= useful:
        return
    cost = max((case.interrupt_share(view.main_cpu) for view in views if view.main_cpu is not None), default=0.0)
    if case.whole.cpu_times and cost < limits.QUEUE_COST_INFORMATION:
        return  # more queues would share out what is little
    yield Finding(
        rule="queues-unused",
        severity=WARNING if cost >= limits.QUEUE_COST_WARNING else INFORMATION,
        title=f"{name} uses {now} of {useful} receive queues it could on {len(case.irq_cpus)} CPUs under load",
        subject=Subject(irqs=tuple(view.irq for view in views), device=views[0].source.device,
                        cpus=tuple(sorted({view.main_cpu for view in views} - {None}))),
        evidence=(
            seen(f"{kind} channels: {now} of {most}", f"ethtool -l {name}"),
            counted(f"{name} packets", packets, case.seconds, "/proc/net/dev"),
            seen(f"its busiest CPU spends {percent(cost)} in irq and softirq", "/proc/stat"),
        ),
        remedies=(
            Remedy(
                commands=(f"ethtool -L {name} {kind} {useful}",),
                why="a queue for each CPU that may take interrupts",
                risk="the link goes down for a moment and interrupts get new numbers: masks and bans by number go stale",
                undo=f"ethtool -L {name} {kind} {now}",
            ),
        ),
        cost=cost,
        stage=NAPI,
        step=f"{name} {now} of {useful} queues",
    )  # fmt: skip


def _stacked(case, views):
    """Busy queues of one device that share a CPU while other CPUs take none of its queues."""
    busy = [view for view in views if view.count and view.movable and view.source.queue is not None]
    by_cpu = {}
    for view in busy:
        by_cpu.setdefault(view.main_cpu, []).append(view)
    free = [cpu for cpu in case.irq_cpus if cpu not in by_cpu]
    stacks = {cpu: here for cpu, here in by_cpu.items() if len(here) >= limits.STACKED_QUEUES}
    if not stacks or not free:
        return
    cpu = max(stacks, key=lambda cpu: (case.interrupt_share(cpu), len(stacks[cpu])))
    here, cost = stacks[cpu], case.interrupt_share(cpu)
    name = views[0].source.name
    other = idlest(case, but=tuple(by_cpu))
    remedy = move_lines(case, [(view, to) for view, to in spread(case, here) if to != cpu], "a CPU for each queue")
    yield Finding(
        rule="queues-unused",
        severity=WARNING if cost >= limits.QUEUE_COST_WARNING and _has_room(case, other) else INFORMATION,
        title=f"{name}: queues {', '.join(str(view.source.queue) for view in here)} share CPU{cpu}, "
        f"while CPU {cpu_list(free)} take{'s' * (len(free) == 1)} none of its queues",
        subject=Subject(irqs=tuple(view.irq for view in here), cpus=(cpu,), device=views[0].source.device),
        evidence=(
            *(counted(f"{view.label} on CPU{cpu}", view.by_cpu.get(cpu, 0), case.seconds, "/proc/interrupts", "interrupts")
              for view in here[:8]),
            counted(f"packets processed on CPU{cpu}", case.packets(cpu), case.seconds, "/proc/net/softnet_stat"),
            seen(f"CPU{cpu} spent {percent(cost)} in irq and softirq", "/proc/stat"),
        ),
        remedies=(remedy,) if remedy else (),
        cost=cost,
        stage=NAPI,
        step=f"{name} queues {', '.join(str(view.source.queue) for view in here)} on CPU{cpu}",
    )  # fmt: skip


def _has_room(case, cpu):
    return cpu is not None and (case.idle_share(cpu) or 0.0) >= limits.IDLER_BY


QUEUES_UNUSED = Rule(
    id="queues-unused",
    needs=("rates",),
    judge=judge_queues,
    meaning="""A loaded network device has fewer queues in use than CPUs could serve, or several of its queues share a CPU
        while other CPUs have none.""",
    evidence="""Channels in use and possible (ethtool -l), queues by CPU, packets, time in irq and softirq.""",
    threshold=f"""From {limits.QUEUE_PACKETS_MIN:,} packets/s; too few queues are named when a CPU of theirs spends
        {limits.QUEUE_COST_INFORMATION:.0%} in interrupt work; a warning when a CPU of its queues spends
        {limits.QUEUE_COST_WARNING:.0%} in interrupt work.""",
    remedy="""`ethtool -L DEV combined N`, `tophalf affinity` for the queues.""",
    refute="""One flow that no queue can split; cores kept free of interrupts on purpose.""",
)


def judge_rps_missing(case):
    """One finding a single-queue device that fills a CPU while others idle."""
    for views in receive_queues(case).values():
        cpu, name = views[0].main_cpu, netdev(case, views[0].source)
        if len(views) > 1 or cpu is None or name is None or not _single_queue(case.net[name]) or case.net[name].threaded:
            continue
        packets, _ = device_packets(case, views)
        cost, other = case.interrupt_share(cpu), idlest(case, but=(cpu,))
        if packets >= limits.QUEUE_PACKETS_MIN * case.seconds and cost >= limits.QUEUE_COST_WARNING and _has_room(case, other):
            yield _missing_finding(case, views[0], name, packets, cost, other)


def _single_queue(device):
    most = (device.channels or {}).get("combined_max") or (device.channels or {}).get("rx_max") or 1
    return most <= 1 and device.rps is not None and not any(device.rps.values()) and len(device.rps) <= 1


def _missing_finding(case, view, name, packets, cost, other):
    cpu = view.main_cpu
    targets = [each for each in case.housekeeping if each != cpu]
    path = f"/sys/class/net/{name}/queues/rx-0/rps_cpus"
    return Finding(
        rule="rps-missing",
        severity=WARNING,
        title=f"{name} has one receive queue, which fills CPU{cpu} ({percent(cost)}), and RPS is off",
        subject=Subject(irqs=(view.irq,), cpus=(cpu,), device=view.source.device, vector="NET_RX"),
        evidence=(
            counted(f"{name} packets", packets, case.seconds, "/proc/net/dev"),
            seen(f"CPU{cpu} spent {percent(cost)} in irq and softirq; CPU{other} was idle {percent(case.idle_share(other))}",
                 "/proc/stat"),
            seen(f"{path} is empty", path),
        ),
        remedies=(
            Remedy(
                commands=(f"echo {cpu_mask(targets)} > {path}",),
                why=f"packets are hashed over CPU {cpu_list(targets)} after they leave the driver",
                risk="an IPI and a cache miss a packet; one flow still stays on one CPU; measure before and after",
                undo=f"echo 0 > {path}",
            ),
        ),
        cost=cost,
        stage=NAPI,
        step=f"{name} one queue on CPU{cpu}, no RPS",
    )  # fmt: skip


RPS_MISSING = Rule(
    id="rps-missing",
    needs=("rates", "stat", "network devices"),
    judge=judge_rps_missing,
    meaning="""A device with a single receive queue fills one CPU, and nothing spreads its packets in software.""",
    evidence="""Its queue count and rps_cpus, packets, time in irq and softirq of its CPU, idle time of another.""",
    threshold=f"""{limits.QUEUE_PACKETS_MIN:,} packets/s, {limits.QUEUE_COST_WARNING:.0%} of the CPU in interrupt work, and
        another CPU at least {limits.IDLER_BY:.0%} idle. Always a warning then.""",
    remedy="""A mask in rps_cpus; threaded NAPI.""",
    refute="""One flow makes all the load: RPS cannot split it.""",
)


def judge_rps_harmful(case):
    """One finding a device whose RPS only adds work, or sends packets where they should not go."""
    for views in receive_queues(case).values():
        name = netdev(case, views[0].source)
        masks = {queue: cpus for queue, cpus in ((case.net[name].rps if name else None) or {}).items() if cpus}
        steered = sum(row.received_rps or 0 for row in case.whole.softnet.values())
        if masks and steered >= limits.RPS_PACKETS_MIN * case.seconds:
            yield from _harm(case, views, name, masks, steered)


def _harm(case, views, name, masks, steered):
    targets = sorted({cpu for cpus in masks.values() for cpu in cpus})
    isolated = [cpu for cpu in targets if cpu in case.isolated]
    dropping = [cpu for cpu in targets if cpu in case.whole.softnet and case.whole.softnet[cpu].dropped]
    full = [cpu for cpu in targets if case.interrupt_share(cpu) >= limits.QUEUE_COST_WARNING]
    queues_enough = len(case.net[name].rps) >= len(case.housekeeping)
    if isolated:
        why, severity = f"isolated CPU {cpu_list(isolated)} among its targets", WARNING
    elif full and _has_room(case, idlest(case, but=tuple(targets))):
        why, severity = f"its targets, CPU {cpu_list(full)}, are full while others idle", WARNING
    elif queues_enough:
        why, severity = f"{len(case.net[name].rps)} hardware queues on {len(case.housekeeping)} CPUs make it needless", INFORMATION
    else:
        return
    yield _harm_finding(case, views, name, masks, targets, steered, why, severity, dropping)


def _harm_finding(case, views, name, masks, targets, steered, why, severity, dropping):
    folder = f"/sys/class/net/{name}/queues"
    evidence = [counted("received_rps", steered, case.seconds, "/proc/net/softnet_stat", "times a backlog was woken")]
    evidence.append(seen(f"{name} rps_cpus: CPU {cpu_list(targets)} in {len(masks)} queues", f"{folder}/rx-*/rps_cpus"))
    if dropping:
        lost = sum(case.whole.softnet[cpu].dropped for cpu in dropping)
        evidence.append(counted(f"backlog of CPU {cpu_list(dropping)} dropped", lost, case.seconds, "/proc/net/softnet_stat"))
    return Finding(
        rule="rps-harmful",
        severity=severity,
        title=f"RPS of {name} does harm: {why}",
        subject=Subject(irqs=tuple(view.irq for view in views), cpus=tuple(targets), device=views[0].source.device,
                        vector="NET_RX"),
        evidence=tuple(evidence),
        remedies=(_rps_remedy(case, folder, masks),),
        cost=max((case.interrupt_share(cpu) for cpu in targets), default=0.0),
        stage=NAPI,
        step=f"RPS of {name} to CPU {cpu_list(targets)}",
    )  # fmt: skip


def _rps_remedy(case, folder, masks):
    wider = len(masks) < len(case.housekeeping)
    mask = cpu_mask(case.housekeeping) if wider else "0"
    return Remedy(
        commands=tuple(f"echo {mask} > {folder}/rx-{queue}/rps_cpus" for queue in masks),
        why="spreads over all housekeeping CPUs" if wider else "leaves packets on the CPU of their queue",
        risk="packets of one flow may be reordered at the moment of the change",
        undo="; ".join(f"echo {cpu_mask(cpus)} > {folder}/rx-{queue}/rps_cpus" for queue, cpus in masks.items()),
    )


RPS_HARMFUL = Rule(
    id="rps-harmful",
    needs=("rates", "softnet", "network devices"),
    judge=judge_rps_harmful,
    meaning="""Receive packet steering costs more than it gives: with a hardware queue for each CPU every hop is an IPI for
        nothing; with full or isolated CPUs as targets it moves the problem there.""",
    evidence="""received_rps and dropped of softnet_stat, rps_cpus of each queue, time in irq and softirq of the targets.""",
    threshold=f"""{limits.RPS_PACKETS_MIN:,} times/s (received_rps, one a batch). A warning when a target is isolated, or spends
        {limits.QUEUE_COST_WARNING:.0%} in interrupt work while CPUs outside the mask idle; information when the device
        has a queue for each CPU.""",
    remedy="""Clear rps_cpus, or name all housekeeping CPUs in it.""",
    refute="""Hardware that hashes badly (tunnels, one IP pair): then software steering is the only spread there is.""",
)
RULES = (NO_COALESCING, QUEUES_UNUSED, RPS_MISSING, RPS_HARMFUL)
