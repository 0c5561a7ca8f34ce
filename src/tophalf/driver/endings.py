"""Where the kernel's call of a driver's function ends: what must be as it was, and what a handler must have done by then."""

import ast

from tophalf.driver.api import CONSTANTS
from tophalf.driver.roles import HARDIRQ, SOFTIRQ, TASK
from tophalf.driver.state import entered
from tophalf.driver.subset import calls_in

TOO_LONG_NS = 100_000  # of one handler, with interrupts off or a CPU's softirqs waiting
LEVEL = CONSTANTS["IRQF_TRIGGER_HIGH"] | CONSTANTS["IRQF_TRIGGER_LOW"]
ANSWERS = {CONSTANTS[name]: name for name in ("IRQ_NONE", "IRQ_HANDLED", "IRQ_WAKE_THREAD")}


def judge_end(path, function, ends):
    """ends: a set of walk.End."""
    if not ends:
        _never_ends(path, function)
        return
    for end in sorted(ends, key=repr):
        _left_as_entered(path, end)
        _took_too_long(path, function, end.state)
    if path.role.kind in ("irq_handler", "irq_thread"):
        _judge_answers(path, function, ends)
    _comes_again(path, function, [end.state for end in ends])


def judge_round(path, loop, flow):
    """One round of a loop. flow: walk.Flow of its body; only while loops can be without an end."""
    if not isinstance(loop, ast.While) or flow.breaks or flow.returns:
        return
    key, states = path.condition_key(loop.test), flow.on | flow.continues
    if key and states and all(state.value(key) for state in states):
        do = "change what it waits for in the loop, or look at the device again"
        path.report(loop, "never-ends", "a loop that nothing in it ends", min(states, key=repr), do)
    elif path.role.context == HARDIRQ and states and _spins(path, loop):
        title = f"a hardirq that waits for {ast.unparse(loop.test)}, which nothing changes meanwhile"
        path.report(loop, "never-ends", title, min(states, key=repr), "return, and come again when that has changed")


def _spins(path, loop):
    """Whether a loop looks at attributes alone, and neither sets them nor calls what may."""
    asked = {node.attr for node in ast.walk(loop.test) if isinstance(node, ast.Attribute)}
    attributes = [node for part in loop.body for node in ast.walk(part) if isinstance(node, ast.Attribute)]
    stored = {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}
    called = {name for part in (loop.test, *loop.body) for name in calls_in(part)}
    return asked and not asked & stored and not called & path.driver.functions.keys() and not calls_in(loop.test)


def _never_ends(path, function):
    if path.role.context != TASK:
        loop = next((node for node in ast.walk(function) if isinstance(node, ast.While)), function)
        state = entered(path.role.context)
        path.report(loop, "never-ends", f"{function.name} never returns", state, "a handler must end: its CPU does nothing else")


def _left_as_entered(path, end):
    """kernel/softirq.c, kernel/workqueue.c and others say so with both values of preempt_count."""
    before, state = entered(path.role.context), end.state
    for held in state.held:
        title = f"{held.text} is held when {path.role.name} ends"
        path.report(end, "held-at-end", title, state, "let go of it on every path, also on those of errors")
    if state.held:
        return
    if state.irqs_off != before.irqs_off:
        said = "off" if state.irqs_off else "on"
        path.report(end, "irqs-at-end", f"{path.role.name} ends with interrupts {said}", state, "put them back on every path")
    if state.preempt_count != before.preempt_count:
        title = f"{path.role.name} was entered with preempt_count {before.preempt_count:#x}, and ends with {state.preempt_count:#x}"
        path.report(end, "preempt-at-end", title, state, "enable on every path as often as you disable")


def _took_too_long(path, function, state):
    if path.role.context in (HARDIRQ, SOFTIRQ) and state.spent_ns > TOO_LONG_NS:
        title = f"{function.name} holds its CPU for {state.spent_ns / 1000:,.0f} µs"
        do = "do the rest in a thread or a work" if path.role.context == HARDIRQ else "do the rest in a work"
        path.report(function, "too-long", title, state, do)


def _judge_answers(path, function, ends):
    for end in sorted(ends, key=repr):
        if isinstance(end.value, int) and end.value not in ANSWERS:
            do = f"return one of {', '.join(ANSWERS.values())}"
            path.report(end, "answer", f"{function.name} returns {end.value}", end.state, do)
    if path.role.kind == "irq_handler":
        _claims(path, function, ends)
        _leaves_the_cause(path, function, ends)


def _claims(path, function, ends):
    shared = path.role.flags and path.role.flags & CONSTANTS["IRQF_SHARED"]
    asked = any(end.state.touched for end in ends if end.value in (None, CONSTANTS["IRQ_NONE"]))
    if shared and not asked:
        title = f"{function.name} claims interrupts of a shared line without a look at its device"
        do = "read the device's status first, and return IRQ_NONE when it did not interrupt"
        path.report(function, "claims-all", title, entered(path.role.context), do)


def _leaves_the_cause(path, function, ends):
    """A level line is asserted until the device is told."""
    if not path.role.flags or not path.role.flags & LEVEL:
        return
    for end in sorted(ends, key=repr):
        if end.value == CONSTANTS["IRQ_HANDLED"] and not end.state.touched:
            title = f"{function.name} answers IRQ_HANDLED on a path that touches no register: the level line fires again"
            path.report(end, "level", title, end.state, "clear the cause in the device before it returns")


def _comes_again(path, function, states):
    mine = path.role.object.rsplit(".", 1)[-1] if path.role.object else None
    if path.role.kind in ("tasklet_fn", "work_fn") and all(mine in state.scheduled for state in states):
        title = f"{function.name} schedules itself again on every path"
        do = "come again only while there is something to do, or after a time: queue_delayed_work"
        path.report(function, "for-ever", title, states[0], do)
