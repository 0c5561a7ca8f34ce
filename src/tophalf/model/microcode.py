"""The kernel's own routines as programs: what happens between their instructions is what an interrupt can come between."""

from tophalf import vocab
from tophalf.model import ops
from tophalf.model.fields import C_SOFT_TIMERS, C_WHEEL, F_R1, IRQ_WAKE_THREAD
from tophalf.model.ground.program import Assembler
from tophalf.model.irq import manageops
from tophalf.model.net import pollcode
from tophalf.model.work import workops


def kernel_routines(costs):
    """An Assembler with all of them. costs: {name: address of the cost}. The first label of each below is its name."""
    code = Assembler()
    for routine in ROUTINES:
        routine(code, costs)
    return code


def _irq(code, costs):
    """arch/x86 common_interrupt, kernel/irq/chip.c handle_*_irq, kernel/softirq.c irq_exit_rcu."""
    code.label("irq")
    code(ops.OP_FLOW_BEGIN, "irq_out")
    code.label("irq_action")
    code(ops.OP_ACTION, "irq_flow_end")
    code(ops.OP_ACTION_DONE, "irq_action")
    code.label("irq_flow_end")
    code(ops.OP_FLOW_END, "irq_action")
    code.label("irq_out")
    code(ops.OP_SPEND, costs["irq_exit"])
    code(ops.OP_IRQ_EXIT)
    code(ops.OP_IRQ_RETURN)


def _system_vector(code, costs):
    """Interrupts without a line: reschedule, irq_work; and function calls (kernel/smp.c flush_smp_call_function_queue)."""
    code.label("system_vector")
    code(ops.OP_SYSVEC_BEGIN)
    code(ops.OP_SYSVEC_END)
    code(ops.OP_JUMP, "irq_out")
    code.label("irq_work")
    code(ops.OP_SYSVEC_BEGIN)
    code(workops.OP_IRQ_WORK)
    code(ops.OP_SYSVEC_END)
    code(ops.OP_JUMP, "irq_out")
    code.label("call_function")
    code(ops.OP_SYSVEC_BEGIN)
    code(ops.OP_CALL_FUNCTIONS)
    code(ops.OP_SYSVEC_END)
    code(ops.OP_JUMP, "irq_out")


def _local_timer(code, costs):
    """kernel/time/hrtimer.c hrtimer_interrupt."""
    code.label("local_timer")
    code(ops.OP_SYSVEC_BEGIN)
    code(ops.OP_LOCAL_TIMER)
    code(ops.OP_SYSVEC_END)
    code(ops.OP_JUMP, "irq_out")


def _softirq(code, costs):
    """kernel/softirq.c handle_softirqs."""
    code.label("softirq")
    code(ops.OP_SOFTIRQ_BEGIN)
    code.label("softirq_pass")
    code(ops.OP_SOFTIRQ_PASS)
    code.label("softirq_vector")
    code(ops.OP_SOFTIRQ_VECTOR, "softirq_end")
    code(ops.OP_SOFTIRQ_DONE, "softirq_vector")
    code.label("softirq_end")
    code(ops.OP_SOFTIRQ_AGAIN, "softirq_pass")
    code(ops.OP_RET)


def _ksoftirqd(code, costs):
    """kernel/softirq.c run_ksoftirqd; kernel/smpboot.c smpboot_thread_fn."""
    code.label("ksoftirqd")
    code(ops.OP_KSOFTIRQD)
    code(ops.OP_COND_RESCHED)
    code(ops.OP_JUMP, "ksoftirqd")


def _net_rx(code, costs):
    """net/core/dev.c net_rx_action, and the poll of a driver."""
    code.label("net_rx")
    code(ops.OP_NET_RX_BUDGET)
    code.label("net_rx_start")
    code(ops.OP_NET_RX_BEGIN)
    code.label("net_rx_next")
    code(ops.OP_NET_RX_NEXT, "net_rx_end")
    code(ops.OP_NET_RX_DONE, "net_rx_next")
    code.label("net_rx_end")
    code(ops.OP_NET_RX_END, "net_rx_start")
    code(ops.OP_RET)


def _tasklets(code, costs):
    """kernel/softirq.c tasklet_action, tasklet_hi_action."""
    for label, vector in (("tasklets", vocab.TASKLET), ("hi_tasklets", vocab.HI)):
        code.label(label)
        code(ops.OP_TASKLETS_BEGIN, vector)
        code.label(f"{label}_next")
        code(ops.OP_TASKLET_NEXT, f"{label}_end")
        code(ops.OP_TASKLET_DONE, f"{label}_next")
        code.label(f"{label}_end")
        code(ops.OP_RET)


