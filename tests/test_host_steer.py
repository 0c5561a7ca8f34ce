"""Set, set again, take back: on a tree that takes every write, and on a quiet line of the running machine."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf.errors import SteerError
from tophalf.host.cpumask import format_mask, parse_mask
from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.roots import DirRoot, live_root
from tophalf.host.steer.change import restore_lines, set_lines
from tophalf.host.steer.landing import QUIET
from tophalf.host.steer.undo import State, known_refusals, to_undo

BOOT = "11111111-2222-3333-4444-555555555555"
IRQS = (40, 41, 42)
CPUS = st.sets(st.integers(0, 7), min_size=1).map(lambda cpus: tuple(sorted(cpus)))


class Tree:
    """A machine of files: three lines, eight CPUs. fixed: lines whose mask is a file that can be read as one
    (40 in hex) and that the kernel lets nobody write."""

    def __init__(self, folder, fixed=()):
        self.folder = folder
        self.put("proc/sys/kernel/random/boot_id", BOOT)
        self.put("sys/devices/system/cpu/possible", "0-7")
        self.name(40, "eth0-rx-0")
        for irq in IRQS:
            self.put(f"proc/irq/{irq}/effective_affinity", "1")
            self.put(f"sys/kernel/irq/{irq}/per_cpu_count", "0,0,0,0,0,0,0,0")
            if irq in fixed:
                os.symlink("/proc/sys/kernel/cap_last_cap", folder / f"proc/irq/{irq}/smp_affinity")
            else:
                self.put(f"proc/irq/{irq}/smp_affinity", "ff")
        self.root = DirRoot(str(folder), live=True)

    def name(self, irq, action):
        head = "".join(f"       CPU{cpu}" for cpu in range(8))
        lines = [f"{number}: {'0 ' * 8}  PCI-MSI {number}-edge   {action if number == irq else f'line{number}'}" for number in IRQS]
        self.put("proc/interrupts", "\n".join([head, *lines]))

    def put(self, path, text):
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text + "\n")

    def mask(self, irq):
        return parse_mask((self.folder / f"proc/irq/{irq}/smp_affinity").read_text())

    def set(self, irqs, cpus, state):
        return set_lines(self.root, read_interrupts(self.root), irqs, cpus, state, wait_s=0)

    def undo(self, irqs, state, whole=False, wait_s=0):
        entries = to_undo(state, BOOT, irqs, whole)
        return restore_lines(self.root, read_interrupts(self.root), entries, state, wait_s=wait_s)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "machine")


@pytest.fixture
def state(tmp_path):
    with State(str(tmp_path / "state.json")) as opened:
        yield opened


def test_set_and_take_back(tree, state):
    outcome = tree.set([40], (2, 3), state)[0]
    assert outcome.written and outcome.before == tuple(range(8)) and outcome.left == 1
    assert tree.mask(40) == (2, 3)
    back = tree.undo({40}, state)[0]
    assert back.written and back.left == 0 and tree.mask(40) == tuple(range(8))


def test_the_same_mask_again_writes_and_keeps_nothing(tree, state):
    outcome = tree.set([40], tuple(range(8)), state)[0]
    assert not outcome.written and not outcome.refused and state.changes == []


def test_a_refused_line_is_remembered_and_does_not_stop_the_others(tmp_path, state, monkeypatch):
    monkeypatch.setenv("TOPHALF_STATE", state.path)
    tree = Tree(tmp_path / "machine", fixed=(41,))
    outcomes = tree.set([40, 41], (2,), state)
    assert [bool(outcome.refused) for outcome in outcomes] == [False, True]
    assert [entry["irq"] for entry in state.changes] == [40]
    assert known_refusals(tree.root)[41] == "EPERM"


def test_a_change_is_on_disk_before_the_mask_is_written(tree, state, monkeypatch):
    import tophalf.host.steer.change as steer

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(steer, "write_affinity", killed)
    with pytest.raises(KeyboardInterrupt):
        tree.set([40], (2,), state)
    again = State(state.path)
    again.load()
    assert [entry["before"] for entry in again.changes] == [list(range(8))]


def test_without_a_state_it_still_sets(tree):
    outcome = tree.set([40], (1,), None)[0]
    assert outcome.written and outcome.left is None and tree.mask(40) == (1,)


def test_another_action_behind_the_number_is_not_written_to(tree, state):
    tree.set([40, 42], (2,), state)
    tree.name(40, "nvme0q1")
    outcomes = tree.undo(None, state)
    assert [bool(outcome.refused) for outcome in outcomes] == [True, False]
    assert "another action" in outcomes[0].refused.line()
    assert tree.mask(40) == (2,) and tree.mask(42) == tuple(range(8))
    assert [entry["irq"] for entry in state.changes] == [40]


def test_a_line_that_is_gone_is_an_error(tree, state):
    tree.set([40], (2,), state)
    os.unlink(tree.folder / "proc/irq/40/smp_affinity")
    outcome = tree.undo({40}, state)[0]
    assert "has no mask any more" in outcome.refused.line()
    assert "has no mask" in tree.set([40], (2,), state)[0].refused.line()


def test_another_boot_is_refused(tree, state):
    tree.set([40], (2,), state)
    with pytest.raises(SteerError, match="another boot"):
        to_undo(state, "another", {40}, False)
    assert tree.mask(40) == (2,)


def test_a_line_is_led_back_to_the_cpu_it_was_on_before_the_wide_mask(tree, state, monkeypatch):
    import tophalf.host.steer.change as steer

    tree.set([40], (2,), state)
    tree.put("proc/irq/40/effective_affinity", "4")
    written, write = [], steer.write_affinity
    monkeypatch.setattr(steer, "write_affinity", lambda root, irq, cpus: written.append(cpus) or write(root, irq, cpus))
    tree.undo({40}, state, wait_s=0.02)
    assert written == [(0,), tuple(range(8))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("set", "set", "undo", "all")), st.sampled_from(IRQS), CPUS), max_size=14))
def test_undo_walks_back_the_way_that_was_gone(tmp_path_factory, actions):
    folder = tmp_path_factory.mktemp("walk")
    tree, way = Tree(folder / "machine"), {irq: [tuple(range(8))] for irq in IRQS}
    with State(str(folder / "state.json")) as state:
        for action, irq, cpus in actions:
            if action == "set":
                tree.set([irq], cpus, state)
                way[irq] += [cpus] if cpus != way[irq][-1] else []
            elif len(way[irq]) > 1:
                tree.undo({irq}, state, whole=action == "all")
                way[irq] = way[irq][:1] if action == "all" else way[irq][:-1]
            assert {line: tree.mask(line) for line in IRQS} == {line: masks[-1] for line, masks in way.items()}
            assert len(state.changes) == sum(len(masks) - 1 for masks in way.values())


@pytest.mark.skipif(os.geteuid() != 0, reason="writing masks needs root")
def test_on_this_machine(tmp_path):
    from test_host_affinity import mask_of, movable_line

    irq, root = movable_line(), live_root()
    before = mask_of(irq)
    try:
        with State(str(tmp_path / "state.json")) as state:
            outcome = set_lines(root, read_interrupts(root), [irq], (0,), state, wait_s=0.05)[0]
            assert outcome.written == (parse_mask(before) != (0,)) and outcome.landing.affinity == (0,)
            assert outcome.landing.verdict == QUIET or outcome.landing.inside + outcome.landing.outside > 0
            if outcome.written:
                entries = to_undo(state, state.changes[0]["boot"], {irq}, False)
                restore_lines(root, read_interrupts(root), entries, state, wait_s=0.05)
            assert format_mask(parse_mask(mask_of(irq))) == format_mask(parse_mask(before)) and state.changes == []
    finally:
        with open(f"/proc/irq/{irq}/smp_affinity", "w") as file:
            file.write(before)
