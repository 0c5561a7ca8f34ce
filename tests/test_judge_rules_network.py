"""Each rule about softirqs and packets fires on a real machine changed in one respect, and is silent where it must be."""

import pytest

from machines import Machine
from tophalf.vocab import cpu_mask


def alone(findings):
    assert len(findings) == 1, [finding.title for finding in findings]
    return findings[0]


def commands(finding):
    return [command for remedy in finding.remedies for command in remedy.commands]


# --- ksoftirqd-busy


@pytest.mark.parametrize(("share", "severity"), [(0.55, "warning"), (0.85, "critical")])
def test_ksoftirqd_over_half_a_core(share, severity):
    machine = Machine().thread("ksoftirqd/2", "ksoftirqd", share, cpu=2).softirqs("TASKLET", {2: 9000})
    finding = alone(machine.findings("ksoftirqd-busy"))
    assert finding.severity == severity and finding.subject.vector == "TASKLET" and finding.subject.cpus == (2,)


def test_packets_name_net_rx_although_its_runs_are_few():
    machine = Machine().thread("ksoftirqd/2", "ksoftirqd", 0.9, cpu=2).softnet(2, processed=80_000).softirqs("RCU", {2: 900})
    finding = alone(machine.findings("ksoftirqd-busy"))
    assert finding.subject.vector == "NET_RX"
    assert commands(finding) == ["echo 1 | tee /sys/bus/virtio/devices/virtio4/net/*/threaded"]


def test_ksoftirqd_below_half_a_core_is_normal():
    assert not Machine().thread("ksoftirqd/2", "ksoftirqd", 0.3, cpu=2).findings("ksoftirqd-busy")


# --- softirq-dominant


def test_loopback_flood_names_net_rx():
    """No device interrupt, no ksoftirqd: softirqs run inline in the sender."""
    machine = Machine("idle-6.18").softirqs("NET_RX", {0: 90_000}).softnet(0, processed=211_000).times(0, softirq=0.45, system=0.5)
    finding = alone(machine.findings("softirq-dominant"))
    assert finding.subject.vector == "NET_RX" and finding.severity == "information"
    assert alone(machine.times(0, softirq=0.6).findings("softirq-dominant")).severity == "warning"


def test_other_vectors_are_named_too():
    machine = Machine().softirqs("TIMER", {1: 9000}).times(1, softirq=0.15)
    assert alone(machine.findings("softirq-dominant")).subject.vector == "TIMER"


def test_mixed_or_cheap_softirqs_dominate_nothing():
    mixed = Machine().softirqs("NET_RX", {1: 900}).softirqs("BLOCK", {1: 900}).softirqs("TASKLET", {1: 900}).times(1, softirq=0.3)
    assert not mixed.findings("softirq-dominant")
    assert not Machine().softirqs("NET_RX", {1: 9000}).times(1, softirq=0.04).findings("softirq-dominant")


# --- drops


@pytest.mark.parametrize(("missed", "severity"), [(3, "information"), (60, "warning"), (3000, "critical")])
def test_nic_drops_by_share_with_the_ring_to_set(missed, severity):
    machine = (
        Machine()
        .nic("eth0", rx_packets=100_000, rx_missed_errors=missed)
        .net("eth0", pci_address="0000:00:06.0", driver="e1000e", rings={"rx": 256, "rx_max": 4096})
    )
    finding = alone(machine.findings("nic-drop"))
    assert finding.severity == severity
    assert commands(finding) == ["ethtool -G eth0 rx 1024"] and finding.remedies[0].undo == "ethtool -G eth0 rx 256"


def test_drops_of_the_stack_and_of_virtual_devices_are_not_the_nics():
    assert not Machine().nic("eth0", rx_packets=100_000, rx_dropped=500).findings("nic-drop")
    assert not Machine().nic("veth1a", rx_packets=100_000, rx_fifo_errors=500).findings("nic-drop")
    assert not Machine().nic("eth0", rx_packets=100_000, rx_missed_errors=0.2).findings("nic-drop")


