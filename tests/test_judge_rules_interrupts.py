"""Each rule about lines and where they land fires on a real machine changed in one respect, and is silent where it must be."""

from machines import Machine
from tophalf.snapshot import Daemon, LogLine, PciDevice


def alone(findings):
    assert len(findings) == 1, [finding.title for finding in findings]
    return findings[0]


# --- irq-storm


def test_storm_on_an_edge_line_against_its_past():
    machine = Machine().line(50, "labirq", {2: 60_000}, between=(4, 7))
    finding = alone(machine.findings("irq-storm"))
    assert finding.severity == "warning" and finding.subject.irqs == (50,) and finding.subject.cpus == (2,)


def test_storm_that_lasts_the_whole_time_is_told_by_the_mean_since_boot():
    assert alone(Machine(samples=2).line(50, "xhci_hcd", {2: 60_000}, base=0).findings("irq-storm"))


def test_storm_unbinds_the_device_where_pci_facts_name_it():
    machine = Machine().line(50, "labirq", {2: 60_000}, between=(4, 7))
    machine.facts(pci={50: PciDevice(address="0000:00:10.0", driver="edu")})
    finding = alone(machine.findings("irq-storm"))
    assert finding.remedies[0].commands == ("echo 0000:00:10.0 > /sys/bus/pci/drivers/edu/unbind",)
    assert finding.remedies[0].undo == "echo 0000:00:10.0 > /sys/bus/pci/drivers/edu/bind"


def test_a_nic_that_interrupts_as_often_with_work_is_no_storm():
    machine = Machine().line(50, "eth9-rx-0", {2: 60_000}, between=(4, 7)).softirqs("NET_RX", {2: 18_000})
    assert not machine.findings("irq-storm")


def test_a_nic_that_counts_packets_is_no_storm_though_no_softirq_carries_them():
    for packets, storms in ((400_000, 0), (4_000, 1)):
        machine = Machine().line(50, "eth9-rx-0", {2: 60_000}, between=(4, 7)).nic("eth9", rx_packets=packets)
        assert len(machine.findings("irq-storm")) == storms


def test_queues_of_storage_and_guests_are_not_judged_as_storms():
    for action in ("nvme0q3", "vfio-msix[0](0000:01:00.0)"):
        assert not Machine().line(50, action, {2: 200_000}, between=(4, 7)).findings("irq-storm")


def test_a_steady_rate_below_what_no_device_needs_is_no_storm():
    assert not Machine().line(50, "gpu", {2: 40_000}, base=40_000 * 3600).findings("irq-storm")


# --- irq-unhandled


def _disabled(machine):
    machine.line(50, ("eth7", "uhci"), {1: 100}, mask=(1,), trigger="fasteoi", chip="IO-APIC")
    return machine


NOBODY = (LogLine(time_us=9_000_000, text='irq 50: nobody cared (try booting with the "irqpoll" option)'),
          LogLine(time_us=9_000_100, text="handlers:"),
          LogLine(time_us=9_000_200, text="[<00000000805adec8>] uhci_irq [uhci_hcd]"),
          LogLine(time_us=9_000_300, text="Disabling IRQ #50"))  # fmt: skip


def test_a_line_disabled_meanwhile_is_critical():
    finding = alone(_disabled(Machine()).log(*NOBODY).findings("irq-unhandled"))
    assert finding.severity == "critical"
    assert any("modprobe -r uhci_hcd" in command for remedy in finding.remedies for command in remedy.commands)


def test_a_line_disabled_long_ago_that_stands_still_is_a_warning():
    machine = Machine().line(50, "uhci", {}, mask=(1,)).log(before=NOBODY)
    assert alone(machine.findings("irq-unhandled")).severity == "warning"


def test_a_line_that_counts_again_since_is_information():
    assert alone(_disabled(Machine()).log(before=NOBODY).findings("irq-unhandled")).severity == "information"


def test_most_interrupts_unclaimed_is_a_warning_and_a_few_are_nothing():
    machine = Machine().line(50, ("a", "b"), {1: 1000}, mask=(1,))
    assert alone(machine.spurious(50, unhandled=800, count=1000).findings("irq-unhandled")).severity == "warning"
    assert not machine.spurious(50, unhandled=0.2, count=1000).findings("irq-unhandled")


# --- irq-imbalance


def _queues(machine, cpus, rate=3000, names=("eth8-TxRx-{}",)):
    """Four queues of a NIC, each on the CPU named."""
    for queue, cpu in enumerate(cpus):
        machine.line(60 + queue, names[0].format(queue), {cpu: rate}, mask=(cpu,), chip="PCI-MSIX-0000:05:00.0")
    return machine


