"""Block devices with several queues: requests from a job to the device, and back by interrupt, softirq, IPI or poll.

block/blk-mq.c blk_mq_complete_request_remote, blk_done_softirq, blk_hctx_poll; drivers/nvme/host/pci.c nvme_irq, nvme_poll_cq. The
device serves so many requests at a time (channels), the others in their order. It sends the interrupt of a queue for the first
completion that the driver has not seen; the driver says what it has seen when it finds no more (the doorbell).

The frame of who looks at a queue holds: R1 the request at hand, R2 how many were found, R3 and R4 the first and the last that are
finished here, together (io_comp_batch), R5 the hardware queue. The softirq's has R1 and R3.

Left out: I/O schedulers, merging and plugging, tags that run out, timeouts, interrupt coalescing of the device, threaded NVMe
interrupts (use_threaded_interrupts), locks of a polled queue that several CPUs share, CPUs of unequal capacity, draining the
queue of a CPU that goes offline, tasks of an io_uring that finish requests of another CPU.
"""

from tophalf import vocab
from tophalf.model.block.blockfields import (
    B_BY_IPI,
    B_BY_SOFTIRQ,
    B_COMPLETE_COST,
    B_COMPLETED,
    B_CQE_COST,
    B_FREE,
    B_HISTOGRAM,
    B_HW_QUEUES,
    B_IN_PLACE,
    B_LATENCY_MAX,
    B_LATENCY_SUM,
    B_MAP,
    B_POLL_MAP,
    B_RQ_AFFINITY,
    B_SERVICE,
    B_SUBMITTED,
    B_WAITING,
    B_WAITING_TAIL,
    BC_CACHE,
    BC_CSD,
    BC_DONE,
    BC_DONE_TAIL,
    HC_DESC,
    HC_DISK,
    HC_DONE,
    HC_DONE_TAIL,
    HC_NR_CTX,
    HC_SENT,
    J_DISK,
    J_FREE,
    J_POLLS,
    J_SOURCE,
    J_TASK,
    J_WAITING,
    R_CPU,
    R_HCTX,
    R_JOB,
    R_NEXT,
    R_START,
)
from tophalf.model.block.blockops import (
    OP_BLK_BATCH,
    OP_BLK_CQE,
    OP_BLK_DOORBELL,
    OP_BLK_END,
    OP_BLK_HANDLE,
    OP_BLK_PACE,
    OP_BLK_POLL,
    OP_BLK_RAISE,
    OP_BLK_ROOM,
    OP_BLK_SPIN,
    OP_BLK_SUBMIT,
    OP_BLK_TAKE_DONE,
    OP_BLK_WAIT,
)
from tophalf.model.cpu.smpcall import call_on
from tophalf.model.fields import (
    C_BLOCK,
    C_CURRENT,
    C_NEED_RESCHED,
    C_NUMBER,
    C_ONLINE,
    CELL_BITS,
    F_LEFT,
    F_PC,
    F_R1,
    F_R2,
    F_R3,
    F_R4,
    F_R5,
    G_KERNEL,
    G_NOW,
    K_CPU,
    K_STATE,
    K_TIMER,
    Q_NEXT,
    SLEEPING,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.latencycells import shift_of
from tophalf.model.ground.lists import append
from tophalf.model.ground.queue import arm
from tophalf.model.irq.irqlines import raise_line
from tophalf.model.net.nicring import go_to_next
from tophalf.model.ops import STRIDE
from tophalf.model.sched.fair import KERNEL_6_1
from tophalf.model.sched.sched import forced_threads, schedule
from tophalf.model.sched.tick import start_timer
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.softirq import mark_softirq, raise_softirq


@compiled
def execute_block(m, cpu, frame, op, x, y):
    """x: a job, or where to go on; y: where to go on."""
    if op >= OP_BLK_CQE:
        execute_completion(m, cpu, frame, op, x)
    elif op == OP_BLK_ROOM:
        if m[x + J_FREE] == 0:
            m[frame + F_PC] = y
    elif op == OP_BLK_WAIT:
        if m[x + J_FREE] == 0:
            m[x + J_WAITING] = 1
            sleep(m, cpu)
    elif op == OP_BLK_PACE:
        pace(m, cpu, frame, x)
    elif op == OP_BLK_SUBMIT:
        submit(m, cpu, x)
    elif op == OP_BLK_POLL:
        m[frame + F_R5] = m[m[m[x + J_DISK] + B_POLL_MAP] + m[cpu + C_NUMBER]]
    elif op == OP_BLK_SPIN and m[x + J_FREE] == 0 and not m[cpu + C_NEED_RESCHED]:
        m[frame + F_PC] = y


@compiled
def execute_completion(m, cpu, frame, op, x):
    """Instructions of who looks for completions and finishes requests; x: where to go on."""
    if op == OP_BLK_CQE:
        next_cqe(m, frame, x)
    elif op == OP_BLK_HANDLE:
        handle_cqe(m, cpu, frame, m[frame + F_R1])
        m[frame + F_PC] = x
    elif op == OP_BLK_DOORBELL:
        ring_cq_doorbell(m, m[frame + F_R5])
        if m[frame + F_R2] == 0:
            m[frame + F_PC] = x
    elif op == OP_BLK_BATCH:
        next_of_batch(m, frame, x)
    elif op == OP_BLK_END:
        end_request(m, cpu, m[frame + F_R1])
        m[frame + F_PC] = x
    elif op == OP_BLK_TAKE_DONE:
        m[frame + F_R3] = m[m[cpu + C_BLOCK] + BC_DONE]
        m[m[cpu + C_BLOCK] + BC_DONE] = 0
    elif op == OP_BLK_RAISE:
        mark_softirq(m, cpu, vocab.BLOCK)


# Jobs


@compiled
def sleep(m, cpu):
    m[m[cpu + C_CURRENT] + K_STATE] = SLEEPING
    schedule(m, cpu, 0)


@compiled
def pace(m, cpu, frame, job):
    """Sleep until the next request is due; one that is late is submitted now."""
    next_ns = m[m[job + J_SOURCE] + Q_NEXT]
    if next_ns <= m[G_NOW]:
        go_to_next(m, m[job + J_SOURCE])
        return
    task = m[cpu + C_CURRENT]
    m[frame + F_PC] -= STRIDE
    start_timer(m, task + K_TIMER, m[task + K_CPU], next_ns)
    sleep(m, cpu)


@compiled
def submit(m, cpu, job):
    """blk_mq_submit_bio, as far as a device notices: the hardware queue is that of the CPU."""
    request, disk = m[job + J_FREE], m[job + J_DISK]
    m[job + J_FREE] = m[request + R_NEXT]
    map_ = m[disk + B_POLL_MAP] if m[job + J_POLLS] else m[disk + B_MAP]
    m[request + R_HCTX] = m[map_ + m[cpu + C_NUMBER]]
    m[request + R_CPU] = cpu
    m[request + R_START] = m[G_NOW]
    m[disk + B_SUBMITTED] += 1
    if m[disk + B_FREE]:
        m[disk + B_FREE] -= 1
        arm(m, request, m[G_NOW] + cost(m, m[disk + B_SERVICE]))
    else:
        append(m, disk + B_WAITING, disk + B_WAITING_TAIL, request, R_NEXT)


# The device


@compiled
def disk_completes(m, request):
    """A channel is done with a request, takes the next one, and the device tells of it."""
    hctx = m[request + R_HCTX]
    disk = m[hctx + HC_DISK]
    waiting = m[disk + B_WAITING]
    if waiting:
        m[disk + B_WAITING] = m[waiting + R_NEXT]
        arm(m, waiting, m[G_NOW] + cost(m, m[disk + B_SERVICE]))
    else:
        m[disk + B_FREE] += 1
    append(m, hctx + HC_DONE, hctx + HC_DONE_TAIL, request, R_NEXT)
    if m[hctx + HC_DESC] and not m[hctx + HC_SENT]:
        m[hctx + HC_SENT] = 1
        raise_line(m, m[hctx + HC_DESC])


@compiled
def ring_cq_doorbell(m, hctx):
    """The driver has seen all; what came since, the device tells anew."""
    m[hctx + HC_SENT] = 0
    if m[hctx + HC_DONE] and m[hctx + HC_DESC]:
        m[hctx + HC_SENT] = 1
        raise_line(m, m[hctx + HC_DESC])


# Completion


@compiled
def next_cqe(m, frame, none):
    """nvme_poll_cq: the next entry of the completion queue into R1; `none` where there is none."""
    hctx = m[frame + F_R5]
    request = m[hctx + HC_DONE]
    if request == 0:
        m[frame + F_PC] = none
        return
    m[hctx + HC_DONE] = m[request + R_NEXT]
    m[frame + F_R1] = request
    m[frame + F_R2] += 1
    m[frame + F_LEFT] = cost(m, m[m[hctx + HC_DISK] + B_CQE_COST])


@compiled
def handle_cqe(m, cpu, frame, request):
    """nvme_handle_cqe: leave the request to another CPU or to a softirq, else finish it here with the others."""
    if not complete_request_remote(m, cpu, request):
        m[m[m[request + R_HCTX] + HC_DISK] + B_IN_PLACE] += 1
        append(m, frame + F_R3, frame + F_R4, request, R_NEXT)


@compiled
def complete_request_remote(m, cpu, request):
    """blk_mq_complete_request_remote. Returns whether somebody else will finish it."""
    hctx, submitter = m[request + R_HCTX], m[request + R_CPU]
    disk = m[hctx + HC_DISK]
    alone = m[hctx + HC_NR_CTX] == 1 and (submitter == cpu or m[G_KERNEL] <= KERNEL_6_1)
    if alone or m[hctx + HC_DESC] == 0:  # REQ_POLLED
        return False
    if complete_need_ipi(m, cpu, disk, submitter):
        m[disk + B_BY_IPI] += 1
        if add_done(m, submitter, request):
            call_on(m, submitter, m[m[submitter + C_BLOCK] + BC_CSD])
        return True
    if m[disk + B_HW_QUEUES] == 1:
        m[disk + B_BY_SOFTIRQ] += 1
        if add_done(m, cpu, request):
            raise_softirq(m, cpu, vocab.BLOCK)
        return True
    return False


@compiled
def complete_need_ipi(m, cpu, disk, submitter):
    """rq_affinity: 0 never, 1 on a CPU that shares the submitter's cache, 2 on the submitter's itself."""
    if m[disk + B_RQ_AFFINITY] == 0 or forced_threads(m) or cpu == submitter:
        return False
    if m[disk + B_RQ_AFFINITY] == 1 and m[m[cpu + C_BLOCK] + BC_CACHE] == m[m[submitter + C_BLOCK] + BC_CACHE]:
        return False
    return m[submitter + C_ONLINE] != 0


@compiled
def add_done(m, cpu, request):
    """llist_add to blk_cpu_done. Returns whether it was empty."""
    block = m[cpu + C_BLOCK]
    first = m[block + BC_DONE] == 0
    append(m, block + BC_DONE, block + BC_DONE_TAIL, request, R_NEXT)
    return first


@compiled
def next_of_batch(m, frame, none):
    """The next request to finish into R1; `none` where there is none."""
    request = m[frame + F_R3]
    if request == 0:
        m[frame + F_PC] = none
        return
    m[frame + F_R3] = m[request + R_NEXT]
    m[frame + F_R1] = request
    m[frame + F_LEFT] = cost(m, m[m[m[request + R_HCTX] + HC_DISK] + B_COMPLETE_COST])


@compiled
def end_request(m, cpu, request):
    """The request is finished: its job can submit another, and wakes if it waits for that."""
    disk, job = m[m[request + R_HCTX] + HC_DISK], m[request + R_JOB]
    latency_ns = m[G_NOW] - m[request + R_START]
    shift = shift_of(latency_ns)
    m[m[disk + B_HISTOGRAM] + (shift << CELL_BITS) + min(latency_ns >> shift, (2 << CELL_BITS) - 1)] += 1
    m[disk + B_LATENCY_SUM] += latency_ns
    m[disk + B_LATENCY_MAX] = max(m[disk + B_LATENCY_MAX], latency_ns)
    m[disk + B_COMPLETED] += 1
    m[request + R_NEXT] = m[job + J_FREE]
    m[job + J_FREE] = request
    if m[job + J_WAITING]:
        m[job + J_WAITING] = 0
        wake(m, cpu, m[job + J_TASK])


@compiled
def blk_softirq_cpu_dead(m, cpu, dead):
    """Requests that an offline CPU was to finish are finished here, by who takes it down."""
    block = m[dead + C_BLOCK]
    while block and m[block + BC_DONE]:
        request = m[block + BC_DONE]
        m[block + BC_DONE] = m[request + R_NEXT]
        end_request(m, cpu, request)
