"""Known sequences in the model against what real kernels were seen to do (tests/kernel holds the recordings to the kernels)."""

import os

import pytest
from lab.sequences import FAMILIES, recorded, sequences, table
from lab.sequences.kernel import order
from lab.sequences.model import Player
from lab.sequences.traces import broken_pairs, by_cpu, differences, model_run

pytestmark = pytest.mark.kernels
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


def test_names_are_unique_and_orders_fit_a_page():
    names = [one.name for one in sequences()]
    assert len(set(names)) == len(names) >= 30
    assert max(len(order(one)) for one in sequences()) < 4096  # what one write of a module's parameter can be
    assert all(family.__doc__ for family in FAMILIES)


def test_the_page_lists_them_all():
    with open(os.path.join(os.path.dirname(__file__), "..", "docs", "model", "sequences.md"), encoding="utf-8") as file:
        assert file.read().endswith("## The sequences\n" + table()), "write what lab.sequences.table() says to the end of the page"