def test_imbalance_under_load_is_a_warning_with_the_way_out():
    machine = _queues(Machine(), (2, 2, 2, 2)).times(2, softirq=0.6)
    finding = alone(machine.findings("irq-imbalance"))
    assert finding.severity == "warning" and finding.subject.cpus == (2,)
    assert finding.remedies[0].commands == ("tophalf affinity 61 0", "tophalf affinity 62 1", "tophalf affinity 63 3")


def test_the_same_layout_without_cost_is_information():
    assert alone(_queues(Machine(), (2, 2, 2, 2)).findings("irq-imbalance")).severity == "information"


def test_no_imbalance_when_all_cpus_are_as_busy():
    machine = _queues(Machine(), (2, 2, 2, 2)).times(2, softirq=0.6)
    for cpu in (0, 1, 3):
        machine.times(cpu, user=0.5)
    assert alone(machine.findings("irq-imbalance")).severity == "information"


def test_spread_queues_are_no_imbalance():
    assert not _queues(Machine(), (0, 1, 2, 3)).times(2, softirq=0.6).findings("irq-imbalance")


def test_receive_and_transmit_of_one_queue_are_one_thing_to_move():
    machine = Machine("idle-6.18").line(60, "eth8-rx-0", {1: 3000}, mask=(1,)).line(61, "eth8-tx-0", {1: 2000}, mask=(1,))
    assert not machine.times(1, softirq=0.6).findings("irq-imbalance")


def test_managed_lines_are_not_held_against_anyone():
    machine = _queues(Machine("idle-6.18"), (1, 1), names=("nvme0q1{}",)).times(1, softirq=0.6)
    assert not machine.findings("irq-imbalance")


def test_one_housekeeping_cpu_means_to_have_them_all():
    machine = _queues(Machine(), (0, 0, 0, 0)).times(0, softirq=0.6).boot(isolated=(1, 2, 3))
    assert not machine.findings("irq-imbalance")


def test_lines_go_to_their_own_node_and_never_to_isolated_cpus():
    machine = Machine().widen(range(16)).nodes({0: tuple(range(8)), 1: tuple(range(8, 16))}).boot(isolated=(8, 9))
    for queue in range(4):
        machine.line(60 + queue, f"mlx5_comp{queue}@pci:0000:3b:00.0", {12: 9000}, mask=(12,), node=1)
    finding = alone(machine.times(12, softirq=0.7).findings("irq-imbalance"))
    places = {int(command.split()[-1]) for command in finding.remedies[0].commands}
    assert finding.severity == "warning" and places <= {10, 11, 13, 14, 15} and len(places) == 3


# --- irq-affinity-ignored, and masks that changed


def test_interrupts_outside_a_standing_mask_throughout():
    machine = Machine().line(50, "labirq", {3: 400}, mask=(1,), effective=(1,))
    finding = alone(machine.findings("irq-affinity-ignored"))
    assert finding.severity == "warning" and "CPU 3, outside its mask 1" in finding.title


def test_one_interval_alone_is_not_sure():
    machine = Machine(samples=2).line(50, "labirq", {3: 400}, mask=(1,), effective=(1,))
    assert alone(machine.findings("irq-affinity-ignored")).severity == "information"


def test_a_mask_that_was_another_for_a_while_is_a_conflict_not_a_fault():
    assert not Machine("irqbalance").findings("irq-affinity-ignored")
    assert {33, 35} <= set(alone(Machine("irqbalance").findings("irqbalance-conflict")).subject.irqs)


def test_one_interrupt_on_the_old_cpu_after_a_move_is_no_fault():
    assert not Machine().line(50, "labirq", {3: 0.3}, mask=(1,), effective=(1,)).findings("irq-affinity-ignored")
    assert not Machine().findings("irq-affinity-ignored")


# --- irq-pinned


def test_busy_managed_queues_are_named_once_a_device_and_idle_ones_not():
    machine = Machine().line(50, "megasas0-msix1", {0: 50}, mask=(0,)).line(51, "megasas0-msix2", {1: 50}, mask=(1,))
    finding = alone(machine.findings("irq-pinned"))
    assert finding.severity == "information" and finding.subject.irqs == (50, 51)
    assert not Machine().line(50, "nvme0q1", {0: 2}, mask=(0,)).findings("irq-pinned")
    assert not Machine().line(50, "nvme0q0", {0: 50}, mask=(0,)).findings("irq-pinned")
    assert "likely managed" in finding.title


# --- irq-on-isolated-cpu


def test_a_line_on_a_core_that_was_set_aside():
    machine = Machine().boot(isolated=(2, 3)).line(50, "labirq", {3: 200}, mask=(0, 1, 2, 3))
    finding = alone(machine.findings("irq-on-isolated-cpu"))
    assert finding.severity == "warning" and 50 in finding.subject.irqs
    assert "tophalf affinity 50 0-1" in finding.remedies[0].commands


