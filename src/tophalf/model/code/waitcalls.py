"""Kernel calls that wait, and those that end a wait: wait queues, completions, read-write locks, kthreads."""

from tophalf.model import ops
from tophalf.model.code import codeops as c
from tophalf.model.code import waitops as w
from tophalf.model.code.objects import Local
from tophalf.model.code.operands import address_of
from tophalf.model.code.waitfields import CP_DONE
from tophalf.model.fields import BLOCKED, SLEEPING

IRQS_OFF, IRQS_ON = (ops.OP_IRQS_OFF,), (ops.OP_IRQS_ON,)
PREEMPT_OFF, PREEMPT_ON = (ops.OP_PREEMPT_OFF,), (ops.OP_PREEMPT_ON,)
BH_OFF, BH_ON = (ops.OP_BH_OFF,), (ops.OP_BH_ON,)


def _rwlock(name, lock, unlock):
    """include/linux/rwlock_api_smp.h, as spinlocks have it."""
    lock, unlock = (lock, "object"), (unlock, "object")
    return {
        f"{name}_lock": [PREEMPT_OFF, lock], f"{name}_unlock": [unlock, PREEMPT_ON],
        f"{name}_lock_bh": [BH_OFF, lock], f"{name}_unlock_bh": [unlock, BH_ON],
        f"{name}_lock_irq": [IRQS_OFF, PREEMPT_OFF, lock], f"{name}_unlock_irq": [unlock, IRQS_ON, PREEMPT_ON],
    }  # fmt: skip


# As kernelcalls.PLAIN
PLAIN = {
    "init_waitqueue_head": [], "rwlock_init": [],
    "wake_up": [(w.CODE_WAKE_UP, "object")],
    "complete": [(w.CODE_COMPLETE, "object")], "wait_for_completion": [(w.CODE_WAIT_FOR_COMPLETION, "object")],
    "schedule": [(w.CODE_YIELD,)],
} | _rwlock("read", w.CODE_READ_LOCK, w.CODE_READ_UNLOCK) | _rwlock("write", w.CODE_WRITE_LOCK, w.CODE_WRITE_UNLOCK)  # fmt: skip


def _wait_event(state):
    """include/linux/wait.h wait_event, ___wait_event: look, and only then begin to wait; look again whenever woken."""

    def write(generator, writer, node, target):
        queue, answer = address_of(writer, node.args[0], "waitqueue"), writer.room()
        out, again, sleep = writer.new_label(), writer.new_label(), writer.new_label()
        writer.write(c.CODE_SET, answer, 0)
        _leave_if(writer, node.args[1], out, again)
        writer.label(again)
        writer.write(w.CODE_PREPARE_TO_WAIT, queue, state)
        if state == SLEEPING:
            writer.write(c.CODE_RESULT, answer)
        done = writer.new_label()
        _leave_if(writer, node.args[1], done, sleep)
        writer.label(sleep)
        if state == SLEEPING:
            writer.write(c.CODE_NONZERO, answer, out)
        writer.write(w.CODE_WAIT, state)
        writer.write(ops.OP_JUMP, again)
        writer.label(done)
        writer.write(c.CODE_SET, answer, 0)
        writer.write(w.CODE_FINISH_WAIT)
        writer.label(out)
        writer.write(c.CODE_COPY, target, answer)
        return Local(slot=target)

    return write


def _leave_if(writer, condition, there, otherwise):
    """Jump where a condition is true, or where it is not."""
    writer.unless(condition, otherwise)
    writer.write(ops.OP_JUMP, there)


def _init_completion(generator, writer, node, target):
    writer.write(c.CODE_SET, target, 0)
    writer.write(c.CODE_STORE, address_of(writer, node.args[0], "completion") + CP_DONE, target)
    return 0


def _should_stop(generator, writer, node, target):
    writer.write(w.CODE_SHOULD_STOP, target)
    return Local(slot=target)


def _kthread_stop(generator, writer, node, target):
    task = address_of(writer, node.args[0], "task")
    writer.write(w.CODE_KTHREAD_STOP, task)
    writer.write(w.CODE_KTHREAD_STOPPED, task)
    return writer.result(target)


# As kernelcalls.WRITERS
WRITERS = {
    "wait_event": _wait_event(BLOCKED), "wait_event_interruptible": _wait_event(SLEEPING), "init_completion": _init_completion,
    "kthread_should_stop": _should_stop, "kthread_stop": _kthread_stop,
}  # fmt: skip
