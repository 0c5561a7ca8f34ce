"""Where the kernel's call of a driver's function ends: what must be as it was, and what a handler must have done by then."""

import ast

from tophalf.driver.api import CONSTANTS
from tophalf.driver.roles import HARDIRQ, SOFTIRQ, TASK

TOO_LONG_NS = 100_000  # of one handler, with interrupts off or a CPU's softirqs waiting
LEVEL = CONSTANTS["IRQF_TRIGGER_HIGH"] | CONSTANTS["IRQF_TRIGGER_LOW"]
ANSWERS = {CONSTANTS[name]: name for name in ("IRQ_NONE", "IRQ_HANDLED", "IRQ_WAKE_THREAD")}


def judge_end(path, function, ends):
    """ends: a set of (State, value returned or None for unknown)."""
    last = function.body[-1]
    if not ends:
        _never_ends(path, function)
        return
    for state, _ in sorted(ends, key=repr):
        _left_as_entered(path, last, state)
        _took_too_long(path, function, state)
    if path.role.kind in ("irq_handler", "irq_thread"):
        _judge_answers(path, function, ends)
    _comes_again(path, function, [state for state, _ in ends])


def _never_ends(path, function):
    if path.role.context != TASK:
        loop = next((node for node in ast.walk(function) if isinstance(node, ast.While)), function)
        state = _entered(path)
        path.report(loop, "never-ends", f"{function.name} never returns", state, "a handler must end: its CPU does nothing else")


def _entered(path):
    from tophalf.driver.state import entered

    return entered(path.role.context)


def _left_as_entered(path, last, state):
    """kernel/softirq.c, kernel/workqueue.c and others say so with both values of preempt_count."""
    before = _entered(path)
    for held in state.held:
        title = f"{held.text} is held when {path.role.name} ends"
        path.reports.add(held.line, "held-at-end", title, _how(path, state), "let go of it on every path, also on those of errors")
    if state.held:
        return
    if state.irqs_off != before.irqs_off:
        said = "off" if state.irqs_off else "on"
        path.report(last, "irqs-at-end", f"{path.role.name} ends with interrupts {said}", state, "put them back on every path")
    if state.preempt_count != before.preempt_count:
        title = f"{path.role.name} was entered with preempt_count {before.preempt_count:#x}, and ends with {state.preempt_count:#x}"
        path.report(last, "preempt-at-end", title, state, "enable on every path as often as you disable")


def _how(path, state):
    return [f"in {path.role.name}, {path.role.what}; {state.said()}"]


def _took_too_long(path, function, state):
    if path.role.context in (HARDIRQ, SOFTIRQ) and state.spent_ns > TOO_LONG_NS:
        title = f"{function.name} holds its CPU for {state.spent_ns / 1000:,.0f} µs"
        do = "do the rest in a thread or a work" if path.role.context == HARDIRQ else "do the rest in a work"
        path.report(function, "too-long", title, state, do)


def _judge_answers(path, function, ends):
    answers = {value for _, value in ends}
    for value in sorted(value for value in answers if isinstance(value, int) and value not in ANSWERS):
        state = next(state for state, one in ends if one == value)
        path.report(function, "answer", f"{function.name} returns {value}", state, f"return one of {', '.join(ANSWERS.values())}")
    if path.role.kind == "irq_handler":
        _claims(path, function, ends, answers)
        _leaves_the_cause(path, function, ends)


def _claims(path, function, ends, answers):
    if path.role.flags and path.role.flags & CONSTANTS["IRQF_SHARED"] and not answers & {None, CONSTANTS["IRQ_NONE"]}:
        title = f"{function.name} says of every interrupt of a shared line that it is its own"
        do = "read the device's status first, and return IRQ_NONE when it did not interrupt"
        path.report(function, "claims-all", title, _entered(path), do)


def _leaves_the_cause(path, function, ends):
    """A level line is asserted until the device is told."""
    if not path.role.flags or not path.role.flags & LEVEL:
        return
    for state, value in sorted(ends, key=repr):
        if value == CONSTANTS["IRQ_HANDLED"] and not state.touched:
            title = f"{function.name} answers IRQ_HANDLED on a path that touches no register: the level line fires again"
            path.report(function, "level", title, state, "clear the cause in the device before it returns")
            return


def _comes_again(path, function, states):
    mine = path.role.object.rsplit(".", 1)[-1] if path.role.object else None
    if path.role.kind in ("tasklet_fn", "work_fn") and all(mine in state.scheduled for state in states):
        title = f"{function.name} schedules itself again on every path"
        do = "come again only while there is something to do, or after a time: queue_delayed_work"
        path.report(function, "for-ever", title, states[0], do)
