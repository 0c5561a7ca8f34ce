"""The trace laws on a kernel of our own, run at random: a sound one is always accepted, each fault is noticed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naivekernel
from tophalf.judge import laws

pytestmark = pytest.mark.kernels

# What breaks first is the law that is named; others may break with it.
NOTICED_BY = {
    "highest-first": "softirq-order",
    "eleven-passes": "softirq-pass-limit",
    "skips-one": "softirq-pass-complete",
    "keeps-pending": "softirq-order",
    "no-raise": "softirq-raise",
    "restart-though-resched": "softirq-no-restart",
    "softirq-in-hardirq": "softirq-not-in-hardirq",
    "tasklet-not-locked": "tasklet-one-cpu",
    "tasklet-twice": "tasklet-once",
    "over-budget": "napi-budget",
    "work-on-two": "work-one-worker",
    "work-not-queued": "work-queued",
    "handler-reentered": "irq-not-nested",
}


def broken(table, **options):
    return {verdict.law.name: verdict.violations[:3] for verdict in laws.judge(table, **options) if not verdict.holds}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(10, 3000))
def test_a_sound_kernel_is_accepted(seed, cpus, steps):
    assert broken(naivekernel.Kernel(seed, cpus).run(steps)) == {}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 3000))
def test_the_laws_of_preempt_rt_hold_for_every_kernel(seed, steps):
    assert broken(naivekernel.Kernel(seed).run(steps), preempt_rt=True) == {}


def test_every_law_is_exercised_by_it():
    exercised = {verdict.law.name for verdict in laws.judge(naivekernel.Kernel(1).run(20_000)) if verdict.exercised}
    assert {law.name for law in laws.LAWS} - exercised == set()


@pytest.mark.parametrize("fault", naivekernel.FAULTS)
def test_a_fault_is_noticed(fault):
    seen = set()
    for seed in range(8):
        seen |= set(broken(naivekernel.Kernel(seed, fault=fault).run(6000)))
    assert NOTICED_BY[fault] in seen
