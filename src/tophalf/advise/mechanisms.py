"""The seven places where work can run after an interrupt, and which of them a driver may take. Pure data, of Linux 6.12.

Leaves out: kthreads, timers and irq_work, which are no answer to "where does the rest of my interrupt go".
"""

from tophalf.advise.limits import BH_WORK_SINCE
from tophalf.advise.needs import BLOCK, NETWORK
from tophalf.frozen import Frozen

HARDIRQ, THREAD, SOFTIRQ, NAPI = "hardirq", "threaded irq", "softirq", "NAPI"
TASKLET, BH_WORK, WORKQUEUE = "tasklet", "BH work", "workqueue"
MECHANISMS = (HARDIRQ, THREAD, SOFTIRQ, NAPI, TASKLET, BH_WORK, WORKQUEUE)


class Mechanism(Frozen):
    """calls: the kernel's functions. what: where it runs and what that means, a sentence. source: a file of the kernel."""

    __slots__ = ("calls", "what", "source")


ABOUT = {
    HARDIRQ: Mechanism(
        calls="request_irq",
        what="all of it in the handler: interrupts off, nothing may sleep, nothing on this CPU comes between",
        source="kernel/irq/handle.c __handle_irq_event_percpu"),
    THREAD: Mechanism(
        calls="request_threaded_irq",
        what="a task of SCHED_FIFO 50 for each line; it may sleep, is seen in ps, and its priority can be changed",
        source="kernel/irq/manage.c irq_thread"),
    SOFTIRQ: Mechanism(
        calls="blk_mq_complete_request, or open_softirq and raise_softirq in the kernel itself",
        what="at the interrupt's end on the same CPU, interrupts on, on several CPUs at a time; the vectors are fixed",
        source="kernel/softirq.c handle_softirqs"),
    NAPI: Mechanism(
        calls="napi_schedule, napi_complete_done",
        what="polls of up to 64 packets in the softirq NET_RX; the interrupt stays masked while there is work",
        source="net/core/dev.c net_rx_action"),
    TASKLET: Mechanism(
        calls="tasklet_setup, tasklet_schedule",
        what="in the softirq TASKLET, never on two CPUs at once; deprecated",
        source="kernel/softirq.c tasklet_action_common"),
    BH_WORK: Mechanism(
        calls="INIT_WORK, queue_work(system_bh_wq)",
        what="a work item in the softirq TASKLET, before the tasklets: it may not sleep, and is flushed and cancelled as work is",
        source="kernel/workqueue.c bh_worker"),
    WORKQUEUE: Mechanism(
        calls="INIT_WORK, queue_work, alloc_workqueue",
        what="a work item in a kworker, an ordinary task: it may sleep and take long, and waits for a CPU as tasks do",
        source="kernel/workqueue.c process_one_work"),
}  # fmt: skip


def allowed(needs):
    """{mechanism: None where this driver may take it, else why not}, in the order of MECHANISMS."""
    return {mechanism: _against(mechanism, needs) for mechanism in MECHANISMS}


def _against(mechanism, needs):
    if needs.sleeps and mechanism not in (THREAD, WORKQUEUE):
        return "what runs there may not sleep"
    if mechanism == NAPI:
        return None if needs.device == NETWORK else "polls belong to network devices"
    if mechanism == SOFTIRQ:
        return None if needs.device == BLOCK or needs.core else "drivers have no vector of their own"
    if mechanism == BH_WORK and needs.kernel < BH_WORK_SINCE:
        return f"Linux {_text(needs.kernel)} has no BH workqueues: they came with {_text(BH_WORK_SINCE)}"
    if not needs.sleeps and needs.device == NETWORK and mechanism in (TASKLET, BH_WORK, WORKQUEUE):
        return "the stack takes received packets from polls (napi_gro_receive)"
    if not needs.sleeps and needs.device == BLOCK and mechanism != HARDIRQ:
        return "the block layer finishes requests itself (blk_mq_complete_request)"
    return None


def _text(kernel):
    return ".".join(map(str, kernel))
