"""What was lost on the way in: nic-drop, softnet-drop, socket-drop, and softnet-squeeze that comes before it."""

import re

from tophalf.judge import thresholds as limits
from tophalf.judge.findings import (
    CRITICAL,
    DROP,
    INFORMATION,
    SOFTIRQ,
    WARNING,
    Finding,
    Remedy,
    Subject,
    counted,
    percent,
    seen,
)
from tophalf.judge.netnames import is_virtual
from tophalf.judge.rule import Rule
from tophalf.vocab import cpu_list, cpu_mask, human_count

# The NIC or its driver had no room. rx_dropped is not among them: the stack counts packets of unknown protocols there.
_NO_ROOM = re.compile(
    r"rx_(?:missed|fifo|over)_errors$|no_?buf|no_?dma|no_?desc|out_of_buf|discard|drop|miss(?!ion)|overrun|overflow|ring_full",
    re.I,
)
_OF_THE_STACK = ("rx_dropped", "tx_dropped", "rx_nohandler", "rx_otherhost_dropped")
_NOT_LOST = re.compile(r"xdp|filter|vlan|_mcast|_bcast|csum|steer|link_down|cache|^veb\.|(?:^|[^a-z])tx(?:[^a-z]|$)", re.I)


def drop_severity(dropped, passed, seconds):
    """The severity of packets lost, by share and rate; None below one a second."""
    rate = dropped / seconds
    share = dropped / (dropped + passed) if dropped else 0.0
    if rate < 1:
        return None
    if rate >= limits.DROP_RATE_WARNING and share >= limits.DROP_SHARE_CRITICAL:
        return CRITICAL
    return WARNING if rate >= limits.DROP_RATE_WARNING and share >= limits.DROP_SHARE_WARNING else INFORMATION


def judge_nic(case):
    """One finding a network device that lost packets for want of room."""
    for name, stats in case.whole.netdev_stats.items():
        if not stats or is_virtual(case, name):
            continue
        lost = {counter: count for counter, count in stats.items() if count and _lost_by_nic(counter)}
        dropped = _loss(lost)
        severity = drop_severity(dropped, stats.get("rx_packets", 0), case.seconds)
        if severity:
            yield _nic_finding(case, name, stats, lost, dropped, severity)


def _loss(lost):
    """Packets lost: drivers count one loss under several names, so the largest is it, queues of one name added up."""
    by_name = {}
    for counter, count in lost.items():
        name = re.sub(r"\d+", "N", counter)
        by_name[name] = by_name.get(name, 0) + count
    return max(by_name.values(), default=0)


def _lost_by_nic(counter):
    return counter not in _OF_THE_STACK and _NO_ROOM.search(counter) and not _NOT_LOST.search(counter)


def _nic_finding(case, name, stats, lost, dropped, severity):
    passed = stats.get("rx_packets", 0)
    share = dropped / (dropped + passed)
    cpus = {view.main_cpu for view in case.lines if view.source.name == name and view.main_cpu is not None}
    evidence = [counted(f"{name} {counter}", count, case.seconds, f"ethtool -S {name}") for counter, count in lost.items()]
    evidence.append(counted(f"{name} rx_packets", passed, case.seconds, "/proc/net/dev"))
    return Finding(
        rule="nic-drop",
        severity=severity,
        title=f"{name} lost {percent(share)} of its packets for want of room in its rings, {human_count(dropped / case.seconds)}/s",
        subject=Subject(cpus=tuple(sorted(cpus)), device=_device_of(case, name)),
        evidence=tuple(evidence[:8]),
        remedies=_ring_remedy(case, name),
        cost=share,
        stage=DROP,
        step=f"{name} drops {human_count(dropped / case.seconds)}/s",
    )


def _device_of(case, name):
    return next((view.source.device for view in case.lines if view.source.name == name), name)


