"""What calls of the kernel do to a path, and what it would say to them there. include/linux/spinlock*.h, kernel/locking/."""

import ast

from tophalf.driver.api import CONSTANTS, GFP_DIRECT_RECLAIM
from tophalf.driver.lockorder import READ_TWICE, is_recursive
from tophalf.driver.roles import HARDIRQ, cancels_bh_work, class_of, queued_on
from tophalf.driver.state import MUTEX, SPIN, Held, Saved

US, MS = 1_000, 1_000_000
NESTED_MAX = 8  # how deep disabling is counted: a loop that only disables ends, and is reported
ASKED_FLAGS = ("SHARED", "ONESHOT", "NO_AUTOEN", "NO_SUSPEND", "COND_SUSPEND")


def apply(path, call, node, state, values):
    """A call. path: walk.Path, where one is; values: of its arguments, None for unknown. Returns (State, result)."""
    is_busy = state.context != HARDIRQ and cancels_bh_work(path.driver, node)
    if call.sleeps and state.is_atomic and not is_busy:
        path.sleeps(node, call.name, state)
    effect = EFFECTS.get(call.effect)
    if effect is None:
        return state, None
    return effect(path, call, node, state, values)


# Interrupts and bottom halves


def _irqs_off(path, call, node, state, values):
    return state._replace(irqs_off=True), None


def _irqs_on(path, call, node, state, values):
    if state.context == HARDIRQ:
        path.report(node, "irqs-on", f"{call.name} turns interrupts on in a hardirq", state, "leave them off: the kernel does")
    _held_with_irqs_off(path, call, node, state)
    return state._replace(irqs_off=False), None


def _held_with_irqs_off(path, call, node, state):
    """Interrupts come on: no lock may be held that was taken with a form that turned them off."""
    held = next((held for held in state.held if held.turned_off), None)
    if held:
        title = f"{call.name} turns interrupts on while {held.text} is held, which turned them off at line {held.line}"
        path.report(node, "irqs-on", title, state, f"{held.text} needs them off until it is let go of")


def _irqs_save(path, call, node, state, values):
    return state._replace(irqs_off=True), Saved(state.irqs_off)


def _irqs_restore(path, call, node, state, values):
    return state._replace(irqs_off=_restored(path, call, node, state, values[0])), None


def _restored(path, call, node, state, saved):
    if isinstance(saved, Saved):
        return saved.irqs_off
    do = "write flags = spin_lock_irqsave(lock), and hand that over"
    path.report(node, "flags", f"{call.name} gets what no irqsave returned on this path", state, do)
    return False


def _bh_off(path, call, node, state, values):
    return state._replace(bh=min(state.bh + 1, NESTED_MAX)), None


def _bh_on(path, call, node, state, values):
    if state.irqs_off:
        path.report(node, "bh-irqs", f"{call.name} with interrupts off", state, "turn them on first: it may run softirqs")
    if state.bh == 0:
        path.report(node, "bh", f"{call.name} without local_bh_disable", state, "disable them on every path before")
        return state, None
    return state._replace(bh=state.bh - 1), None


def _preempt_off(path, call, node, state, values):
    return state._replace(preempt=min(state.preempt + 1, NESTED_MAX)), None


def _preempt_on(path, call, node, state, values):
    if state.preempt == 0:
        path.report(node, "preempt", f"{call.name} without preempt_disable", state, "disable it on every path before")
        return state, None
    return state._replace(preempt=state.preempt - 1), None


# Locks


def _take(path, call, node, state, kind, is_read=False):
    """A lock is taken, with interrupts and bottom halves as they are now. Returns the State, None where it never is."""
    lock = Held(*path.object_of(node.args[0], state), kind, is_read, node.lineno, state.irqs_off, False)
    path.locks.taken(path, node, state, lock)
    held = next((each for each in state.held if each.key == lock.key), None)
    if held and not (held.is_read and is_recursive(state, is_read)):
        title = f"possible recursive locking detected: {lock.text} is held already, taken at line {held.line}"
        do = f"let go of it before, or do without: this CPU waits for itself in {call.name}"
        path.report(node, "self-deadlock", title, state, READ_TWICE if held.is_read and is_read else do)
        if not (held.is_read and is_read):
            return None
    return state._replace(held=(*state.held, lock))


def _let_go(path, call, node, state):
    """Returns (State, the Held that it was or None)."""
    key, text = path.object_of(node.args[0], state)
    held = next((each for each in reversed(state.held) if each.key == key), None)
    if held is None:
        title = f"bad unlock balance detected: {text} is not held here"
        path.report(node, "not-held", title, state, "take it on every path that comes here")
        return state, None
    at = len(state.held) - 1 - state.held[::-1].index(held)
    return state._replace(held=state.held[:at] + state.held[at + 1 :]), held


