"""Kernel calls about works, workqueues, and tasklets that are switched off.

A workqueue that was destroyed takes no work any more, until it is made again (`registercalls`).
"""

from tophalf.model import ops
from tophalf.model.code import waitops as w
from tophalf.model.code.operands import address_of, object_of
from tophalf.model.work import workops

FLUSH = (workops.OP_FLUSH_WORKQUEUE, "object")
DRAIN_BEGIN, DRAIN = (workops.OP_DRAIN_BEGIN, "object"), [FLUSH, (workops.OP_DRAIN_CHECK, "object")]
# As kernelcalls.PLAIN. destroy_workqueue drains, and never takes back that it does (__WQ_DESTROYING)
PLAIN = {
    "flush_workqueue": [FLUSH], "drain_workqueue": [DRAIN_BEGIN, *DRAIN], "destroy_workqueue": [DRAIN_BEGIN, DRAIN_BEGIN, *DRAIN],
    "tasklet_disable": [(ops.OP_TASKLET_DISABLE, "object"), (w.CODE_TASKLET_UNLOCK_WAIT, "object")],
}  # fmt: skip
CODES = {workops.OP_QUEUE_DELAYED_WORK: w.CODE_QUEUE_DELAYED, workops.OP_MOD_DELAYED_WORK: w.CODE_MOD_DELAYED}


def _workqueue(generator, writer, node, at):
    """The address of the workqueue that is an argument, of the system's where `at` is None."""
    return generator.workqueue("system_wq").address if at is None else address_of(writer, node.args[at], "workqueue")


def _queue_work(at):
    """queue_work, schedule_work. at: which argument the workqueue is."""

    def write(generator, writer, node, target):
        queue = _workqueue(generator, writer, node, at)
        writer.write(workops.OP_QUEUE_WORK, object_of(generator, writer, node), queue)
        return writer.result(target)

    return write


def _queue_work_on(generator, writer, node, target):
    cpu, queue = writer.value(node.args[0]), _workqueue(generator, writer, node, 1)
    work = object_of(generator, writer, node)
    if isinstance(cpu, int) and 0 <= cpu < len(generator.builder.cpus):
        writer.write(workops.OP_QUEUE_WORK, work, queue, cpu + 1)
    else:
        writer.write(w.CODE_QUEUE_WORK_ON, work, queue, writer.slot(node, cpu))
    return writer.result(target)


def _delayed(op, at=0):
    """queue_delayed_work, schedule_delayed_work, mod_delayed_work."""

    def write(generator, writer, node, target):
        queue, work = _workqueue(generator, writer, node, at), address_of(writer, node.args[-2], "delayed_work")
        delay = writer.value(node.args[-1])
        if isinstance(delay, int) and 0 <= delay < 1 << 40:
            writer.write(op, work, queue, delay * workops.DELAY_UNIT)
        else:
            writer.write(CODES[op], work, queue, writer.slot(node, delay))
        return writer.result(target)

    return write


def _work_call(op, *operands):
    def write(generator, writer, node, target):
        writer.write(op, object_of(generator, writer, node), *operands)
        return writer.result(target)

    return write


# As kernelcalls.WRITERS
WRITERS = {
    "queue_work": _queue_work(0), "schedule_work": _queue_work(None), "queue_work_on": _queue_work_on,
    "queue_delayed_work": _delayed(workops.OP_QUEUE_DELAYED_WORK),
    "schedule_delayed_work": _delayed(workops.OP_QUEUE_DELAYED_WORK, None),
    "mod_delayed_work": _delayed(workops.OP_MOD_DELAYED_WORK),
    "flush_work": _work_call(workops.OP_FLUSH_WORK), "flush_delayed_work": _work_call(workops.OP_FLUSH_WORK, workops.DELAYED),
    "cancel_work_sync": _work_call(workops.OP_CANCEL_WORK_SYNC),
    "cancel_delayed_work": _work_call(workops.OP_CANCEL_WORK, workops.DELAYED),
    "cancel_delayed_work_sync": _work_call(workops.OP_CANCEL_WORK_SYNC, workops.DELAYED),
}  # fmt: skip
