"""Requests and frees while the machine runs against `requestirq`, which is asked anew before each of them.

Twin of: setupirq, coderegister.
The slow twin keeps a list of those who have the line, and makes a machine at whose beginning they ask for it; whether it lets in
one more there is what the running machine has to answer. Masks: the driver's numbers as sets of CPUs.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import program
from test_model_code_drivers import Machine
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq import managefields as g
from tophalf.model.irq.requestirq import RequestError, request_threaded_irq
from tophalf.model.machine.sight import Sight

pytestmark = pytest.mark.kernels
FUNCTIONS = """
def handler(irq, dev):
    return IRQ_HANDLED

def probe(dev):
    kthread_run(work, dev, "work")
    return 0
"""
SHARED = f.IRQF_SHARED
FLAGS = [SHARED, SHARED | f.IRQF_ONESHOT, SHARED | f.IRQF_TRIGGER_RISING, SHARED | f.IRQF_TRIGGER_HIGH, 0]


class Slow:
    """held: (flags, whether it has a handler, and a thread) of those who have the line, in order."""

    def __init__(self, flow, threadirqs):
        self.flow, self.threadirqs, self.held = flow, threadirqs, []

    def request(self, asked):
        builder = Builder(threadirqs=self.threadirqs)
        desc, runs = builder.irq(24, flow=self.flow), program(builder, (ops.OP_RET, f.IRQ_HANDLED))
        for flags, has_handler, has_thread in self.held:
            request_threaded_irq(builder, desc, "held", runs if has_handler else None, runs if has_thread else None, 0, flags)
        flags, has_handler, has_thread = asked
        try:
            request_threaded_irq(builder, desc, "new", runs if has_handler else None, runs if has_thread else None, 0, flags)
        except RequestError as error:
            return -error.errno
        self.held.append(asked)
        return 0

    def free(self):
        del self.held[:1]


requests = st.tuples(st.sampled_from(FLAGS), st.booleans(), st.booleans()).filter(lambda asked: asked[1] or asked[2])
STEPS = st.lists(st.one_of(requests, st.none()), min_size=1, max_size=9)


def text_of(steps):
    lines = ""
    for number, asked in enumerate(steps):
        if asked is None:
            lines += "    free_irq(dev.irq, dev)\n"
        else:
            flags, *given_ = asked
            handler, thread = ("handler" if each else "None" for each in given_)
            lines += f"    dev.r{number} = request_threaded_irq(dev.irq, {handler}, {thread}, {flags}, 'a{number}', dev)\n"
        lines += f"    spend(1000)\n    dev.r{number} = dev.r{number} + 0\n"
    return f"{FUNCTIONS}\ndef work(dev):\n    dev.r99 = 0\n{lines}    return 0\n"


@settings(max_examples=40, deadline=None)
@given(STEPS, st.sampled_from([f.FLOW_EDGE, f.FLOW_LEVEL]), st.booleans())
def test_requests_and_frees(tmp_path_factory, steps, flow, threadirqs):
    slow = Slow(flow, threadirqs)
    expected = [slow.request(asked) if asked else slow.free() for asked in steps]
    level = flow == f.FLOW_LEVEL
    machine = Machine(tmp_path_factory.mktemp("twin"), text_of(steps), [], level=level, threadirqs=threadirqs).run(10**6)
    assert [machine.word(f"r{number}") for number in range(len(steps))] == [error or 0 for error in expected]
    m, desc, sight = machine.world.memory, machine.devices[0].line, Sight(machine.world)
    actions = sight.actions(desc)
    left = [number for number, asked in enumerate(steps) if asked and expected[number] == 0][-len(slow.held) :] if slow.held else []
    assert sight.action_names(desc) == tuple(f"a{number}" for number in left)
    masks = [int(m[action + f.A_MASK]) for action in actions]
    assert sum(masks) == bits_of(masks)
    assert [bool(mask) for mask in masks] == [bool(m[action + f.A_FLAGS] & f.IRQF_ONESHOT) for action in actions]
    check_line(m, desc, slow.held)
    check_threads(machine, actions)


def bits_of(masks):
    """What they come to if no bit is in two of them."""
    found = 0
    for mask in masks:
        found |= mask
    return found


def check_line(m, desc, held):
    """It comes as long as somebody has it."""
    started = m[m[desc + f.D_MANAGE] + g.I_FLAGS] & g.IRQD_STARTED
    assert bool(started) == bool(held) and m[desc + f.D_DEPTH] == (0 if held else 1)


def check_threads(machine, actions):
    """Those of actions on the line sleep, all others are dead."""
    m, strings = machine.world.memory, machine.builder.memory.strings
    seconds = [int(m[action + f.A_SECONDARY]) for action in actions]
    alive = {int(m[action + f.A_TASK]) for action in [*actions, *seconds] if action}
    for task in machine.builder.tasks.values():
        if strings[m[task + f.K_NAME]].startswith("irq/"):
            assert m[task + f.K_STATE] == (f.SLEEPING if task in alive else f.DEAD)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, (1 << 40) - 1), st.integers(0, (1 << 40) - 1), st.sampled_from([2, 40]))
def test_masks_are_the_bits_of_a_number(tmp_path_factory, mask, hinted, cpus):
    text = f"""
def handler(irq, dev):
    return IRQ_HANDLED

def work(dev):
    dev.a = irq_set_affinity(dev.irq, {mask})
    dev.b = irq_set_affinity_hint(dev.irq, {hinted})
    return 0

def probe(dev):
    kthread_run(work, dev, "work")
    return 0
"""
    machine = Machine(tmp_path_factory.mktemp("twin"), text, [], cpus=cpus).run(10**6)
    m, sight = machine.world.memory, Sight(machine.world)
    line = m[machine.devices[0].line + f.D_MANAGE]  # not started: masks are kept as they are
    bits = lambda number: {cpu for cpu in range(64) if number >> cpu & 1}  # noqa: E731
    words = 32 * m[m[f.G_MANAGE] + g.M_MASK_WORDS]
    kept = bits(hinted or mask) & set(range(words))
    assert set(sight.cpus_of(m[line + g.I_AFFINITY])) == kept
    assert set(sight.cpus_of(m[line + g.I_HINT]) if hinted else ()) == bits(hinted) & set(range(words))
    assert (machine.word("a"), machine.word("b")) == (0, 0)