def _timers(code, costs):
    """kernel/time/timer.c run_timer_softirq, kernel/time/hrtimer.c hrtimer_run_softirq."""
    for label, timers in (("timer_softirq", C_WHEEL), ("hrtimer_softirq", C_SOFT_TIMERS)):
        code.label(label)
        code(ops.OP_TIMERS, timers, f"{label}_end")
        code.label(f"{label}_end")
        code(ops.OP_RET)


def _irq_thread(code, costs):
    """kernel/irq/manage.c irq_thread, irq_default_primary_handler."""
    code.label("irq_thread")
    code(ops.OP_IRQ_THREAD)
    code(ops.OP_IRQ_THREAD_DONE)
    code(manageops.OP_IRQ_THREAD_END)
    code(ops.OP_JUMP, "irq_thread")
    code.label("default_primary_handler")
    code(ops.OP_RET, IRQ_WAKE_THREAD)


def _managed(code, costs):
    """kernel/irq/spurious.c poll_spurious_irqs, try_one_irq; arch/x86/kernel/apic/vector.c vector_cleanup_callback."""
    code.label("poll_spurious_irqs")
    code(manageops.OP_POLL_SPURIOUS, "polled_all")
    code(ops.OP_JUMP, "poll_spurious_irqs")
    code.label("polled_all")
    code(ops.OP_RET)
    code.label("try_one_irq")
    code(ops.OP_ACTION, "tried")
    code(ops.OP_ACTION_DONE, "try_one_irq")
    code.label("tried")
    code(manageops.OP_POLL_END, "try_one_irq")
    code(ops.OP_RET)
    code.label("vector_cleanup")
    code(manageops.OP_VECTOR_CLEANUP)
    code(ops.OP_RET)


def _workers(code, costs):
    """kernel/workqueue.c worker_thread, rescuer_thread, wq_barrier_func; workqueue_softirq_action before a softirq's tasklets."""
    code.label("worker_thread")
    code(workops.OP_WORKER_BEGIN, "worker_create")
    code.label("worker_end")
    code(workops.OP_WORK_END)
    code(ops.OP_COND_RESCHED)
    code(workops.OP_WORK_DONE, "worker_end", "worker_thread")
    code.label("worker_create")
    code(workops.OP_WORKER_CREATED, "worker_end", "worker_thread")
    code.label("rescuer_thread")
    code(workops.OP_RESCUER, 0, workops.RESCUER_NEXT)
    code(workops.OP_RESCUER, 0, workops.RESCUER_MOVE)
    code(workops.OP_RESCUER, "rescuer_end", workops.RESCUER_BEGIN, "rescuer_thread")
    code.label("rescuer_end")
    code(workops.OP_WORK_END)
    code(ops.OP_COND_RESCHED)
    code(workops.OP_RESCUER, "rescuer_end", workops.RESCUER_DONE, "rescuer_thread")
    for label, vector, tasklets in (("bh_work", vocab.TASKLET, "tasklets"), ("hi_bh_work", vocab.HI, "hi_tasklets")):
        code.label(label)
        code(workops.OP_BH_WORKER, tasklets, workops.BH_BEGIN, vector)
        code(workops.OP_WORK_END)
        code(workops.OP_BH_WORKER, tasklets, workops.BH_DONE)
    code.label("wq_barrier")
    code(workops.OP_BARRIER)
    code(ops.OP_RET)


def _small(code, costs):
    code.label("idle")
    code(ops.OP_HALT)
    code(ops.OP_JUMP, "idle")
    code.label("nothing")
    code(ops.OP_RET)


def poll_routine(code, poll_cost, weight):
    """A driver's poll: look at the ring, take up to `weight` packets, complete if there were fewer."""
    code(ops.OP_SPEND, poll_cost)
    code(ops.OP_RX, 0, weight)
    code(ops.OP_NAPI_COMPLETE)
    code(ops.OP_RET_REG, F_R1)


def staged_poll_routine(code, queue, weight):
    """A poll of packets that a handler has taken off the device already."""
    code(ops.OP_RX_STAGED, queue, weight)
    code(ops.OP_NAPI_COMPLETE, 1)
    code(ops.OP_RET_REG, F_R1)


ROUTINES = (
    _irq, _system_vector, _local_timer, _softirq, _ksoftirqd, _net_rx, _tasklets, _timers, _irq_thread, _managed,
    _workers, _small, *pollcode.ROUTINES,
)  # fmt: skip
