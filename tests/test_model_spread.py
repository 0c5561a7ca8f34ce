"""Masks of managed interrupts: against a slow twin, against real machines, and in a scenario."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf.cli.main import main
from tophalf.cli.simulated import save_run
from tophalf.errors import TophalfError
from tophalf.model.assemble.spread import group_cpus_evenly, irq_create_affinity_masks, kernel_sort
from tophalf.model.machine.take import take_snapshot
from tophalf.model.simulate import make_world
from tophalf.scenario.load import load_scenario, read_scenario

pytestmark = pytest.mark.kernels


def flat(cpus):
    """One node, a core each."""
    return dict.fromkeys(range(cpus), 0), {cpu: (cpu,) for cpu in range(cpus)}


# Real machines: 4 CPUs (QEMU, Debian 6.12.117): nvme0q1 to q4 on one CPU each, q0 left free; virtio-blk with one queue on all.
@pytest.mark.parametrize("groups, expected", [(4, [(0,), (1,), (2,), (3,)]), (1, [(0, 1, 2, 3)])])
def test_a_real_machine_of_four_cpus_has_these_masks(groups, expected):
    assert group_cpus_evenly(groups, *flat(4)) == expected


def test_interrupts_of_two_controllers_of_a_real_machine_landed_within_the_masks():
    """8 CPUs, two NVMe controllers of two queues: the only CPUs that /proc/interrupts counted any on, by queue."""
    landed = [{0, 1}, {4, 5}]
    masks = group_cpus_evenly(2, *flat(8))
    assert masks == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert all(cpus <= set(mask) for cpus, mask in zip(landed, masks, strict=True))


def test_the_vector_for_administration_is_left_free():
    masks = irq_create_affinity_masks(5, lambda groups: group_cpus_evenly(groups, *flat(4)), (0, 1, 2, 3), before=1)
    assert masks == [((0, 1, 2, 3), False), ((0,), True), ((1,), True), ((2,), True), ((3,), True)]
    assert irq_create_affinity_masks(2, None, (0, 1), before=1, after=1) == [((0, 1), False)] * 2
    masks = irq_create_affinity_masks(4, lambda groups: group_cpus_evenly(groups, *flat(4)), (0,), before=1, after=1)
    assert masks == [((0,), False), ((0, 1), True), ((2, 3), True), ((0,), False)]


CASES = [
    # threads of a core stay together: 8 threads on 4 cores, numbered as most BIOSes do
    (4, dict.fromkeys(range(8), 0), {cpu: (cpu % 4, cpu % 4 + 4) for cpu in range(8)}, [(0, 4), (1, 5), (2, 6), (3, 7)]),
    # the first groups are larger where it does not come out even
    (3, *flat(8), [(0, 1, 2), (3, 4, 5), (6, 7)]),
    # more groups than CPUs: some get none
    (6, *flat(4), [(0,), (1,), (2,), (3,), (), ()]),
    # as many groups as nodes, or fewer: a node is not taken apart
    (2, {0: 0, 1: 0, 2: 1, 3: 1}, {cpu: (cpu,) for cpu in range(4)}, [(0, 1), (2, 3)]),
    (1, {0: 0, 1: 0, 2: 1, 3: 1}, {cpu: (cpu,) for cpu in range(4)}, [(0, 1, 2, 3)]),
    # the smaller node first, which gets one group at least
    (4, {0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 1, 7: 1}, {cpu: (cpu,) for cpu in range(8)}, [(6, 7), (0, 1), (2, 3), (4, 5)]),
    # of two equal nodes the heap sort puts the second first
    (4, {0: 0, 1: 0, 2: 1, 3: 1}, {cpu: (cpu,) for cpu in range(4)}, [(2,), (3,), (0,), (1,)]),
]  # fmt: skip


@pytest.mark.parametrize("groups, node_of, siblings, expected", CASES)
def test_cpus_are_shared_out_by_nodes_and_cores(groups, node_of, siblings, expected):
    assert group_cpus_evenly(groups, node_of, siblings) == expected


def test_cpus_that_are_there_come_first_and_others_fill_up():
    node_of, siblings = flat(6)
    assert group_cpus_evenly(4, node_of, siblings, present=(0, 1)) == [(0, 4), (1, 5), (2,), (3,)]
    assert group_cpus_evenly(2, node_of, siblings, present=(0, 1)) == [(0, 2, 3), (1, 4, 5)]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 5), max_size=20))
def test_the_sort_sorts(values):
    assert kernel_sort(values, lambda value: value) == sorted(values)


class Kernel:
    """group_cpus_evenly word by word, after lib/group_cpus.c, on bit masks."""

    def __init__(self, node_of, siblings):
        self.siblings = siblings
        self.nodes = max(node_of.values()) + 1
        self.node_mask = [sum(1 << cpu for cpu, node in node_of.items() if node == which) for which in range(self.nodes)]

    def groups(self, count, present, possible):
        masks = [0] * count
        done = self.stage(0, count, present, masks)
        self.stage(0 if done >= count else done, count, possible & ~present, masks)
        return [tuple(cpu for cpu in range(mask.bit_length()) if mask >> cpu & 1) for mask in masks]

    def stage(self, current, count, cpus, masks):
        if not cpus:
            return 0
        active = [node for node in range(self.nodes) if cpus & self.node_mask[node]]
        if count <= len(active):
            for node in active:
                masks[current] |= cpus & self.node_mask[node]
                current = (current + 1) % count
            return count
        done = 0
        for node, groups in self.allocate(count, cpus, active):
            left = cpus & self.node_mask[node]
            size = left.bit_count()
            extra = size - groups * (size // groups)
            for _ in range(groups):
                take = size // groups + (extra > 0)
                extra -= extra > 0
                current = 0 if current >= count else current
                left = self.one(masks, current, left, take)
                current += 1
            done += groups
        return done

    def allocate(self, count, cpus, active):
        sizes = {node: (cpus & self.node_mask[node]).bit_count() for node in active}
        remaining, found = sum(sizes.values()), []
        count = min(count, remaining)
        for node in kernel_sort(range(self.nodes), lambda node: sizes.get(node, -1)):
            if node in sizes:
                groups = max(1, count * sizes[node] // remaining)
                found.append((node, groups))
                remaining, count = remaining - sizes[node], count - groups
        return found

    def one(self, masks, at, left, take):
        while take > 0 and left:
            cpu = (left & -left).bit_length() - 1
            for each in (cpu, *self.siblings[cpu]):
                if take > 0 and left >> each & 1:
                    left &= ~(1 << each)
                    masks[at] |= 1 << each
                    take -= 1
        return left


@st.composite
def topologies(draw):
    cpus = draw(st.integers(1, 16))
    node_of = {cpu: draw(st.integers(0, 3)) for cpu in range(cpus)}
    threads = draw(st.sampled_from((1, 2, 4)))
    cores = max(cpus // threads, 1)
    siblings = {cpu: tuple(other for other in range(cpus) if other % cores == cpu % cores) for cpu in range(cpus)}
    return node_of, siblings, draw(st.sets(st.sampled_from(range(cpus)), min_size=1))


@settings(max_examples=300)
@given(topologies(), st.integers(1, 20))
def test_the_masks_are_the_twins(topology, groups):
    node_of, siblings, present = topology
    bits = sum(1 << cpu for cpu in present)
    found = group_cpus_evenly(groups, node_of, siblings, present)
    assert found == Kernel(node_of, siblings).groups(groups, bits, (1 << len(node_of)) - 1)
    # what the kernel's comment promises: each CPU in one group
    assert sorted(cpu for mask in found for cpu in mask) == sorted(node_of)


# In a scenario

MANAGED = """
[machine]
cpus = 4
seconds = "10ms"
[[nic]]
name = "nvme"
queues = 4
rate = 4000
managed = true
event_lines = 1
"""
WRITE = '[[at]]\ntime = "1ms"\nset_affinity = { irq = "nvme-rx-1", cpus = 0 }\n'


def shot_of(toml, until_ns=10_000_000):
    world = make_world(read_scenario(toml, "test.toml"), 0)
    world.run(until_ns)
    return world, take_snapshot(world)


def test_managed_queues_have_the_masks_of_a_real_nvme():
    _, shot = shot_of(MANAGED)
    masks = {number: (files.affinity, files.effective_affinity) for number, files in shot.irq_files.items()}
    every = (0, 1, 2, 3)
    assert masks[24][0] == every
    assert [masks[number] for number in range(25, 29)] == [((cpu,), (cpu,)) for cpu in every]
    assert sorted(shot.fixed) == [25, 26, 27, 28]
    assert set(shot.fixed.values()) == {"the kernel shows its mask read-only"}


@pytest.mark.parametrize("kernel, error", [("6.12", "EPERM"), ("6.1", "EIO")])
def test_a_write_to_a_managed_line_is_refused_with_the_kernels_answer(kernel, error):
    world, shot = shot_of(MANAGED.replace("cpus = 4", f'cpus = 4\nkernel = "{kernel}"') + WRITE)
    assert [one.as_dict()["error"] for one in world.answers] == [error]
    assert world.answers[0].why == "managed"
    assert shot.irq_files[26].affinity == (1,) and (shot.fixed == {}) == (kernel == "6.1")


def test_the_scenario_shows_the_refusal_and_affinity_says_why(tmp_path, capsys):
    run, _ = save_run(f"{tmp_path}/x.tar", load_scenario("managed-msix"), seconds=0.15)
    assert [(one.order.split()[-1], one.error, one.why) for one in run.world.answers] == [("33", -1, "managed"), ("32", 0, None)]
    assert main(["affinity", "nvme0", "--machine", f"{tmp_path}/x.tar", "--json"]) == 0
    rows = {row["irq"]: row for row in json.loads(capsys.readouterr().out)["irqs"]}
    assert [(rows[irq]["affinity"], rows[irq]["managed"]) for irq in range(32, 37)] == [
        ([3], False), ([0], True), ([1], True), ([2], True), ([3], True)
    ]  # fmt: skip
    assert {row["chip"] for row in rows.values()} == {"IR-PCI-MSIX-0000:00:10.0"}


def test_managed_lines_keep_off_isolated_cpus_while_another_is_there():
    toml = MANAGED.replace("queues = 4", "queues = 2").replace("cpus = 4", 'cpus = 4\nmanaged_irq = "0,3"')
    _, shot = shot_of(toml)
    assert [(shot.irq_files[irq].affinity, shot.irq_files[irq].effective_affinity) for irq in (25, 26)] == [
        ((0, 1), (1,)), ((2, 3), (2,))
    ]  # fmt: skip
    assert "isolcpus=managed_irq,0,3" in shot.facts.boot.cmdline.split()
    _, shot = shot_of(MANAGED.replace("cpus = 4", 'cpus = 4\nmanaged_irq = "0,3"\nisolated = "0,3"'))
    assert [shot.irq_files[irq].effective_affinity for irq in range(25, 29)] == [(0,), (1,), (2,), (3,)]  # no other CPU in the mask
    assert "isolcpus=managed_irq,domain,0,3" in shot.facts.boot.cmdline.split()


def test_masks_hints_and_the_default_show_as_they_were_given():
    toml = """
