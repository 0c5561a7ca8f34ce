"""Words for what `checks` and `lockdep` find: {kind: function of a reports.Case giving (kind, title, remedy)}."""

from tophalf.driver.lockorder import READ_TWICE
from tophalf.driver.roles import TITLES
from tophalf.model import fields as f
from tophalf.model.check import checkkinds as k
from tophalf.model.check.checkfields import H_READ
from tophalf.model.check.checkroles import CALLER, HANDLER, ROLES, WORK
from tophalf.model.work.workfields import WQ_NAME

AT_END = "put it back on every path, also on those of errors"


def _recursive(case):
    """kernel/locking/lockdep.c print_deadlock_bug."""
    held = case.places.of(case.other)
    title = f"possible recursive locking detected: {case.lock_name(case.about)} is held already, taken at line {held[1]}"
    if case.operand(2) & H_READ:
        return "self-deadlock", title, READ_TWICE
    return "self-deadlock", title, "let go of it before, or do without: this CPU waits for itself"


def _waits(case):
    title = f"deadlock: {case.lock_name(case.about)} is waited for in what it waits for"
    return "waits-for-itself", title, "call it from elsewhere; to end, do not queue it again, or use the form that does not wait"


def _not_held(case):
    title = f"bad unlock balance detected: {case.lock_name(case.about)} is not held here"
    return "not-held", title, "take it on every path that comes here"


def _irqs_on_caller(case):
    title = f"interrupts are turned on where the caller had them off, with the unlock of {case.lock_name(case.about)}"
    return "irqs-on", title, "use the irqsave and irqrestore forms, which put back what was"


def _irqs_on_hardirq(case):
    """kernel/locking/lockdep.c lockdep_hardirqs_on_prepare."""
    return "irqs-on", "DEBUG_LOCKS_WARN_ON(lockdep_hardirq_context()): interrupts are turned on in a hardirq", "leave them off"


def _restore(case):
    """kernel/locking/irqflag-debug.c warn_bogus_irq_restore."""
    return "flags", "raw_local_irq_restore() called with IRQs enabled", "write flags = local_irq_save(), and hand that over, once"


def _bh_irqs(case):
    """kernel/softirq.c __local_bh_enable_ip, lockdep_assert_irqs_enabled."""
    return "bh-irqs", "WARNING: __local_bh_enable_ip: bottom halves are enabled with interrupts off", "turn them on first"


def _bh(case):
    """kernel/sched/core.c preempt_count_sub."""
    return "bh", "DEBUG_LOCKS_WARN_ON(val > preempt_count()): local_bh_enable without local_bh_disable", "disable them before"


def _preempt(case):
    return "preempt", "DEBUG_LOCKS_WARN_ON(val > preempt_count()): preempt_enable without preempt_disable", "disable it before"


def _held_at_end(case):
    locks = [case.lock_name(lock) for lock, *_ in case.held]
    title = f"{_leaked(case)}: {locks[-1] if locks else 'a lock'} is held when {case.function()} ends"
    return "held-at-end", title, "let go of it on every path, also on those of errors"


def _irqs_at_end(case):
    """kernel/irq/handle.c __handle_irq_event_percpu."""
    said = "off" if case.irqs_off else "on"
    title = f"{case.function()} ends with interrupts {said}"
    if case.about == HANDLER and case.context() == "hardirq":
        title = f"irq {case.irq()} handler {case.function()} enabled interrupts"
    return "irqs-at-end", title, AT_END


def _preempt_at_end(case):
    was, now = f"{case.other:08x}", f"{case.preempt_count:08x}"
    title = f"{_leaked(case)}: {case.function()} was entered with preempt_count {was}, and ends with {now}"
    return "preempt-at-end", title, "enable on every path as often as you disable"


def _leaked(case):
    """kernel/workqueue.c process_one_work, kernel/time/timer.c call_timer_fn, kernel/softirq.c handle_softirqs, kernel/exit.c."""
    if case.about == CALLER:
        return "WARNING: lock held when returning to user space!" if case.kind == k.HELD_AT_END else "left otherwise than entered"
    if case.about == WORK:
        return "BUG: workqueue leaked atomic, lock or RCU"
    if case.context() == "softirq":
        return "timer: preempt leak" if ROLES[case.about - 1] == "timer_fn" else "huh, entered softirq, exited otherwise"
    return f"BUG: left otherwise than entered, {TITLES[ROLES[case.about - 1]]}"


def _answer(case):
    """kernel/irq/spurious.c __report_bad_irq."""
    title = f"irq event {case.irq()}: bogus return value {case.about & 0xFFFFFFFF:x}"
    return "answer", title, "return IRQ_NONE, IRQ_HANDLED or IRQ_WAKE_THREAD"


def _no_thread(case):
    """kernel/irq/handle.c warn_no_thread."""
    name = case.name(case.about + f.A_NAME)
    title = f"IRQ {case.irq()} device {name} returned IRQ_WAKE_THREAD but no thread function available."
    return "answer", title, "request it with request_threaded_irq, or return IRQ_HANDLED"


def _reclaim(case):
    """kernel/workqueue.c check_flush_dependency."""
    mine, other = case.name(case.about + WQ_NAME), case.name(case.other + WQ_NAME)
    title = f"workqueue: WQ_MEM_RECLAIM {mine}:{case.outermost()} is flushing !WQ_MEM_RECLAIM {other}"
    return "reclaim", title, "make that workqueue with WQ_MEM_RECLAIM too"


def _too_deep(case):
    return "too-deep", "BUG: MAX_LOCK_DEPTH too low!", "hold fewer locks at once"


def _timer_sync(case):
    """kernel/time/timer.c timer_delete_sync."""
    return "timer-sync", "WARNING: timer_delete_sync in a hardirq may wait for what it interrupts", "use timer_delete"


def _freed(case):
    if case.strings[case.other] == "free_irq":  # kernel/irq/manage.c __free_irq
        return "freed-irq", f"Trying to free already-free IRQ {case.about}", "free it once"
    title = f"{case.strings[case.other]} of IRQ {case.about} after free_irq"
    return "freed-irq", title, "call it before, or request the line again"


WORDS = {
    k.RECURSIVE: _recursive, k.WAITS_FOR_ITSELF: _waits, k.NOT_HELD: _not_held, k.IRQS_ON_CALLER: _irqs_on_caller,
    k.IRQS_ON_HARDIRQ: _irqs_on_hardirq, k.RESTORE_WITH_IRQS_ON: _restore, k.BH_IRQS: _bh_irqs, k.BH: _bh, k.PREEMPT: _preempt,
    k.HELD_AT_END: _held_at_end, k.IRQS_AT_END: _irqs_at_end, k.PREEMPT_AT_END: _preempt_at_end, k.ANSWER: _answer,
    k.NO_THREAD: _no_thread, k.RECLAIM: _reclaim, k.TOO_DEEP: _too_deep, k.TIMER_SYNC: _timer_sync,
    k.FREED: _freed,
}  # fmt: skip
