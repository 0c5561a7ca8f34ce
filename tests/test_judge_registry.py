"""Judging half a machine: whatever is missing, nothing breaks, and what was not judged is said."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machines import Machine, recorded
from tophalf.judge.findings import SEVERITIES
from tophalf.judge.registry import RULES
from tophalf.snapshot import Daemon, NetDevice, PciDevice, Topology

FIELDS = ("interrupts", "softirqs", "stat", "softnet", "irq_files", "default_affinity", "threads", "udp", "netdev_stats", "log")


def rich(name):
    """A recorded machine with everything that can be known, so that every rule has something to look at."""
    machine = Machine(name).boot(isolated=(3,)).nodes({0: (0, 1), 1: (2, 3)})
    machine.nic("eth0", rx_packets=90_000, rx_missed_errors=900).udp(InDatagrams=9000, RcvbufErrors=900)
    machine.net(
        "eth0",
        pci_address="0000:00:06.0",
        driver="virtio_net",
        rps={0: (1, 3)},
        channels={"combined": 1, "combined_max": 4},
        rings={"rx": 256, "rx_max": 1024},
        coalesce={"rx_usecs": 0},
    )
    machine.facts(
        pci={irq: PciDevice(address="0000:00:06.0", driver="virtio-pci", node=1) for irq in range(32, 41)},
        daemons={
            "irqbalance": Daemon(pid=9, arguments=("irqbalance",), bans=(33,), banned_cpus=(0,), interval_s=10),
            "tuned": False,
        },
        sysctl={"net.core.netdev_budget": 300, "kernel.numa_balancing": 1},
    )
    return machine


CASES = st.sampled_from(["balanced", "cpu0", "netrx-flood", "storm", "nobody-cared", "irqbalance", "idle-6.18", "nvme"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CASES, st.sets(st.sampled_from(FIELDS)), st.sets(st.sampled_from(["boot", "topology", "pci", "net", "daemons", "sysctl"])))
def test_half_a_machine_is_judged_by_what_there_is(name, gone, unknown):
    machine = rich(name)
    machine._map(lambda shot, seconds: shot.replace(**dict.fromkeys(gone)))
    machine.facts(**dict.fromkeys(unknown))
    verdict = machine.verdict()
    assert sorted([*verdict.judged, *(rule for rules in verdict.not_judged.values() for rule in rules)]) == sorted(RULES)
    order = [SEVERITIES.index(finding.severity) for finding in verdict.findings]
    assert order == sorted(order) and all(finding.evidence and finding.refute for finding in verdict.findings)


@settings(max_examples=60, deadline=None)
@given(CASES, st.data())
def test_fields_may_be_missing_at_some_moments_only(name, data):
    """Recordings hold masks and threads seldom, counters each second."""
    machine = rich(name)
    for at in range(len(machine.shots)):
        gone = data.draw(st.sets(st.sampled_from(FIELDS), max_size=4))
        machine.shots[at] = machine.shots[at].replace(**dict.fromkeys(gone))
    machine.verdict()


@settings(max_examples=40, deadline=None)
@given(CASES, st.integers(0, 3), st.integers(0, 11))
def test_a_cpu_may_go_away_and_lines_with_it(name, cpu, since):
    machine = rich(name)
    for at in range(since, len(machine.shots)):
        machine.shots[at] = offline(machine.shots[at], cpu)
    machine.verdict()


def offline(shot, cpu):
    """The snapshot as a kernel with that CPU offline prints it: no column, no row; the last line is gone too."""
    table = shot.interrupts
    keep = [at for at, each in enumerate(table.cpus) if each != cpu]
    lines = {key: line.replace(counts=tuple(line.counts[at] for at in keep)) if line.per_cpu else line
             for key, line in list(table.lines.items())[:-3]}  # fmt: skip
    return shot.replace(
        interrupts=table.replace(cpus=tuple(table.cpus[at] for at in keep), lines=lines),
        stat=shot.stat.replace(ticks={each: ticks for each, ticks in shot.stat.ticks.items() if each != cpu}),
        softnet={each: row for each, row in shot.softnet.items() if each != cpu},
    )


def test_the_same_machine_is_judged_the_same_twice():
    first, second = rich("netrx-flood").verdict(), rich("netrx-flood").verdict()
    assert [finding.as_dict() for finding in first.findings] == [finding.as_dict() for finding in second.findings]


def test_a_healthy_machine_stays_healthy_with_all_its_facts():
    machine = Machine("balanced").boot().nodes({0: (0, 1, 2, 3)}).nic("eth0", rx_packets=1500).udp(InDatagrams=1500, RcvbufErrors=0)
    machine.facts(
        net={"eth0": NetDevice(name="eth0", pci_address="0000:00:06.0", channels={"combined": 4, "combined_max": 4}, rps={})},
        daemons={"irqbalance": Daemon(pid=9, arguments=("irqbalance",), bans=(), banned_cpus=(), interval_s=10), "tuned": False},
    )
    verdict = machine.verdict()
    assert not verdict.alarming and {"no tracing"} == set(verdict.not_judged)


def server():
    """A database server of 128 CPUs on two nodes: two mlx5 with 24 queues each on their own node, NVMe, irqbalance, busy."""
    machine = Machine("balanced", samples=2).without("virtio").widen(range(128))
    machine.nodes({0: tuple(range(64)), 1: tuple(range(64, 128))}).boot()
    for card, node, address in ((0, 0, "0000:3b:00.0"), (1, 1, "0000:af:00.0")):
        for queue in range(24):
            cpu, irq = 64 * node + 2 * queue, 200 + 100 * card + queue
            machine.line(
                irq, f"mlx5_comp{queue}@pci:{address}", {cpu: 6000}, mask=(cpu,), hint=(cpu,), node=node, chip="IR-PCI-MSIX"
            )
        name = f"ens{card}f0np0"
        machine.net(name, pci_address=address, driver="mlx5_core", channels={"combined": 24, "combined_max": 63},
                    coalesce={"adaptive_rx": True}, rps=dict.fromkeys(range(24), ()))  # fmt: skip
        machine.nic(name, rx_packets=2_000_000, rx_out_of_buffer=0, rx_cache_full=9000, tx_queue_dropped=3)
    for queue in range(1, 65):
        machine.line(500 + queue, f"nvme0q{queue}", {2 * queue - 2: 4000}, mask=(2 * queue - 2,), chip="IR-PCI-MSIX")
    for cpu in range(0, 128, 2):
        machine.softirqs("NET_RX", {cpu: 6000}).softnet(cpu, processed=80_000).times(cpu, user=0.4, system=0.2, softirq=0.12)
    machine.line("RES", "", dict.fromkeys(range(128), 9000), kind="ipi", description="Rescheduling interrupts", chip=None)
    return machine.facts(daemons={"irqbalance": Daemon(pid=9, arguments=("irqbalance",), bans=(), banned_cpus=(), interval_s=10)})


def test_a_busy_server_in_order_has_nothing_of_warning_or_worse():
    verdict = server().verdict()
    assert not verdict.alarming, [finding.title for finding in verdict.findings]


def test_the_same_server_with_one_queue_astray_is_told_where_it_belongs():
    machine = server().line(200, "mlx5_comp0@pci:0000:3b:00.0", {100: 90_000}, mask=(100,), hint=(0,), node=0, chip="IR-PCI-MSIX")
    (finding,) = machine.times(100, softirq=0.9).verdict("irq-remote-node", "irq-storm", "irq-imbalance").findings
    assert finding.severity == "warning" and "1 of its 24 busy lines" in finding.title
    assert finding.remedies[0].commands == ("tophalf affinity 200 0",)


def test_topology_without_nodes_is_no_topology_for_nodes():
    verdict = Machine("balanced").facts(topology=Topology(online=(0, 1, 2, 3))).verdict("irq-remote-node")
    assert verdict.not_judged == {"no NUMA topology": ["irq-remote-node"]}
    assert recorded("balanced")
