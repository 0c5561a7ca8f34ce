"""What request_irq allows and refuses, and handlers that are forced into threads."""

import errno

import pytest

from modelprograms import program, run, times_of
from modelworlds import TICKLESS
from tophalf import vocab
from tophalf.judge import laws
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_device
from tophalf.model.irq.requestirq import RequestError, request_irq, request_threaded_irq

pytestmark = pytest.mark.kernels
SHARED, ONESHOT, LEVEL = f.IRQF_SHARED, f.IRQF_ONESHOT, f.FLOW_LEVEL


def line(flow=LEVEL, **machine):
    builder = Builder(1, nohz=TICKLESS, **machine)
    return builder, builder.irq(24, flow=flow), program(builder, (ops.OP_RET, f.IRQ_HANDLED))


def refusal(request):
    with pytest.raises(RequestError) as caught:
        request()
    return caught.value.errno


def test_neither_a_handler_nor_a_thread():
    builder, desc, _ = line()
    assert refusal(lambda: request_threaded_irq(builder, desc, "card", None, None)) == errno.EINVAL


@pytest.mark.parametrize("flow, refused", [(LEVEL, True), (f.FLOW_FASTEOI, True), (f.FLOW_EDGE, False)])
def test_a_thread_alone_needs_oneshot_except_for_messages(flow, refused):
    builder, desc, thread = line(flow)
    request = lambda: request_threaded_irq(builder, desc, "card", None, thread)  # noqa: E731
    if refused:
        assert refusal(request) == errno.EINVAL
    else:
        request()
    request_threaded_irq(builder, builder.irq(25, flow=flow), "card", None, thread, flags=ONESHOT)


@pytest.mark.parametrize(
    "first, second, allowed",
    [
        (SHARED, SHARED, True), (0, SHARED, False), (SHARED, 0, False), (SHARED, SHARED | ONESHOT, False),
        (SHARED | ONESHOT, SHARED, False), (SHARED | ONESHOT, SHARED | f.IRQF_COND_ONESHOT, True),
        (SHARED, SHARED | f.IRQF_COND_ONESHOT, True), (SHARED, SHARED | f.IRQF_PERCPU, False), (SHARED, SHARED | 1, False),
        (SHARED | f.IRQF_TRIGGER_HIGH, SHARED, True),
    ],
)  # fmt: skip
def test_who_shares_a_line_must_agree(first, second, allowed):
    builder, desc, handler = line()
    request_threaded_irq(builder, desc, "one", handler, handler if first & ONESHOT else None, flags=first)
    request = lambda: request_irq(builder, desc, "two", handler, flags=second)  # noqa: E731
    if allowed:
        request()
    else:
        assert refusal(request) == errno.EBUSY


def test_the_mismatch_is_told_as_the_kernel_tells_it():
    builder, desc, handler = line()
    request_irq(builder, desc, "one", handler, flags=SHARED)
    with pytest.raises(RequestError, match=r"Flags mismatch irq 24\. 00000004 \(two\) vs\. 00000084 \(one\)"):
        request_irq(builder, desc, "two", handler, flags=0)


def test_cond_oneshot_is_newer_than_6_1():
    builder, desc, handler = line(kernel="6.1")
    request_threaded_irq(builder, desc, "one", None, handler, flags=SHARED | ONESHOT)
    assert refusal(lambda: request_irq(builder, desc, "two", handler, flags=SHARED | f.IRQF_COND_ONESHOT)) == errno.EBUSY


def forced(flags=SHARED, answer=f.IRQ_HANDLED, thread=None, **machine):
    """A level device's handler of 10 µs with threads forced. Returns (world, table)."""
    builder = Builder(1, nohz=TICKLESS, **machine)
    desc = builder.irq(24, flow=LEVEL)
    device = add_device(builder, "card", desc, True, ("times", [1000]))
    steps = [(ops.OP_SPEND_NS, 10_000), (ops.OP_RAISE, vocab.BLOCK), (ops.OP_DEVICE_ACK, device)]
    handler = program(builder, *steps, (ops.OP_RET, answer))
    second = program(builder, (ops.OP_SPEND_NS, 5000), (ops.OP_RET, f.IRQ_HANDLED)) if thread else None
    request_threaded_irq(builder, desc, "card", handler, second, flags=flags)
    world, table = run(builder, 1_000_000)
    assert all(verdict.holds for verdict in laws.judge(table, machine.get("preempt") == "rt"))
    return world, table


def runs_of(table, comm):
    """Times at which a task begins to run."""
    name = table.strings.index(comm) if comm in table.strings else -2
    return table.time_ns[(table.kind == vocab.SCHED_SWITCH) & (table.name == name)].tolist()


@pytest.mark.parametrize("machine", [{"threadirqs": True}, {"preempt": "rt"}], ids=str)
def test_threadirqs_forces_a_handler_into_a_thread_with_bottom_halves_off(machine):
    world, table = forced(**machine)
    assert runs_of(table, "irq/24-card") == [1000]
    assert times_of(table, vocab.IRQ_HANDLER_EXIT, b=f.IRQ_WAKE_THREAD) == [1000]
    assert world.memory[world.builder.irqs[24] + f.D_COUNT] == 1  # ONESHOT: not again before the thread was there
    # the softirq it raised runs when bottom halves come on, in the thread
    raised = times_of(table, vocab.SOFTIRQ_RAISE, a=vocab.BLOCK)
    assert raised == [11_000] and times_of(table, vocab.SOFTIRQ_ENTRY, a=vocab.BLOCK)[0] == 11_000
    irqs_off = table.flags[table.kind == vocab.SOFTIRQ_RAISE] & vocab.FLAG_IRQS_OFF
    assert irqs_off.any()


@pytest.mark.parametrize("flags", [f.IRQF_NO_THREAD, f.IRQF_PERCPU, ONESHOT])
def test_who_may_not_be_forced_runs_in_the_hardirq(flags):
    _, table = forced(flags, threadirqs=True)
    assert times_of(table, vocab.IRQ_HANDLER_EXIT, b=f.IRQ_HANDLED) == [11_000]


def test_a_handler_with_a_thread_of_its_own_gets_a_second_one():
    _, table = forced(answer=f.IRQ_WAKE_THREAD, thread=True, threadirqs=True)
    assert runs_of(table, "irq/24-card") == [1000] and runs_of(table, "irq/24-s-card") == [11_000]