def test_softnet_drop_on_the_cpu_that_should_have_taken_it():
    machine = Machine().softnet(1, processed=50_000, dropped=20_000, received_rps=30_000).times(1, softirq=0.9)
    machine.net("eth0", rps={0: (1,)}).facts(sysctl={"net.core.netdev_max_backlog": 1000})
    finding = alone(machine.findings("softnet-drop"))
    assert finding.severity == "critical" and finding.subject.cpus == (1,)
    assert "echo f > /sys/class/net/eth0/queues/rx-0/rps_cpus" in commands(finding)
    assert "sysctl -w net.core.netdev_max_backlog=4000" in commands(finding)
    assert not Machine().findings("softnet-drop")


def test_socket_drop():
    machine = Machine().udp(InDatagrams=100_000, RcvbufErrors=5000).facts(sysctl={"net.core.rmem_max": 212_992})
    finding = alone(machine.findings("socket-drop"))
    assert finding.severity == "critical" and "sysctl -w net.core.rmem_max=851968" in commands(finding)
    assert not Machine().udp(InDatagrams=100_000, RcvbufErrors=0.3).findings("socket-drop")


def test_squeezes_are_information_unless_they_are_the_rule():
    few = Machine().softnet(1, processed=9000, time_squeeze=5)
    assert alone(few.findings("softnet-squeeze")).severity == "information"
    many = Machine().softnet(1, processed=90_000, time_squeeze=400).softirqs("NET_RX", {1: 1000})
    finding = alone(
        many.facts(sysctl={"net.core.netdev_budget": 300, "net.core.netdev_budget_usecs": 8000}).findings("softnet-squeeze")
    )
    assert finding.severity == "warning"
    assert commands(finding) == ["sysctl -w net.core.netdev_budget=600", "sysctl -w net.core.netdev_budget_usecs=16000"]


def test_a_full_cpu_does_not_gain_by_a_larger_budget():
    machine = Machine().softnet(1, processed=90_000, time_squeeze=400).softirqs("NET_RX", {1: 1000}).times(1, softirq=0.95)
    assert not alone(machine.findings("softnet-squeeze")).remedies


def test_a_squeeze_now_and_then_is_normal():
    assert not Machine().findings("softnet-squeeze")


# --- coalescing and queues


def _nic(machine, queues=1, rate=30_000, cpus=None, **fields):
    cpus = cpus or list(range(queues))
    for queue in range(queues):
        machine.line(60 + queue, f"eth8-TxRx-{queue}", {cpus[queue]: rate}, mask=(cpus[queue],), chip="PCI-MSIX-0000:05:00.0")
    return machine.net("eth8", pci_address="0000:05:00.0", driver="ixgbe", **fields)


def test_an_interrupt_for_each_packet():
    machine = _nic(Machine(), coalesce={"rx_usecs": 0, "adaptive_rx": False}).nic("eth8", rx_packets=35_000)
    finding = alone(machine.findings("no-coalescing"))
    assert finding.severity == "information" and commands(finding)[0] == "ethtool -C eth8 adaptive-rx on"
    hard = _nic(Machine(), queues=4, coalesce={"rx_usecs": 0}).nic("eth8", rx_packets=130_000)
    assert alone(hard.findings("no-coalescing")).severity == "warning"


def test_coalescing_that_is_on_or_works_is_left_alone():
    assert not _nic(Machine(), coalesce={"adaptive_rx": True}).nic("eth8", rx_packets=35_000).findings("no-coalescing")
    assert not _nic(Machine(), coalesce={"rx_usecs": 0}).nic("eth8", rx_packets=900_000).findings("no-coalescing")
    assert not _nic(Machine(), rate=900, coalesce={"rx_usecs": 0}).nic("eth8", rx_packets=900).findings("no-coalescing")


