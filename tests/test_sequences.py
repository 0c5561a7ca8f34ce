"""Known sequences in the model against what real kernels were seen to do (tests/kernel holds the recordings to the kernels)."""

import os

import pytest
from lab.sequences import FAMILIES, recorded, sequences, table
from lab.sequences.drawn import drawn
from lab.sequences.kernel import order
from lab.sequences.model import Player
from lab.sequences.traces import broken_pairs, by_cpu, differences, model_run

from tophalf.judge import laws

pytestmark = pytest.mark.kernels
ORDER_BYTES_MAX = 4096  # what one write of a module's parameter can be
CASES = [pytest.param(kernel, one, id=f"{kernel}-{one.name}") for kernel in recorded.KERNELS for one in sequences(kernel)]


@pytest.fixture(scope="module")
def seen():
    return {kernel: recorded.read(kernel) for kernel in recorded.KERNELS}


@pytest.mark.parametrize("kernel, sequence", CASES)
def test_the_model_does_what_the_kernel_did(seen, kernel, sequence):
    events = model_run(sequence, Player(sequence, kernel).play())
    assert not differences(seen[kernel][sequence.name], by_cpu(events), ("the kernel", "the model"))
    assert not broken_pairs(sequence, events)


@pytest.mark.parametrize("kernel", recorded.KERNELS)
def test_every_sequence_is_recorded_and_nothing_else(seen, kernel):
    known = {one.name for one in sequences(kernel)}
    assert known <= set(seen[kernel]) <= {one.name for one in sequences()}
    assert all(seen[kernel].values()), "a sequence without an event shows nothing"


@pytest.mark.parametrize("kernel", recorded.KERNELS)
def test_the_laws_hold_on_all_and_on_what_is_drawn(kernel):
    for one in [*sequences(kernel), *map(drawn, range(40))]:
        table = Player(one, kernel).play()
        assert not [verdict.law.name for verdict in laws.judge(table, False) if not verdict.holds], one.name


def test_what_is_drawn_uses_everything_and_can_be_ordered():
    some = [drawn(seed) for seed in range(40)]
    assert max(len(order(one)) for one in some) < ORDER_BYTES_MAX
    used = {op[0] for one in some for part in one.parts for op in part.program or ()}
    assert used >= {"raise", "tasklet", "tasklet_hi", "napi", "queue", "wake", "fire", "send", "bh_off", "irqs_off", "preempt_off"}
    assert order(drawn(7)) == order(drawn(7))


def test_names_are_unique_and_orders_fit_a_page():
    names = [one.name for one in sequences()]
    assert len(set(names)) == len(names) >= 30
    assert max(len(order(one)) for one in sequences()) < ORDER_BYTES_MAX
    assert all(family.__doc__ for family in FAMILIES)


def test_the_page_lists_them_all():
    with open(os.path.join(os.path.dirname(__file__), "..", "docs", "model", "sequences.md"), encoding="utf-8") as file:
        assert file.read().endswith("## The sequences\n" + table()), "write what lab.sequences.table() says to the end of the page"