def test_a_line_meant_for_an_isolated_core_is_information():
    machine = Machine("idle-6.18").boot(nohz_full=(1,)).without("virtio").line(50, "dpdk", {1: 200}, mask=(1,))
    finding = alone(machine.findings("irq-on-isolated-cpu"))
    assert finding.severity == "information" and "seems meant" in finding.title


def test_nothing_isolated_or_nothing_there():
    assert not Machine().boot().findings("irq-on-isolated-cpu")
    assert not Machine().widen(range(8)).boot(isolated=(6, 7)).findings("irq-on-isolated-cpu")
    assert "no kernel command line" in Machine().verdict("irq-on-isolated-cpu").not_judged


# --- irq-remote-node


def test_a_device_whose_interrupts_cross_nodes():
    nodes = {0: (0, 1), 1: (2, 3)}
    machine = Machine().nodes(nodes).line(50, "eth8-TxRx-0", {0: 9000}, mask=(0,), node=1).times(0, softirq=0.4)
    finding = alone(machine.findings("irq-remote-node"))
    assert finding.severity == "warning" and finding.remedies[0].commands == ("tophalf affinity 50 2",)
    idle = Machine().nodes(nodes).line(50, "eth8-TxRx-0", {0: 200}, mask=(0,), node=1)
    assert alone(idle.findings("irq-remote-node")).severity == "information"


def test_a_device_at_home_or_without_a_node():
    nodes = {0: (0, 1), 1: (2, 3)}
    assert not Machine().nodes(nodes).line(50, "eth8-TxRx-0", {3: 9000}, mask=(3,), node=1).findings("irq-remote-node")
    assert not Machine().nodes(nodes).line(50, "eth8-TxRx-0", {0: 9000}, mask=(0,), node=-1).findings("irq-remote-node")


# --- irqbalance-conflict

IRQBALANCE = Daemon(pid=812, arguments=("/usr/sbin/irqbalance", "--foreground"), bans=(), banned_cpus=(), interval_s=10)


def test_a_banned_line_whose_mask_changed():
    machine = Machine().line(50, "labirq", {1: 50}, mask=(1,)).masks(50, first=(0,), last=(1,))
    machine.facts(daemons={"irqbalance": IRQBALANCE.replace(bans=(50,)), "tuned": False})
    findings = machine.findings("irqbalance-conflict")
    assert findings[0].severity == "warning" and "banned" in findings[0].title


def test_queues_stacked_by_hand_would_be_overwritten_with_the_ban_to_set():
    machine = Machine("cpu0").facts(daemons={"irqbalance": IRQBALANCE})
    finding = alone(machine.findings("irqbalance-conflict"))
    assert finding.severity == "information" and finding.subject.irqs == (33, 35, 37, 39)
    assert "--banirq=33 --banirq=35 --banirq=37 --banirq=39" in finding.remedies[0].commands[0]


def test_lines_on_cpus_that_irqbalance_was_told_to_keep_free():
    machine = Machine().line(50, "labirq", {3: 50}, mask=(0, 3)).facts(daemons={"irqbalance": IRQBALANCE.replace(banned_cpus=(3,))})
    titles = [finding.title for finding in machine.findings("irqbalance-conflict")]
    assert any("told to keep free (3)" in title for title in titles)


def test_no_irqbalance_and_no_change_is_silence():
    assert not Machine().facts(daemons={"irqbalance": False}).findings("irqbalance-conflict")


def test_an_edge_line_that_wakes_tasks_does_work():
    machine = Machine().line(50, "virtio5-requests", {2: 60_000}, between=(4, 7))

    def switch(shot, seconds):
        more = int(30_000 * max(0.0, min(seconds, 7) - 4))
        return shot.replace(stat=shot.stat.replace(context_switches=shot.stat.context_switches + more))

    assert not machine._map(switch).findings("irq-storm")


def test_managed_queues_used_from_an_isolated_core_are_information():
    machine = Machine("nvme").boot(isolated=(3,)).without("virtio")
    finding = alone(machine.findings("irq-on-isolated-cpu"))
    assert finding.severity == "information" and finding.subject.irqs == (36,)


def test_a_default_mask_of_one_cpu_means_to_have_them_there():
    machine = _queues(Machine(), (2, 2, 2, 2)).times(2, softirq=0.6)
    machine._map(lambda shot, seconds: shot.replace(default_affinity=(2,)))
    assert not machine.findings("irq-imbalance")


def test_lines_are_spread_within_the_default_mask():
    machine = _queues(Machine(), (2, 2, 2, 2)).times(2, softirq=0.6)
    machine._map(lambda shot, seconds: shot.replace(default_affinity=(2, 3)))
    finding = alone(machine.findings("irq-imbalance"))
    assert {command.split()[-1] for command in finding.remedies[0].commands} == {"3"}