[machine]
cpus = 4
cores = ["0,2", "1,3"]
irqaffinity = "1-3"
[[nic]]
queues = 3
rate = 300
affinity = ["0-1", "2"]
affinity_hint = ["0", "2"]
[[nic]]
name = "eth1"
irq = 30
rate = 1
[[device]]
name = "card"
irq = 40
affinity = "3"
affinity_hint = "2-3"
[[device]]
name = "other"
irq = 41
cpu = 0
"""
    _, shot = shot_of(toml)
    files = shot.irq_files
    assert [files[irq].affinity for irq in (24, 25, 26, 30, 40, 41)] == [(0, 1), (2,), (0, 1), (1, 2, 3), (3,), (0,)]
    # the kernel chooses the CPU of a mask with most vectors left; CPU 0 was asked for, so somebody wrote it
    assert [files[irq].effective_affinity for irq in (24, 25, 26, 30, 40, 41)] == [(0,), (2,), (1,), (1,), (3,), (0,)]
    assert [files[irq].affinity_hint for irq in (24, 25, 26, 30, 40)] == [(0,), (2,), (0,), (), (2, 3)]
    assert shot.default_affinity == (1, 2, 3) and "irqaffinity=1-3" in shot.facts.boot.cmdline.split()
    assert shot.facts.topology.siblings[3] == (1, 3)


def test_a_mask_that_waits_is_shown_and_the_effective_one_is_not_yet_it():
    toml = '[machine]\ncpus = 2\ninterrupt_remapping = false\n[[device]]\nname = "card"\nirq = 40\ncpu = 0\nrate = 500\n'
    write = '[[at]]\ntime = "1ms"\nset_affinity = { irq = 40, cpus = 1 }\n'
    _, shot = shot_of(toml + write, 1_500_000)
    assert (shot.irq_files[40].affinity, shot.irq_files[40].effective_affinity) == ((1,), (0,))
    assert shot.irq_files[40].chip == "PCI-MSI-0000:00:10.0"
    _, shot = shot_of(toml + write, 2_500_000)  # the interrupt at 2 ms came to CPU 0 and took the mask along
    assert (shot.irq_files[40].affinity, shot.irq_files[40].effective_affinity) == ((1,), (1,))
    _, shot = shot_of(toml.replace("= false", "= true") + write, 1_500_000)
    assert (shot.irq_files[40].affinity, shot.irq_files[40].effective_affinity) == ((1,), (1,))
    assert shot.irq_files[40].chip == "IR-PCI-MSI-0000:00:10.0"


@pytest.mark.parametrize("toml, message", [
    (MANAGED.replace("managed", 'cpus = "0"\nmanaged'), "the kernel places managed interrupts"),
    (MANAGED.replace("managed", 'affinity = ["0"]\nmanaged'), "the kernel places managed interrupts"),
    ('[[device]]\nname = "a"\nirq = 9\nflow = "level"\nmanaged = true\n', "only messages"),
    ('[machine]\ncpus = 2\nmanaged_irq = "0-1"\n', "no CPU is left"),
    ('[machine]\ncpus = 2\nmanaged_irq = "0"\nisolated = "1"\n', "one set of CPUs"),
    ('[machine]\ncpus = 2\ncores = ["0"]\n', "not each CPU is in one core"),
])  # fmt: skip
def test_what_no_kernel_would_do_is_refused(toml, message):
    with pytest.raises(TophalfError, match=message):
        make_world(read_scenario(toml, "test.toml"), 0)
