"""Words for what ends a run: {kind: function of a reports.Case giving (kind, title, remedy)}."""

from tophalf.model.check import crash as c

BY_CONTEXT = {
    "hardirq": "a top half may not sleep: return IRQ_WAKE_THREAD and sleep in the thread",
    "softirq": "a softirq may not sleep: queue a work and sleep in that",
}


def _division(case):
    return "division", "divide error: a driver divides by 0", "look at the divisor before"


def _shift(case):
    return "shift", "UBSAN: shift-out-of-bounds: by less than 0 or more than 63 bits", "look at the count before"


def _register(case):
    return "register", "a register that the device does not have", "see its `registers`, numbered from 0"


def _step(case):
    return "step", "a range with a step of 0", "give it another"


def _sleep(case):
    """kernel/sched/core.c __might_resched."""
    name = case.operand_name()
    title = f"BUG: sleeping function called from invalid context{f': {name}' if name else ''}"
    otherwise = "turn interrupts, preemption and bottom halves on before, and hold no spinlock"
    if case.context() == "hardirq" and case.irq() < 0:  # that of the CPU's own timer
        return "sleep", title, "an hrtimer's function may not sleep: queue a work and sleep in that"
    return "sleep", title, BY_CONTEXT.get(case.context(), otherwise)


def _not_held(case):
    """kernel/locking/lockdep.c print_unlock_imbalance_bug."""
    title = f"bad unlock balance detected: {case.lock_name(case.operand())} is not held here"
    return "not-held", title, "take it on every path before"


def _no_kthread(case):
    return "no-kthread", "kthread_stop of what is no kthread", "start it first, with kthread_run"


def _no_cpu(case):
    return "no-cpu", "a CPU that is not there", "count them from 0, as smp_processor_id does"


def _registered_twice(case):
    title = "this call registers once more what is registered still: the model has room for one of each call and device"
    return "registered-twice", title, "free or stop it before; or write a call for each"


def _napi_enabled(case):
    """net/core/dev.c napi_enable."""
    return "napi-state", "kernel BUG at net/core/dev.c: napi_enable of an instance that is not disabled", "enable it once"


WORDS = {
    c.DIVISION_BY_ZERO: _division, c.SHIFT_OUT_OF_RANGE: _shift, c.NO_REGISTER: _register, c.STEP_OF_ZERO: _step,
    c.SLEEPS_IN_ATOMIC: _sleep, c.NOT_ITS_LOCK: _not_held, c.NO_KTHREAD: _no_kthread, c.NO_CPU: _no_cpu,
    c.REGISTERED_TWICE: _registered_twice, c.NAPI_IS_ENABLED: _napi_enabled,
}  # fmt: skip