def test_fewer_queues_than_cpus_under_load():
    machine = _nic(Machine(), channels={"combined": 1, "combined_max": 8}).nic("eth8", rx_packets=200_000)
    assert not machine.findings("queues-unused")
    assert alone(machine.times(0, softirq=0.3).findings("queues-unused")).severity == "information"
    finding = alone(machine.times(0, softirq=0.7).findings("queues-unused"))
    assert finding.severity == "warning" and commands(finding) == ["ethtool -L eth8 combined 4"]
    assert finding.remedies[0].undo == "ethtool -L eth8 combined 1"


def test_queues_that_share_a_cpu_while_others_are_free():
    machine = _nic(Machine(), queues=4, rate=5000, cpus=[0, 0, 1, 2]).nic("eth8", rx_packets=200_000)
    finding = alone(machine.times(0, softirq=0.7).findings("queues-unused"))
    assert "queues 0, 1 share CPU0, while CPU 3 takes none" in finding.title and finding.severity == "warning"


def test_enough_queues_or_no_load():
    spread = _nic(Machine(), queues=4, rate=5000, channels={"combined": 4, "combined_max": 8}).nic("eth8", rx_packets=200_000)
    assert not spread.findings("queues-unused")
    assert (
        not _nic(Machine(), rate=50, channels={"combined": 1, "combined_max": 8})
        .nic("eth8", rx_packets=200)
        .findings("queues-unused")
    )


# --- RPS


def test_one_queue_that_fills_its_cpu():
    machine = _nic(Machine(), rate=8000, cpus=[1], rps={0: ()}).nic("eth8", rx_packets=200_000).times(1, softirq=0.8)
    finding = alone(machine.findings("rps-missing"))
    assert commands(finding) == ["echo d > /sys/class/net/eth8/queues/rx-0/rps_cpus"]
    assert finding.remedies[0].undo == "echo 0 > /sys/class/net/eth8/queues/rx-0/rps_cpus"


@pytest.mark.parametrize("change", [{"rps": {0: (0, 2)}}, {"channels": {"combined": 1, "combined_max": 4}}, {"threaded": True}])
def test_rps_is_not_asked_for_where_something_better_or_rps_itself_is_there(change):
    machine = _nic(Machine(), rate=8000, cpus=[1], **{"rps": {0: ()}, **change}).nic("eth8", rx_packets=200_000)
    assert not machine.times(1, softirq=0.8).findings("rps-missing")


def test_rps_is_not_asked_for_without_load():
    machine = _nic(Machine(), rate=8000, cpus=[1], rps={0: ()}).nic("eth8", rx_packets=200_000)
    assert not machine.times(1, softirq=0.2).findings("rps-missing")


def test_rps_where_every_cpu_has_a_queue_and_rps_to_isolated_cpus():
    rps = dict.fromkeys(range(4), (0, 1, 2, 3))
    machine = _nic(Machine(), queues=4, rate=2000, rps=rps).softnet(1, processed=50_000, received_rps=40_000)
    assert alone(machine.findings("rps-harmful")).severity == "information"
    finding = alone(machine.boot(isolated=(3,)).findings("rps-harmful"))
    assert finding.severity == "warning" and "isolated CPU 3" in finding.title


def test_rps_to_one_full_cpu_names_the_others():
    machine = _nic(Machine(), rate=2000, rps={0: (1,)}).softnet(1, processed=50_000, received_rps=40_000, dropped=9000)
    finding = alone(machine.times(1, softirq=0.9).findings("rps-harmful"))
    assert finding.severity == "warning" and commands(finding) == ["echo f > /sys/class/net/eth8/queues/rx-0/rps_cpus"]


def test_rps_that_helps_or_idles_is_left_alone():
    helps = _nic(Machine(), rate=2000, rps={0: (1, 2, 3)}).softnet(1, processed=50_000, received_rps=40_000)
    assert not helps.findings("rps-harmful")
    assert not _nic(Machine(), queues=4, rps={0: (1,)}).findings("rps-harmful")


def test_masks_in_the_kernels_form():
    assert cpu_mask((0, 2, 3)) == "d" and cpu_mask((32,)) == "1,00000000" and cpu_mask(range(64)) == "ffffffff,ffffffff"


# --- the chain


