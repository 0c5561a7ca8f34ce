"""Where interrupts land after a new mask: the verdicts, on a machine whose counters move as the test says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.host.roots import MemoryRoot, live_root
from tophalf.host.steer.landing import CARRIER, LANDED, OUTSIDE, OVERRIDDEN, QUIET, UNWATCHED, Tracker, line_counts, masks, watch

IRQ = 40


class Machine(MemoryRoot):
    """Four CPUs and a line. steps: {cpu: arrivals} before each reading; a step may also be a function of the machine."""

    def __init__(self, mask="2", effective="1", start=(0, 0, 0, 0), steps=()):
        super().__init__({"/sys/devices/system/cpu/possible": b"0-3\n"}, {})
        self.counts, self.steps, self.now_s = list(start), list(steps), 0.0
        self.files["/proc/irq/40/smp_affinity"] = mask.encode() + b"\n"
        self.effective(effective)
        self._show()

    def effective(self, mask):
        self.files["/proc/irq/40/effective_affinity"] = mask.encode() + b"\n"

    def _show(self):
        text = ",".join(str(count % 2**32) for count in self.counts)
        self.files["/sys/kernel/irq/40/per_cpu_count"] = text.encode() + b"\n"

    def sleep(self, seconds):
        self.now_s += seconds
        step = self.steps.pop(0) if self.steps else {}
        if callable(step):
            step = step(self) or {}
        for cpu, count in step.items():
            self.counts[cpu] += count
        self._show()

    def look(self, cpus, wait_s=2.0):
        return watch([Tracker(self, IRQ, cpus)], wait_s, clock=lambda: self.now_s, sleep=self.sleep)[IRQ]


def test_the_first_interrupt_on_the_old_cpu_then_the_new_one_is_landed():
    machine = Machine(steps=[{}, lambda m: m.effective("2") or {0: 1}, {1: 5}, {1: 100}])
    landing = machine.look((1,))
    assert (landing.verdict, landing.inside, landing.outside, landing.per_cpu) == (LANDED, 5, 1, {0: 1, 1: 5})
    assert landing.effective_affinity == (1,)
    assert len(machine.steps) == 1, "the watch ends as soon as it is proven"


def test_one_reading_with_both_cpus_is_not_yet_proof():
    machine = Machine(effective="2", steps=[{0: 1, 1: 5}, {1: 2}])
    assert machine.look((1,)).verdict == LANDED
    machine = Machine(effective="2", steps=[{0: 1, 1: 5}, {}])
    assert machine.look((1,)).verdict == OUTSIDE


def test_a_single_interrupt_that_moved_the_line_is_a_carrier():
    machine = Machine(steps=[{}, lambda m: m.effective("2") or {0: 1}])
    assert machine.look((1,)).verdict == CARRIER


def test_one_interrupt_without_a_move_is_still_outside():
    assert Machine(steps=[{0: 1}]).look((1,)).verdict == OUTSIDE


def test_interrupts_that_stay_on_the_old_cpu():
    landing = Machine(steps=[{0: 7}, {0: 7}]).look((1,))
    assert (landing.verdict, landing.inside, landing.outside) == (OUTSIDE, 0, 14)


def test_landed_once_but_gone_again_is_outside():
    machine = Machine(steps=[{0: 1, 1: 3}, {0: 9}])
    assert machine.look((1,)).verdict == OUTSIDE


def test_a_quiet_line_proves_nothing_and_costs_the_whole_wait():
    machine = Machine()
    landing = machine.look((1,))
    assert landing.verdict == QUIET and landing.watched_ns == pytest.approx(2e9, rel=0.01)


def test_no_wait_is_not_watched():
    assert Machine(steps=[{1: 1}]).look((1,), wait_s=0).verdict == UNWATCHED


def test_a_line_nothing_counts_is_not_watched():
    machine = Machine()
    del machine.files["/sys/kernel/irq/40/per_cpu_count"]
    assert machine.look((1,)).verdict == UNWATCHED


def test_another_writer_meanwhile_is_seen():
    def steal(machine):
        machine.files["/proc/irq/40/smp_affinity"] = b"8\n"

    landing = Machine(steps=[{}, steal]).look((1,))
    assert landing.verdict == OVERRIDDEN and landing.affinity == (3,)


def test_a_counter_that_wraps_counts_on():
    landing = Machine(start=(0, 2**32 - 2, 0, 0), effective="2", steps=[{1: 5}]).look((1,))
    assert (landing.verdict, landing.inside) == (LANDED, 5)


def test_a_line_that_vanishes_ends_the_watch():
    def vanish(machine):
        machine.files = {path: data for path, data in machine.files.items() if "/40/" not in path}
        machine._show = lambda: None

    landing = Machine(steps=[{}, vanish]).look((1,))
    assert landing.affinity is None and landing.verdict == QUIET and landing.watched_ns < 1e9


def test_lines_are_watched_together():
    machine = Machine(effective="2", steps=[{1: 1}])
    machine.files["/sys/kernel/irq/41/per_cpu_count"] = b"0,0,0,0\n"
    machine.files["/proc/irq/41/smp_affinity"] = b"2\n"
    lines = [Tracker(machine, 40, (1,)), Tracker(machine, 41, (1,))]
    landings = watch(lines, 1.0, clock=lambda: machine.now_s, sleep=machine.sleep)
    assert {irq: landing.verdict for irq, landing in landings.items()} == {40: LANDED, 41: QUIET}
    assert machine.now_s == pytest.approx(1.0, rel=0.01)


STEPS = st.lists(st.dictionaries(st.integers(0, 3), st.integers(0, 2**31), max_size=4), max_size=8)


@given(STEPS, st.sets(st.integers(0, 3), min_size=1))
def test_every_arrival_is_counted_once_and_landed_means_the_last_were_inside(steps, cpus):
    cpus = tuple(sorted(cpus))
    machine = Machine(mask=f"{sum(1 << cpu for cpu in cpus):x}", effective="8", steps=steps)
    landing = machine.look(cpus)
    assert landing.inside + landing.outside == sum(count % 2**32 for count in landing.per_cpu.values())
    seen = [step for step in steps[: len(steps) - len(machine.steps)] if any(step.values())]
    last = {cpu for cpu, count in seen[-1].items() if count} if seen else set()
    assert (landing.verdict == LANDED) == bool(last and last <= set(cpus))


def test_both_counters_of_this_kernel_agree():
    root = live_root()
    from tophalf.host.readers.interrupts import read_interrupts

    before = read_interrupts(root)
    for line in before.lines.values():
        if line.irq is None or line_counts(root, line.irq) is None:
            continue
        counts = line_counts(root, line.irq)
        after = dict(zip(before.cpus, read_interrupts(root).lines[line.key].counts, strict=True))
        for cpu, count in zip(before.cpus, line.counts, strict=True):
            assert count <= counts[cpu] <= after[cpu]


def test_masks_of_this_machine_are_cpus_it_has():
    root = live_root()
    irq = next(irq for irq in root.listing("/proc/irq") if irq.isdigit())
    affinity, effective = masks(root, irq)
    assert affinity and (effective is None or set(effective) <= set(affinity))


def test_without_sysfs_proc_interrupts_is_counted():
    text = b"    CPU0 CPU2\n 40:  5  7  PCI-MSIX-0000:00:0a.0   1-edge      x\n"
    root = MemoryRoot({"/proc/interrupts": text}, {})
    assert line_counts(root, 40) == {0: 5, 2: 7}
    assert line_counts(root, 41) is None