def _ring_remedy(case, name):
    rings = (case.net[name].rings if name in case.net else None) or {}
    now, most = rings.get("rx"), rings.get("rx_max")
    if not now or not most or now >= most:
        return ()
    larger = min(most, now * 4)
    return (
        Remedy(
            commands=(f"ethtool -G {name} rx {larger}",),
            why=f"rings of {larger} instead of {now} descriptors (at most {most}) ride out longer bursts",
            risk="the link goes down for a moment; larger rings use memory and cache, and only help against bursts",
            undo=f"ethtool -G {name} rx {now}",
        ),
    )


NIC_DROP = Rule(
    id="nic-drop",
    needs=("nic statistics",),
    judge=judge_nic,
    meaning="""A network device lost packets because nobody emptied its rings in time, before the kernel saw them.""",
    evidence="""rx_missed_errors, rx_fifo_errors and the driver's own counters whose names speak of missing room
        (ethtool -S). rx_dropped is left out: the stack counts packets of unknown protocols there.""",
    threshold=f"""From one a second; a warning from {limits.DROP_RATE_WARNING}/s and {limits.DROP_SHARE_WARNING:.2%} of
        packets, critical from {limits.DROP_SHARE_CRITICAL:.0%}.""",
    remedy="""A larger ring (ethtool -G) against bursts; against a full CPU spread the queues or coalesce.""",
    refute="""A counter that means something else in this driver; drops that happened at a link change.""",
)


def judge_softnet(case):
    """At most one finding: the backlog queues that overflowed."""
    rows = {cpu: row for cpu, row in case.whole.softnet.items() if row.dropped}
    dropped = sum(row.dropped for row in rows.values())
    processed = sum(row.processed for row in rows.values())
    severity = drop_severity(dropped, processed, case.seconds) if dropped else None
    if not severity:
        return
    steered = sum(row.received_rps or 0 for row in rows.values())
    share = dropped / (dropped + processed)
    yield Finding(
        rule="softnet-drop",
        severity=severity,
        title=f"the backlog of CPU {cpu_list(rows)} overflowed: {human_count(dropped / case.seconds)} packets/s dropped, "
        f"{percent(share)}",
        subject=Subject(cpus=tuple(sorted(rows)), vector="NET_RX"),
        evidence=tuple(_softnet_evidence(case, rows, steered)),
        remedies=_backlog_remedies(case, rows, steered),
        cost=share,
        stage=DROP,
        step=f"backlog drops {human_count(dropped / case.seconds)}/s on CPU {cpu_list(rows)}",
    )


def _softnet_evidence(case, rows, steered):
    source = "/proc/net/softnet_stat"
    for cpu, row in list(rows.items())[:4]:
        yield counted(f"CPU{cpu} dropped", row.dropped, case.seconds, source, "packets")
        yield counted(f"CPU{cpu} processed", row.processed, case.seconds, source, "packets")
        if row.flow_limit:
            yield counted(f"CPU{cpu} flow_limit", row.flow_limit, case.seconds, source)
    if steered:
        yield counted("received_rps: times RPS of other CPUs woke a backlog", steered, case.seconds, source)


def _backlog_remedies(case, rows, steered):
    now = _sysctl(case, "net.core.netdev_max_backlog")
    shown = now or 1000  # the kernel's default since 2.6 (net/core/hotdata.c)
    remedies = [
        Remedy(
            commands=(f"sysctl -w net.core.netdev_max_backlog={4 * shown}",),
            why=f"room for {4 * shown} packets a CPU instead of {shown}" + ("" if now else " (the default; not recorded)"),
            risk="longer queues are longer delays; helps against bursts, not against a CPU that is full",
            undo=f"sysctl -w net.core.netdev_max_backlog={shown}",
        )
    ]
    full = [cpu for cpu in rows if case.interrupt_share(cpu) >= limits.QUEUE_COST_WARNING]
    if steered and full:
        remedies.insert(0, _widen_rps(case, rows))
    return tuple(remedy for remedy in remedies if remedy)


