"""CPUs that spin on a lock against a slow loop that looks every 100 ns, with handlers that come between.

Twin of: locks. A CPU that spins is parked until the lock is let go of; the twin makes every look.
"""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, program
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.code import codeops as c
from tophalf.model.code.buildcode import add_lock, begin_code
from tophalf.model.code.codefields import L_HEAD, L_OWNER, SPIN_NS

pytestmark = pytest.mark.kernels
UNIT = SPIN_NS  # all spans are whole looks, and each CPU begins at its own nanosecond: no two CPUs do anything at one moment


def slow_times(plans, handlers):
    """When each CPU had the lock, [[(from, to)]]; handlers: {cpu: (time, span)}, one each, in the task's own time."""
    left = [list(rounds) for rounds in plans]
    due = [number + 1 for number in range(len(plans))]  # when each has something to do next
    state, owner, found = ["before"] * len(plans), None, [[] for _ in plans]
    came = dict(handlers)

    def after(cpu, span):
        """The end of a span that begins now at due[cpu], with the handler in it."""
        end = due[cpu] + span
        if cpu in came and due[cpu] <= came[cpu][0] < end:
            end += came.pop(cpu)[1]
        return end

    while any(left):
        cpu = min((number for number in range(len(plans)) if left[number]), key=lambda number: due[number])
        before, under = left[cpu][0]
        if state[cpu] == "before":
            due[cpu], state[cpu] = after(cpu, before), "look"
        elif state[cpu] == "look" and owner is None:
            owner, state[cpu] = cpu, "under"
            found[cpu].append(due[cpu])
            due[cpu] = after(cpu, under)
        elif state[cpu] == "look":
            due[cpu] = after(cpu, SPIN_NS)
        else:
            owner, state[cpu] = None, "before"
            left[cpu].pop(0)
    return found


def modelled_times(plans, handlers):
    builder = Builder(cpus=len(plans))
    begin_code(builder)
    lock = add_lock(builder)
    results = [builder.memory.take(len(rounds)) for rounds in plans]
    for cpu, rounds in enumerate(plans):
        body = [(ops.OP_SPEND_NS, cpu + 1)]
        for number, (before, under) in enumerate(rounds):
            body += [(ops.OP_SPEND_NS, before), (ops.OP_PREEMPT_OFF,), (c.CODE_SPIN_LOCK, lock), (c.CODE_CLOCK, 0),
                     (c.CODE_STORE, results[cpu] + number, 0), (ops.OP_SPEND_NS, under), (c.CODE_SPIN_UNLOCK, lock),
                     (ops.OP_PREEMPT_ON,)]  # fmt: skip
        builder.task(f"app{cpu}", cpu, program(builder, *body, (ops.OP_EXIT,)))
    for cpu, (at, span) in handlers.items():
        at_times(builder, 24 + cpu, [at], (ops.OP_SPEND_NS, span), cpu=cpu)
    world = builder.world()
    world.run(10**7)
    m = world.memory
    assert m[lock + L_OWNER] == m[lock + L_HEAD] == 0
    return [[int(word) for word in m[first : first + len(rounds)]] for first, rounds in zip(results, plans, strict=True)]


spans = st.integers(1, 40).map(lambda count: count * UNIT)
plans_ = st.lists(st.lists(st.tuples(spans, spans), min_size=1, max_size=4), min_size=2, max_size=4)


@settings(max_examples=150, deadline=None)
@given(plans_, st.dictionaries(st.integers(0, 3), st.tuples(st.integers(1, 8000).map(lambda t: t * 10 + 7), spans)))
def test_every_look_that_is_left_out_would_have_found_nothing(plans, handlers):
    handlers = {cpu: handler for cpu, handler in handlers.items() if cpu < len(plans)}
    assert modelled_times(plans, handlers) == slow_times(plans, handlers)


def test_half_a_minute_of_spinning_costs_nothing():
    builder = Builder(cpus=2)
    begin_code(builder)
    lock = add_lock(builder)
    holder = program(builder, (ops.OP_PREEMPT_OFF,), (c.CODE_SPIN_LOCK, lock), (ops.OP_SPEND_NS, 25 * 10**9),
                     (c.CODE_SPIN_UNLOCK, lock), (ops.OP_EXIT,))  # fmt: skip
    builder.task("holder", 0, holder)
    at = builder.memory.take(1)
    waiter = program(builder, (ops.OP_SPEND_NS, 1050), (ops.OP_PREEMPT_OFF,), (c.CODE_SPIN_LOCK, lock), (c.CODE_CLOCK, 0),
                     (c.CODE_STORE, at, 0), (c.CODE_SPIN_UNLOCK, lock), (ops.OP_EXIT,))  # fmt: skip
    builder.task("waiter", 1, waiter)
    world = builder.world()
    world.run(10**6)
    started = time.perf_counter()
    world.run(30 * 10**9)
    assert time.perf_counter() - started < 20  # 250 million looks would be minutes
    assert int(world.memory[at]) == 25 * 10**9 + 50
    assert int(world.memory[builder.cpus[1] + f.C_TIMES + f.TASK]) == 25 * 10**9 + 50