def test_a_drop_is_under_the_layout_that_makes_it():
    machine = _nic(Machine(), queues=4, rate=3000, cpus=[2, 2, 2, 2]).nic("eth8", rx_packets=90_000, rx_missed_errors=4000)
    verdict = machine.times(2, softirq=0.7).verdict("irq-imbalance", "nic-drop", "softirq-dominant")
    head = alone(verdict.findings)
    assert head.rule == "irq-imbalance" and head.severity == "critical"
    assert ("consequence", "nic-drop") in [(relation, member.rule) for relation, member in head.related]
    assert head.chain.endswith("eth8 drops 4,000/s")


def test_a_drop_of_a_device_whose_queues_are_elsewhere_stays_on_its_own():
    machine = _nic(Machine(), queues=4, rate=3000, cpus=[2, 2, 2, 2]).times(2, softirq=0.7)
    machine.line(70, "eth9-rx-0", {3: 5}, mask=(3,), chip="PCI-MSIX-0000:06:00.0").net(
        "eth9", pci_address="0000:06:00.0", driver="igb"
    )
    machine.nic("eth9", rx_packets=50_000, rx_missed_errors=4000)
    assert [finding.rule for finding in machine.verdict("irq-imbalance", "nic-drop").findings] == ["nic-drop", "irq-imbalance"]


def test_sockets_that_overflow_behind_a_flood_are_its_consequence():
    machine = Machine("netrx-flood").udp(InDatagrams=60_000, RcvbufErrors=20_000)
    worst = machine.verdict().findings[0]
    assert worst.rule == "ksoftirqd-busy" and "socket-drop" in [member.rule for _, member in worst.related]
    assert worst.chain.endswith("ksoftirqd/0 93 % → sockets drop 20k/s")


def test_a_loopback_flood_that_loses_datagrams_is_one_finding():
    machine = Machine("idle-6.18").softirqs("NET_RX", {0: 119_000}).softnet(0, processed=121_000).times(0, softirq=0.29, system=0.5)
    head = alone(machine.udp(InDatagrams=74_000, RcvbufErrors=48_000).verdict("softirq-dominant", "socket-drop").findings)
    assert head.rule == "softirq-dominant" and head.severity == "critical" and head.subject.vector == "NET_RX"
    assert head.chain == "NET_RX 121k packets/s → sockets drop 48k/s"


def test_drops_of_an_idle_cpu_are_not_laid_to_the_layout():
    machine = _nic(Machine(), queues=4, rate=3000, cpus=[2, 2, 2, 2]).nic("eth8", rx_packets=90_000, rx_missed_errors=4000)
    verdict = machine.times(2, softirq=0.05).verdict("irq-imbalance", "nic-drop")
    assert [finding.rule for finding in verdict.findings] == ["nic-drop", "irq-imbalance"]


def test_layout_is_no_cause_of_a_ksoftirqd_that_runs_timers():
    machine = _nic(Machine(), queues=4, rate=20, cpus=[2, 2, 2, 2]).softirqs("TIMER", {2: 20_000})
    machine.without("virtio").thread("ksoftirqd/2", "ksoftirqd", 0.9, cpu=2)
    verdict = machine.verdict("ksoftirqd-busy", "irq-imbalance")
    assert [finding.rule for finding in verdict.findings] == ["ksoftirqd-busy", "irq-imbalance"]
    assert verdict.findings[0].subject.vector == "TIMER"


@pytest.mark.parametrize("counter", ["rx_cache_empty_drop", "tx_queue_0_dropped", "rx_queue_0_xdp_drops", "veb.rx_discards"])
def test_counters_that_speak_of_drops_but_lose_no_received_packet(counter):
    assert not Machine().nic("eth0", rx_packets=100_000, **{counter: 5000}).findings("nic-drop")


def test_queues_of_one_counter_are_added_up():
    machine = Machine().nic("eth0", rx_packets=100_000, rx_queue_0_drops=30, rx_queue_1_drops=40, rx_missed_errors=60)
    assert "70/s" in alone(machine.findings("nic-drop")).title