def _lock(path, call, node, state, values):
    return _take(path, call, node, state, SPIN), None


def _lock_read(path, call, node, state, values):
    return _take(path, call, node, state, SPIN, True), None


def _lock_bh(path, call, node, state, values, is_read=False):
    return _take(path, call, node, state._replace(bh=min(state.bh + 1, NESTED_MAX)), SPIN, is_read), None


def _lock_read_bh(path, call, node, state, values):
    return _lock_bh(path, call, node, state, values, True)


def _lock_irq(path, call, node, state, values, is_read=False):
    taken = _take(path, call, node, state._replace(irqs_off=True), SPIN, is_read)
    if taken is None:
        return None, None
    last = taken.held[-1]._replace(irqs_were_off=state.irqs_off, turned_off=True)
    return taken._replace(held=(*taken.held[:-1], last)), None


def _lock_read_irq(path, call, node, state, values):
    return _lock_irq(path, call, node, state, values, True)


def _lock_irqsave(path, call, node, state, values):
    taken, _ = _lock_irq(path, call, node, state, values)
    return taken, Saved(state.irqs_off)


def _unlock(path, call, node, state, values):
    return _let_go(path, call, node, state)[0], None


def _unlock_bh(path, call, node, state, values):
    after, _ = _let_go(path, call, node, state)
    return _bh_on(path, call, node, after, values)


def _unlock_irq(path, call, node, state, values):
    after, held = _let_go(path, call, node, state)
    if held and held.turned_off and held.irqs_were_off or state.context == HARDIRQ:
        title = f"{call.name} turns interrupts on where the caller had them off"
        path.report(node, "irqs-on", title, state, "use the irqsave and irqrestore forms, which put back what was")
    else:
        _held_with_irqs_off(path, call, node, after)
    return after._replace(irqs_off=False), None


def _unlock_irqrestore(path, call, node, state, values):
    after, _ = _let_go(path, call, node, state)
    return after._replace(irqs_off=_restored(path, call, node, state, values[1])), None


def _mutex_lock(path, call, node, state, values):
    return _take(path, call, node, state, MUTEX), None


# What waits, and what comes again


def _wait_irq(path, call, node, state, values):
    _irq_use(path, call, node, state, values)
    irq = path.object_of(node.args[0], state)
    if path.role.kind in ("irq_handler", "irq_thread") and irq.key == path.role.object.rsplit(".", 1)[-1]:
        do = "use disable_irq_nosync" if call.name == "disable_irq" else "call it from a task, outside of the handler"
        title = f"deadlock: {call.name}({irq.text}) waits for {path.role.name}, which calls it"
        path.report(node, "waits-for-itself", title, state, do)
    return state, None


def _free_irq(path, call, node, state, values):
    _wait_irq(path, call, node, state, values)
    return state._replace(freed=state.freed | {path.object_of(node.args[0], state).key}), None


def _irq_use(path, call, node, state, values):
    irq = path.object_of(node.args[0], state)
    if irq.key in state.freed:
        do = "free it once" if call.name == "free_irq" else "call it before, or request the line again"
        path.report(node, "freed-irq", f"{call.name} of IRQ {irq.text} after free_irq", state, do)
    return state, None


def _wait_object(path, call, node, state, values):
    key, text = path.object_of(node.args[0], state)
    if path.role.object and key == path.role.object.rsplit(".", 1)[-1]:
        title = f"deadlock: {call.name}({text}) waits for {path.role.name}, which calls it"
        path.report(node, "waits-for-itself", title, state, "call it from elsewhere; to end, do not queue it again")
    if not call.name.startswith("cancel_"):  # check_flush_dependency: from_cancel
        path.reclaim(node, call.name, text, queued_on(path.driver, text), state)
    return state, None


def _wait_timer(path, call, node, state, values):
    if state.context == HARDIRQ:
        path.report(node, "timer-sync", f"{call.name} in a hardirq may wait for what it interrupts", state, "use timer_delete")
    return _wait_object(path, call, node, state, values)


def _wait_workqueue(path, call, node, state, values):
    if path.role.kind == "work_fn" and class_of(node.args[0]) in path.queues_of_role:
        title = f"deadlock: {call.name}({ast.unparse(node.args[0])}) waits for {path.role.name}, which runs on it"
        path.report(node, "waits-for-itself", title, state, "flush it from a task, or from work of another queue")
    path.reclaim(node, call.name, ast.unparse(node.args[0]), {ast.unparse(node.args[0])}, state)
    return state, None