def _widen_rps(case, rows):
    """More target CPUs where the device with RPS is known and there are idler ones."""
    for name, device in case.net.items():
        masks = {queue: cpus for queue, cpus in (device.rps or {}).items() if set(cpus) & set(rows)}
        if masks:
            mask = cpu_mask(case.housekeeping)
            return Remedy(
                commands=tuple(f"echo {mask} > /sys/class/net/{name}/queues/rx-{queue}/rps_cpus" for queue in masks),
                why="flows are spread over all housekeeping CPUs",
                risk="packets of one flow may be reordered at the moment of the change; tasks there lose time",
                undo="; ".join(f"echo {cpu_mask(cpus)} > /sys/class/net/{name}/queues/rx-{queue}/rps_cpus"
                               for queue, cpus in masks.items()),
            )  # fmt: skip
    return None


def _sysctl(case, name):
    value = ((case.facts.sysctl if case.facts else None) or {}).get(name)
    return value if isinstance(value, int) else None


SOFTNET_DROP = Rule(
    id="softnet-drop",
    needs=("softnet",),
    judge=judge_softnet,
    meaning="""A CPU's backlog queue was full and packets were dropped: the queue that RPS, loopback, veth and drivers
        without NAPI put packets on (net/core/dev.c enqueue_to_backlog).""",
    evidence="""`dropped`, `processed`, `flow_limit` and `received_rps` of softnet_stat. The drop is counted on the CPU that
        should have taken the packet, which under RPS is not the one the interrupt lands on.""",
    threshold=f"""From one a second; a warning from {limits.DROP_RATE_WARNING}/s and {limits.DROP_SHARE_WARNING:.2%},
        critical from {limits.DROP_SHARE_CRITICAL:.0%} of that CPU's packets.""",
    remedy="""More RPS targets when that CPU is full; a longer netdev_max_backlog against bursts.""",
    refute="""A flood that is meant to be dropped there; flow_limit that protects other flows by design.""",
)


def judge_socket(case):
    """At most one finding: UDP datagrams lost at full socket buffers."""
    dropped = case.whole.udp.get("RcvbufErrors", 0)
    passed = case.whole.udp.get("InDatagrams", 0)
    severity = drop_severity(dropped, passed, case.seconds) if dropped else None
    if not severity:
        return
    share = dropped / (dropped + passed)
    limit = _sysctl(case, "net.core.rmem_max") or 212_992  # net/core/sock.c SK_RMEM_MAX: 256 skbs of 832 bytes
    yield Finding(
        rule="socket-drop",
        severity=severity,
        title=f"full UDP receive buffers lost {human_count(dropped / case.seconds)} datagrams/s, {percent(share)}",
        subject=Subject(cpus=_packet_cpus(case, dropped + passed), vector="NET_RX"),
        evidence=(
            counted("Udp RcvbufErrors", dropped, case.seconds, "/proc/net/snmp", "datagrams"),
            counted("Udp InDatagrams", passed, case.seconds, "/proc/net/snmp", "datagrams"),
        ),
        remedies=(
            Remedy(
                commands=("ss -uamnp", f"sysctl -w net.core.rmem_max={4 * limit}"),
                why="ss names the sockets that drop (d in skmem); then let their programs ask for a larger SO_RCVBUF",
                risk="more memory a socket; a reader that is too slow stays too slow",
                undo=f"sysctl -w net.core.rmem_max={limit}",
            ),
        ),
        cost=share,
        stage=DROP,
        step=f"sockets drop {human_count(dropped / case.seconds)}/s",
    )


def _packet_cpus(case, datagrams):
    """CPUs that took the packets, where datagrams are most of what the stack took at all; else () for "not known"."""
    packets = {cpu: row.processed for cpu, row in (case.whole.softnet or {}).items() if row.processed}
    if datagrams < sum(packets.values()) / 2:
        return ()
    return tuple(cpu for cpu, count in packets.items() if count >= limits.IMBALANCE_PART * sum(packets.values()))


