"""Known sequences played by real kernels: the order of their events is the model's, and still the recorded one."""

import pytest
from booting import booted
from lab.sequences import play, recorded, sequences
from lab.sequences.drawn import drawn
from lab.sequences.model import Player
from lab.sequences.traces import broken_pairs, by_cpu, differences, model_run

DRAWN = range(40)
CASES = [pytest.param(kernel, one, id=f"{kernel}-{one.name}") for kernel in recorded.KERNELS for one in sequences(kernel)]


@pytest.fixture(scope="module")
def played(slot):
    """{kernel: {name: undisturbed runs}}: each kernel is booted once, and plays all."""
    done = {}

    def of(kernel):
        if kernel not in done:
            slot.empty()
            with booted(kernel, devices=play.DEVICES) as guest:
                known = play.play(guest, sequences(kernel))
                done[kernel] = known | play.play(guest, [drawn(seed) for seed in DRAWN], wanted=1, rounds=3)
        return done[kernel]

    return of


@pytest.mark.parametrize("kernel, sequence", CASES)
def test_kernel_and_model_agree(played, kernel, sequence):
    """A run that a tick came into may prove that they agree, never that they do not; nor may one where the clock decides."""
    runs = played(kernel)[sequence.name]
    model = by_cpu(model_run(sequence, Player(sequence, kernel).play()))
    for order in () if sequence.timers else play.undisturbed(runs):
        assert not differences(order, model, ("the kernel", "the model"))
    agreeing = [events for events, _ in runs if by_cpu(events) == model]
    assert agreeing, "not one run without noise"
    assert not [broken for events in agreeing if (broken := broken_pairs(sequence, events))]


@pytest.mark.parametrize("kernel, sequence", CASES)
def test_the_recording_is_what_the_kernel_does(played, kernel, sequence):
    expected, runs = recorded.read(kernel)[sequence.name], played(kernel)[sequence.name]
    for order in () if sequence.timers else play.undisturbed(runs):
        assert not differences(expected, order, ("recorded", "the kernel"))
    assert expected in [by_cpu(events) for events, _ in runs]


@pytest.mark.parametrize("kernel", recorded.KERNELS)
def test_they_agree_on_sequences_drawn_at_random(played, kernel):
    """Of some no run was without noise, or the scheduler had to choose between ksoftirqd and a kworker: they say nothing."""
    compared = 0
    for seed in DRAWN:
        one = drawn(seed)
        model = by_cpu(model_run(one, Player(one, kernel).play()))
        text = " ".join(line for lines in model.values() for line in lines if "sched_switch" in line)
        if "ksoftirqd" in text and "kworker" in text:
            continue
        for order in play.undisturbed(played(kernel)[one.name]):
            assert not differences(order, model, ("the kernel", "the model")), f"seed {seed}"
        compared += any(by_cpu(events) == model for events, _ in played(kernel)[one.name])
    assert compared >= len(DRAWN) // 2