def _schedule(path, call, node, state, values):
    kinds = call.params
    which = next(at for at, kind in enumerate(kinds) if kind in ("tasklet", "work"))
    return state._replace(scheduled=state.scheduled | {path.object_of(node.args[which], state).key}), None


def _schedule_in(path, call, node, state, values):
    """A delay of nothing is none."""
    if values[-1] != 0:
        return state, None
    at = call.params.index("delayed_work")
    return state._replace(scheduled=state.scheduled | {path.object_of(node.args[at], state).key}), None


# Time, memory, registers


def _spend(unit_ns):
    def spend(path, call, node, state, values):
        return state._replace(spent_ns=state.spent_ns + (values[0] or 0) * unit_ns), None

    return spend


def _kmalloc(path, call, node, state, values):
    if values[1] is not None and values[1] & GFP_DIRECT_RECLAIM and state.is_atomic:
        name = next((name for name in ("GFP_KERNEL", "GFP_NOIO") if CONSTANTS[name] == values[1]), f"{values[1]:#x}")
        path.sleeps(node, f"kmalloc with {name}", state, "allocate with GFP_ATOMIC, or where one may sleep")
    return state, None


def _register(path, call, node, state, values):
    return state._replace(touched=True), None


def _request_irq(path, call, node, state, values):
    _requested(path, call, node, state, values[2], node.args[4], has_handler=True, has_thread=False)
    return state._replace(freed=state.freed - {path.object_of(node.args[0], state).key}), None


def _request_threaded_irq(path, call, node, state, values):
    given = [not (isinstance(argument, ast.Constant) and argument.value is None) for argument in node.args[1:3]]
    _requested(path, call, node, state, values[3], node.args[5], *given)
    return state._replace(freed=state.freed - {path.object_of(node.args[0], state).key}), None


def _requested(path, call, node, state, flags, cookie, has_handler, has_thread):
    """kernel/irq/manage.c request_threaded_irq, __setup_irq: what they refuse with -EINVAL."""
    has = {name: bool((flags or 0) & CONSTANTS[f"IRQF_{name}"]) for name in ASKED_FLAGS}
    shared, cond = has["SHARED"], has["COND_SUSPEND"]
    refusals = (
        (not has_handler and not has_thread, "neither a handler nor a thread", "give a handler"),
        (shared and isinstance(cookie, ast.Constant), "IRQF_SHARED without a device to tell it by", "give the device, last"),
        (shared and has["NO_AUTOEN"], "IRQF_SHARED and IRQF_NO_AUTOEN", "leave one out: others share the line"),
        (not shared and cond, "IRQF_COND_SUSPEND without IRQF_SHARED", "add IRQF_SHARED or leave it out"),
        (has["NO_SUSPEND"] and cond, "IRQF_NO_SUSPEND and IRQF_COND_SUSPEND", "leave one out"),
        (has_thread and not has_handler and not has["ONESHOT"], "a thread without a handler and without IRQF_ONESHOT",
         "add IRQF_ONESHOT: a level line would fire again before the thread has run"),
    )  # fmt: skip
    for refused, what, do in refusals:
        if refused:
            path.report(node, "request-refused", f"{call.name} is refused with -EINVAL: {what}", state, do)


EFFECTS = {
    "irqs_off": _irqs_off, "irqs_on": _irqs_on, "irqs_save": _irqs_save, "irqs_restore": _irqs_restore, "bh_off": _bh_off,
    "bh_on": _bh_on, "preempt_off": _preempt_off, "preempt_on": _preempt_on, "lock": _lock, "lock_read": _lock_read,
    "lock_bh": _lock_bh, "lock_read_bh": _lock_read_bh, "lock_irq": _lock_irq, "lock_read_irq": _lock_read_irq,
    "lock_irqsave": _lock_irqsave, "unlock": _unlock, "unlock_bh": _unlock_bh, "unlock_irq": _unlock_irq,
    "unlock_irqrestore": _unlock_irqrestore, "mutex_lock": _mutex_lock, "mutex_unlock": _unlock, "wait_irq": _wait_irq,
    "free_irq": _free_irq, "irq_use": _irq_use, "wait_object": _wait_object, "wait_timer": _wait_timer,
    "wait_workqueue": _wait_workqueue, "schedule": _schedule, "schedule_in": _schedule_in, "spend_us": _spend(US),
    "spend_ms": _spend(MS), "spend_ns": _spend(1), "kmalloc": _kmalloc, "register": _register, "request_irq": _request_irq,
    "request_threaded_irq": _request_threaded_irq,
}  # fmt: skip
