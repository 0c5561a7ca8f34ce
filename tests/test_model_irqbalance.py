"""irqbalance on a simulated machine: its estimate of loads, its rule, what it writes, and three things that are told of it."""

import json

import pytest

from tophalf.cli.main import main
from tophalf.cli.simulated import save_run
from tophalf.errors import TophalfError
from tophalf.host.door import open_machine
from tophalf.host.sample import take_snapshots
from tophalf.model import fields as f
from tophalf.model.balancer.daemon import Files, Irqbalance
from tophalf.model.balancer.loads import take_loads
from tophalf.model.balancer.placement import calculate_placement, force_rebalance, migrate, update_migration_status
from tophalf.model.balancer.tree import ETHERNET, LEGACY, OTHER, STORAGE, Interrupt, Tree, class_of
from tophalf.model.irq import managefields as g
from tophalf.model.simulate import make_world
from tophalf.model.summary import digest
from tophalf.scenario.load import load_scenario, read_scenario
from tophalf.snapshot import Topology

pytestmark = pytest.mark.kernels


def topology(cpus=4, nodes=1, threads=1, online=None):
    """CPUs shared out to nodes in blocks; the threads of a core follow one another."""
    node_of = {cpu: cpu * nodes // cpus for cpu in range(cpus)}
    members = {node: tuple(cpu for cpu in node_of if node_of[cpu] == node) for node in range(nodes)}
    siblings = {cpu: tuple(range(cpu // threads * threads, cpu // threads * threads + threads)) for cpu in range(cpus)}
    online = tuple(range(cpus)) if online is None else online
    return Topology(online=online, possible=tuple(range(cpus)), nodes=members, node_of=node_of, package_of=node_of,
                    siblings=siblings, llc={})  # fmt: skip


def tree_with(classes, banned=(), **how):
    """A tree with interrupts 1, 2, ... of these classes, all waiting."""
    tree = Tree(topology(**how), set(banned))
    tree.interrupts = [Interrupt(irq, irq_class, tree.nodes[0], irq) for irq, irq_class in enumerate(classes, 1)]
    for one in tree.interrupts:
        force_rebalance(tree, one)
    return tree


def where(tree):
    """{irq: CPUs of the object that it is assigned to}."""
    return {one.irq: sorted(one.where.cpus) for one in tree.interrupts if one.where}


# The tree


def test_the_tree_has_cores_as_cache_domains_and_keeps_off_banned_cpus():
    tree = Tree(topology(cpus=8, nodes=2, threads=2), {1, 4, 5})
    assert [sorted(node.cpus) for node in tree.nodes] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [sorted(package.cpus) for package in tree.packages] == [[0, 2, 3], [6, 7]]
    assert [sorted(cache.cpus) for cache in tree.caches] == [[0], [2, 3], [6, 7]]
    assert [cpu.number for cpu in tree.cpus] == [0, 2, 3, 6, 7]
    assert [cache.parent.number for cache in tree.caches] == [0, 0, 1]


@pytest.mark.parametrize("code, irq_class", [
    (0x020000, ETHERNET), (0x010802, STORAGE), (0x060400, LEGACY), (0x088000, OTHER), (0x0C0330, LEGACY), (0x0C0400, STORAGE),
    (0x0C0600, STORAGE), (0x028000, ETHERNET), (0xFF0000, OTHER),
])  # fmt: skip
def test_classes_follow_the_class_code_of_pci(code, irq_class):
    assert class_of(code) == irq_class


# Placement


def test_at_first_the_lines_made_last_go_round_the_cpus_first():
    tree = tree_with([ETHERNET] * 6)
    calculate_placement(tree, set())
    assert where(tree) == {6: [0], 5: [1], 4: [2], 3: [3], 2: [0], 1: [1]}


def test_each_class_ends_at_its_level():
    tree = tree_with([OTHER, LEGACY, STORAGE], cpus=4, threads=2)
    calculate_placement(tree, set())
    assert where(tree) == {1: [0, 1, 2, 3], 2: [2, 3], 3: [0]}  # storage first: it is the heavier class


def test_a_line_stays_on_its_node_unless_that_has_no_cpu_left():
    tree = tree_with([ETHERNET] * 3, cpus=4, nodes=2)
    calculate_placement(tree, set())
    assert where(tree) == {3: [0], 2: [1], 1: [0]}
    tree = tree_with([ETHERNET] * 3, banned=(0, 1), cpus=4, nodes=2)
    calculate_placement(tree, {0, 1})
    assert where(tree) == {3: [2], 2: [3], 1: [2]}


# Loads


def placed(counts, loads, on):
    """A tree with interrupts on CPUs: counts and on by irq, loads in ticks by CPU."""
    tree = tree_with([ETHERNET] * len(counts), cpus=len(loads))
    for one in tree.interrupts:
        migrate(tree, one, None, tree.cpus[on[one.irq - 1]])
        one.moved, one.count, one.last_count = False, counts[one.irq - 1], 0
    take_loads(tree, dict(enumerate(loads)), False)
    return tree


def test_a_cpus_ticks_are_shared_out_by_counts():
    tree = placed([900, 100, 7], [50, 0], [0, 0, 1])
    # 50 ticks are 500 ms: 500,000 ns each of 1000 interrupts; what has no load counts 1
    assert [one.load for one in tree.interrupts] == [450_000_000, 50_000_000, 1]
    assert [each.load for each in (*tree.cpus, *tree.packages, *tree.nodes)] == [500_000_000, 0, 500_000_000, 500_000_000]


def test_interrupts_of_the_package_count_for_a_part_on_each_core():
    tree = tree_with([ETHERNET, OTHER], cpus=2)
    cpu, package = tree.cpus[0], tree.packages[0]
    for one, place, count in zip(tree.interrupts, (cpu, package), (100, 100), strict=True):
        migrate(tree, one, None, place)
        one.count = count
    take_loads(tree, {0: 30, 1: 10}, False)
    # on CPU 0: 100 of its own, half of the package's 100: 300 ms / 150; of the package: 400 ms / (100 + 100 below)
    assert [one.load for one in tree.interrupts] == [100 * 2_000_000, 100 * 2_000_000]


# The rule


def moved(counts, loads, on):
    """Numbers of the interrupts that leave their CPU."""
    tree = placed(counts, loads, on)
    update_migration_status(tree)
    return sorted(one.irq for one in tree.waiting)


@pytest.mark.parametrize("counts, loads, on, expected", [
    ([900, 100], [100, 0], [0, 0], [2]),  # the light one: 0 + 100 < 1000 - 100
    ([500, 500], [100, 0], [0, 0], []),  # would only turn the imbalance round: 500 < 500 is not so
    ([500, 499], [100, 0], [0, 0], [2]),
    ([1000], [100, 0], [0], []),  # alone on its CPU
    ([300, 300, 300], [90, 0], [0, 0, 0], [3]),  # the last made first, and then 300 < 300 is not so
    ([300, 300, 300], [90, 60], [0, 0, 0], []),
    ([0, 0], [100, 0], [0, 0], []),  # a load of 1: it did not interrupt
    ([600, 300, 100], [100, 10], [0, 0, 0], [2, 3]),  # 100 + 300 < 700, then 400 + 100 < 600
    ([600, 300, 100], [100, 20], [0, 0, 0], [2]),  # 200 + 300 < 700; then 500 + 100 < 600 is not so
])  # fmt: skip
def test_who_leaves_an_overloaded_cpu(counts, loads, on, expected):
    assert moved(counts, loads, on) == expected


def test_what_cannot_be_written_stays():
    tree = placed([900, 100], [100, 0], [0, 0])
    tree.interrupts[1].level = 0
    update_migration_status(tree)
    assert tree.waiting == []


# At work

SMALL = """
[machine]
cpus = 4
irq_time_accounting = true
[irqbalance]
interval = "1s"
cost = "100us"
[[nic]]
queues = 2
rate = 40
packet_cost = "3ms"
"""


def told(line):
    """SMALL with a line more in [irqbalance]."""
    return SMALL.replace("[irqbalance]", f"[irqbalance]\n{line}")


def ran(toml, until_s, sets=()):
    world = make_world(read_scenario(toml, "test.toml", sets=sets), 0)
    world.run(int(until_s * 1e9))
    return world


def writes(world):
    """[(time in s, CPUs, irq)] that irqbalance wrote."""
    told = [one for one in world.answers if one.order.startswith("irqbalance: ")]
    return [(one.time_ns // 10**9, one.order.split()[4], int(one.order.split()[-1])) for one in told]


def test_the_first_interval_ends_with_every_line_on_one_cpu():
    world = ran(SMALL, 2.5)
    assert writes(world) == [(1, "1", 24), (1, "0", 25)]
    # it writes when it has read, 100 µs and a wakeup after its timer; a packet of 3 ms is in its way
    assert 3_000_000 < world.answers[0].time_ns - 1_000_100_000 < 3_010_000


def test_it_is_a_task_of_the_machine_that_a_reader_finds(tmp_path):
    toml = told('banned_irqs = ["eth0-rx-1"]\nbanned_cpus = "3"')
    save_run(f"{tmp_path}/x.tar", read_scenario(toml, "test.toml"), seconds=1.5)
    shots = take_snapshots(open_machine(f"{tmp_path}/x.tar"))
    daemon = shots[-1].facts.daemons["irqbalance"]
    assert (daemon.bans, daemon.banned_cpus, daemon.interval_s) == ((25,), (3,), 1)
    assert "--banirq=25" in daemon.arguments and daemon.pid > 1
    assert shots[-1].irq_files[24].affinity == (0,) and shots[-1].irq_files[25].affinity == (0, 1, 2, 3)


@pytest.mark.parametrize("add, allowed", [
    ('banned_cpus = "0-1"', {2, 3}), ("", {0, 1, 2, 3}),
])  # fmt: skip
def test_it_keeps_off_banned_cpus(add, allowed):
    world = ran(told(add).replace("queues = 2", "queues = 4"), 1.5)
    assert {int(cpus) for _, cpus, _ in writes(world)} == allowed


def test_by_itself_it_keeps_off_isolated_cpus():
    world = ran(SMALL.replace("cpus = 4", 'cpus = 4\nisolated = "1-2"').replace("queues = 2", "queues = 4"), 1.5)
    assert {int(cpus) for _, cpus, _ in writes(world)} == {0, 3}


def test_before_it_starts_it_does_nothing():
    world = ran(told('start = "2s"'), 3.5)
    assert [time for time, *_ in writes(world)] == [3, 3]


def test_on_one_cpu_it_ends_at_once():
    world = ran(SMALL.replace("cpus = 4", "cpus = 1"), 1.5)
    assert world.answers == [] and "irqbalance" not in world.builder.about


def test_a_managed_line_refuses_and_is_left_alone_from_then_on():
    world = ran(SMALL.replace("queues = 2", "queues = 2\nmanaged = true"), 4.5)
    assert [(one.time_ns // 10**9, one.error, one.why) for one in world.answers] == [(1, -1, "managed")] * 2


def test_a_line_that_finds_no_vector_is_placed_elsewhere_at_the_next_interval():
    world = ran(SMALL, 0.5)
    m = world.memory
    for cpu in world.builder.cpus[:2]:
        m[m[cpu + f.C_MANAGE] + g.P_AVAILABLE] = 0
    world.run(2_500_000_000)
    told = [(one.time_ns // 10**9, one.error) for one in world.answers]
    assert told == [(1, -g.ENOSPC), (1, -g.ENOSPC), (2, 0), (2, 0)]
    assert writes(world)[2:] == [(2, "3", 24), (2, "2", 25)]


def test_slices_change_nothing():
    digests = set()
    for cuts in ((3_300_000_000,), (999_999_999, 1_000_000_000, 1_000_050_000, 1_000_100_000, 2_200_000_000, 3_300_000_000)):
        world = make_world(read_scenario(SMALL, "test.toml"), 0)
        for cut in cuts:
            world.run(cut)
        digests.add((digest(world), tuple(writes(world))))
    assert len(digests) == 1


def test_when_cpus_come_or_go_it_looks_anew():
    daemon = Irqbalance()
    world = ran(SMALL.replace("[irqbalance]", "[[irqbalance]]"), 0.1)
    daemon.turn(Files(world))
    daemon.turn(Files(world))
    assert daemon.cycle == 1 and all(one.where for one in daemon.tree.interrupts)
    daemon.tree.online.discard(3)  # as if CPU 3 had come since
    daemon.turn(Files(world))
    assert daemon.cycle == 0 and daemon.tree.online == {0, 1, 2, 3}
    assert all(one.where is None for one in daemon.tree.interrupts)


@pytest.mark.parametrize("runs_on", [0, 3])
def test_a_cpu_that_goes_costs_it_an_interval_to_look_anew(runs_on):
    orders = '[[at]]\ntime = "1500ms"\noffline = 3\n[[at]]\ntime = "3500ms"\nonline = 3\n'
    world = ran(told(f"cpu = {runs_on}").replace("queues = 2", "queues = 4") + orders, 5.5)
    # at 2 s it sees that a column is missing, at 3 s it places; at 4 s there is one more, at 5 s it places
    assert writes(world) == [(1, "3", 24), (1, "2", 25), (1, "1", 26), (1, "0", 27), (3, "0", 24), (5, "3", 24)]


@pytest.mark.parametrize("change, message", [
    ("irqbalance.interval=1.5s", "whole seconds"), ("irqbalance.banned_cpus=0-3", "no CPU is left"),
    ("irqbalance.banned_irqs=eth9", "no interrupt eth9"), ("irqbalance.interval=1ms", "below"),
])  # fmt: skip
def test_what_it_would_not_take(change, message):
    with pytest.raises(TophalfError, match=message):
        make_world(read_scenario(SMALL, "test.toml", sets=[change]), 0)


def test_it_runs_once():
    with pytest.raises(TophalfError, match="runs once"):
        make_world(read_scenario(SMALL.replace("[irqbalance]", "[[irqbalance]]\n[[irqbalance]]"), "test.toml"), 0)


# What is told of it, on the recorded run


@pytest.fixture(scope="module")
def overrides(tmp_path_factory):
    """{time in s: {irq: mask}} of the recorded scenario, and its answers."""
    path = str(tmp_path_factory.mktemp("irqbalance") / "x.tar")
    run, _ = save_run(path, load_scenario("irqbalance-overrides"))
    shots = [shot for shot in take_snapshots(open_machine(path)) if shot.irq_files]
    masks = {round(shot.time_ns / 1e9): {irq: files.affinity for irq, files in shot.irq_files.items()} for shot in shots}
    return path, masks, run.world


def test_a_mask_set_before_it_starts_is_overridden_at_its_next_interval(overrides):
    _, masks, world = overrides
    assert [masks[0][irq] for irq in (24, 25, 26, 27)] == [(0, 1)] * 4
    at_ten = {one.order for one in world.answers if one.time_ns // 10**9 == 10}
    assert at_ten == {f"irqbalance: write of CPU {cpu} to smp_affinity of IRQ {irq}"
                      for irq, cpu in ((24, 0), (25, 3), (26, 2), (27, 1), (32, 0))}  # fmt: skip
    assert not [one for one in world.answers if one.time_ns < 10 * 10**9]


def test_one_set_while_it_runs_moves_only_if_its_load_rule_moves_it(overrides):
    _, masks, world = overrides
    by_hand = [one.order for one in world.answers if one.time_ns == 15 * 10**9]
    assert len(by_hand) == 2
    later = [one.order for one in world.answers if one.time_ns > 15 * 10**9]
    # eth0-rx-0, beside the busy eth1 in its books, moves; eth0-rx-2, alone in them, never does
    assert later == ["irqbalance: write of CPU 2 to smp_affinity of IRQ 24"]
    assert (masks[35][24], masks[35][26]) == ((2,), (1,))


def test_a_banned_one_stays(overrides):
    _, masks, _ = overrides
    assert {masks[time][40] for time in masks} == {(0,)}


def test_affinity_and_irqs_show_it(overrides, capsys):
    path, *_ = overrides
    assert main(["irqs", path, "--json", "--all"]) == 0
    rows = {row["irq"]: row for row in json.loads(capsys.readouterr().out)["irqs"]}
    assert [rows[irq]["affinity"] for irq in (24, 25, 26, 27, 32, 40)] == [[2], [3], [1], [1], [0], [0]]
    assert [rows[irq]["effective_affinity"] for irq in (24, 25, 26, 27, 32, 40)] == [[2], [3], [1], [1], [0], [0]]
    for name, mask, told in (("eth0-rx-0", [2], "may move IRQ 24"), ("eth2-rx-0", [0], "told to leave IRQ 40 alone")):
        assert main(["affinity", name, "--machine", path]) == 0
        assert told in capsys.readouterr().out
        assert main(["affinity", name, "--machine", path, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["irqs"][0]["affinity"] == mask