SOCKET_DROP = Rule(
    id="socket-drop",
    needs=("udp",),
    judge=judge_socket,
    meaning="""Datagrams crossed the whole stack and were then dropped because the program had not read its socket.""",
    evidence="""RcvbufErrors and InDatagrams of /proc/net/snmp and snmp6.""",
    threshold=f"""From one a second; a warning from {limits.DROP_RATE_WARNING}/s and {limits.DROP_SHARE_WARNING:.2%},
        critical from {limits.DROP_SHARE_CRITICAL:.0%} of datagrams.""",
    remedy="""A faster reader, a larger SO_RCVBUF, several sockets with SO_REUSEPORT.""",
    refute="""A program that leaves its socket unread on purpose; packets sent to more listeners than need them.""",
)


def judge_squeeze(case):
    """At most one finding: NET_RX runs that ended with packets left."""
    rows = {cpu: row for cpu, row in case.whole.softnet.items() if (row.time_squeeze or 0) >= limits.SQUEEZE_RATE * case.seconds}
    if not rows:
        return
    worst = max(rows, key=lambda cpu: rows[cpu].time_squeeze)
    runs = case.softirq_count("NET_RX", worst)
    share = rows[worst].time_squeeze / runs if runs else 0.0
    rate = rows[worst].time_squeeze / case.seconds
    warn = rate >= limits.SQUEEZE_RATE_WARNING and share >= limits.SQUEEZE_SHARE_WARNING
    count = sum(row.time_squeeze for row in rows.values())
    yield Finding(
        rule="softnet-squeeze",
        severity=WARNING if warn else INFORMATION,
        title=f"NET_RX on CPU {cpu_list(rows)} ran out of budget {human_count(rate)} times a second"
        + (f", {percent(share)} of its runs" if runs else ""),
        subject=Subject(cpus=tuple(sorted(rows)), vector="NET_RX"),
        evidence=(
            *(counted(f"CPU{cpu} time_squeeze", row.time_squeeze, case.seconds, "/proc/net/softnet_stat")
              for cpu, row in list(rows.items())[:4]),
            counted(f"NET_RX runs on CPU{worst}", runs, case.seconds, "/proc/softirqs"),
            seen(f"CPU{worst} spent {percent(case.interrupt_share(worst))} in irq and softirq", "/proc/stat"),
        ),
        remedies=_budget_remedy(case, worst),
        cost=min(1.0, share) * case.interrupt_share(worst),
        stage=SOFTIRQ,
        step=f"{human_count(count / case.seconds)} squeezes/s",
    )  # fmt: skip


def _budget_remedy(case, cpu):
    if (case.idle_share(cpu) or 0.0) < limits.IDLER_BY:
        return ()  # a CPU without time does not gain by longer runs
    budget, usecs = _sysctl(case, "net.core.netdev_budget") or 300, _sysctl(case, "net.core.netdev_budget_usecs")
    commands = [f"sysctl -w net.core.netdev_budget={2 * budget}"]
    undo = [f"sysctl -w net.core.netdev_budget={budget}"]
    if usecs:
        commands.append(f"sysctl -w net.core.netdev_budget_usecs={2 * usecs}")
        undo.append(f"sysctl -w net.core.netdev_budget_usecs={usecs}")
    return (
        Remedy(
            commands=tuple(commands),
            why="each run may take twice as many packets",
            risk="other softirqs and tasks of that CPU wait longer",
            undo="; ".join(undo),
        ),
    )


SOFTNET_SQUEEZE = Rule(
    id="softnet-squeeze",
    needs=("softnet", "softirqs"),
    judge=judge_squeeze,
    meaning="""NET_RX stopped with packets left, because its budget of packets or time was used up
        (net/core/dev.c net_rx_action).""",
    evidence="""time_squeeze of softnet_stat against the NET_RX runs of that CPU.""",
    threshold=f"""From {limits.SQUEEZE_RATE}/s on a CPU; a warning from {limits.SQUEEZE_RATE_WARNING}/s and
        {limits.SQUEEZE_SHARE_WARNING:.0%} of the runs. By itself a squeeze loses nothing.""",
    remedy="""A larger budget where the CPU has idle time; where it has none, spread the load.""",
    refute="""A squeeze now and then is normal, and more so in a guest whose CPUs are taken away at times.""",
)
RULES = (NIC_DROP, SOFTNET_DROP, SOCKET_DROP, SOFTNET_SQUEEZE)
