"""Disks of a world that is being built, and the tasks that read from them.

block/blk-mq-pci.c blk_mq_pci_map_queues, block/blk-mq-cpumap.c blk_mq_map_queues: which CPU submits to which hardware queue.
"""

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.block import blockfields as b
from tophalf.model.block import blockops
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.builddevices import add_call
from tophalf.model.softirq import vectorops


class Disk:
    """name, driver; address of the disk in the world's memory; queues: [CPUs that submit to it]; hctxs: addresses of the queues."""

    def __init__(self, name, driver, address):
        self.name, self.driver, self.address, self.queues, self.hctxs, self.requests = name, driver, address, [], [], 0


def begin_block(builder):
    """Each CPU's list of finished requests, the softirq that empties it and the call that raises it."""
    m = builder.memory
    if m[builder.cpus[0] + f.C_BLOCK]:
        return
    for vector, routine in ((vocab.BLOCK, _done_softirq()), (vocab.IRQ_POLL, _irq_poll_softirq())):
        m[m[f.G_ACTIONS] + vector] = builder.program(routine)["start"]
    raises = Assembler()
    raises.label("start")
    raises(blockops.OP_BLK_RAISE)
    raises(ops.OP_RET)
    program = builder.program(raises)["start"]
    node_of = {cpu: node for node, cpus in builder.about.get("nodes", {}).items() for cpu in cpus}
    for number, cpu in enumerate(builder.cpus):
        block = m[cpu + f.C_BLOCK] = m.take(b.BLOCK_CPU_SIZE)
        m[block + b.BC_CSD], m[block + b.BC_CACHE] = add_call(builder, program), node_of.get(number, 0)


def _done_softirq():
    """blk_done_softirq."""
    code = Assembler()
    code.label("start")
    code(blockops.OP_BLK_TAKE_DONE)
    _finish(code)
    code(ops.OP_RET)
    return code


def _finish(code, name="next"):
    code.label(name)
    code(blockops.OP_BLK_BATCH, f"{name} is none")
    code(blockops.OP_BLK_END, name)
    code.label(f"{name} is none")


def _irq_poll_softirq():
    """lib/irq_poll.c irq_poll_softirq."""
    code = Assembler()
    code.label("start")
    code(vectorops.OP_IRQ_POLL_BEGIN)
    code.label("next")
    code(vectorops.OP_IRQ_POLL_NEXT, "end")
    code(vectorops.OP_IRQ_POLL_DONE, "next")
    code.label("end")
    code(ops.OP_RET)
    return code


def add_irq_poll(builder, poll, weight):
    """An irq_poll. poll: a program that answers how many it took. Returns its address."""
    m = builder.memory
    iop = m.take(b.IOP_SIZE)
    m[iop + b.IOP_POLL], m[iop + b.IOP_WEIGHT] = poll, weight
    return iop


def polled_irq_handler(builder, hctx, weight, handler_cost=0):
    """The program of a queue's interrupt that leaves completions to irq_poll. The device sends nothing until the poll is over."""
    code, iop = Assembler(), add_irq_poll(builder, 0, weight)
    code.label("poll")
    code(ops.OP_SET, f.F_R5, hctx)
    code(ops.OP_SET, f.F_R0, weight)
    code.label("cqe")
    code(blockops.OP_BLK_CQE, "empty")
    code(blockops.OP_BLK_HANDLE, "count")
    code.label("count")
    code(ops.OP_ADD, f.F_R0, -1)
    code(ops.OP_JUMP_POSITIVE, f.F_R0, "cqe")
    _finish(code, "all")
    code(ops.OP_RET_REG, f.F_R2)
    code.label("empty")
    code(vectorops.OP_IRQ_POLL_COMPLETE, iop)
    code(blockops.OP_BLK_DOORBELL, "rung")
    code.label("rung")
    _finish(code, "rest")
    code(ops.OP_RET_REG, f.F_R2)
    code.label("handler")
    if handler_cost:
        code(ops.OP_SPEND, handler_cost)
    code(vectorops.OP_IRQ_POLL_SCHED, iop)
    code(ops.OP_RET, f.IRQ_HANDLED)
    found = builder.program(code)
    builder.memory[iop + b.IOP_POLL] = found["poll"]
    return found["handler"]


def add_disk(builder, name, service, channels=1, rq_affinity=1, cqe_cost=0, complete_cost=0, driver="nvme"):
    """A disk without queues yet. service: what a request takes in the device, and *_cost: addresses of costs, 0: nothing."""
    begin_block(builder)
    m = builder.memory
    disk = m.take(b.DISK_SIZE)
    m[disk + b.B_NAME], m[disk + b.B_FREE], m[disk + b.B_RQ_AFFINITY] = m.name(name), channels, rq_affinity
    m[disk + b.B_SERVICE], m[disk + b.B_HISTOGRAM] = service, m.take(f.HISTOGRAM_SIZE)
    nothing = m.cost_room(1)
    m[disk + b.B_CQE_COST], m[disk + b.B_COMPLETE_COST] = cqe_cost or nothing, complete_cost or nothing
    m[disk + b.B_MAP], m[disk + b.B_POLL_MAP] = m.take(len(builder.cpus)), m.take(len(builder.cpus))
    builder.disks.append(Disk(name, driver, disk))
    return builder.disks[-1]


def add_queue(builder, disk, cpus, desc=0):
    """A hardware queue for the CPUs of these numbers. desc: its line; 0: it is polled. Returns its address."""
    m = builder.memory
    hctx = m.take(b.HCTX_SIZE)
    m[hctx + b.HC_DISK], m[hctx + b.HC_DESC], m[hctx + b.HC_NR_CTX] = disk.address, desc, len(cpus)
    for cpu in cpus:
        m[m[disk.address + (b.B_MAP if desc else b.B_POLL_MAP)] + cpu] = hctx
    m[disk.address + b.B_HW_QUEUES] += 1
    disk.queues.append(tuple(cpus))
    disk.hctxs.append(hctx)
    return hctx


def irq_handler(builder, hctx, handler_cost=0):
    """The program of a queue's interrupt (nvme_irq). handler_cost: a cost's address; 0: nothing."""
    code = Assembler()
    code.label("start")
    if handler_cost:
        code(ops.OP_SPEND, handler_cost)
    code(ops.OP_SET, f.F_R5, hctx)
    _look(code, "none")
    code(ops.OP_RET, f.IRQ_HANDLED)
    code.label("none")
    code(ops.OP_RET, f.IRQ_NONE)
    return builder.program(code)["start"]


def _look(code, none):
    """nvme_poll_cq, nvme_pci_complete_batch; goes on at `none` where nothing was there."""
    code.label("cqe")
    code(blockops.OP_BLK_CQE, "empty")
    code(blockops.OP_BLK_HANDLE, "cqe")
    code.label("empty")
    code(blockops.OP_BLK_DOORBELL, none)
    _finish(code)


def add_job(builder, disk, name, cpu, depth, submit=0, think=0, arrivals=None, poll=0, **task):
    """A task on CPU number `cpu` that keeps up to `depth` requests in flight.

    submit, think, poll: addresses of costs, 0 for none: a submission, what it does besides for each request, a look at a polled
    queue (then it polls instead of sleeping). arrivals: when it submits, as Builder.set_arrivals takes it; None: as soon as it can.
    Returns (job, task).
    """
    m = builder.memory
    job = m.take(b.JOB_SIZE)
    m[job + b.J_DISK], m[job + b.J_POLLS] = disk.address, int(poll != 0)
    for _ in range(depth):
        request = m.take(b.REQUEST_SIZE)
        builder.timer(request, f.ON_DISK, request)
        m[request + b.R_JOB], m[request + b.R_NEXT] = job, m[job + b.J_FREE]
        m[job + b.J_FREE] = request
    disk.requests += depth
    if arrivals:
        source = m[job + b.J_SOURCE] = m.take(f.QUEUE_SIZE)
        builder.set_arrivals(source, builder.numbered(f"job {name}"), *arrivals)
    program = builder.program(_job_program(job, submit, think, poll, bool(arrivals)))["start"]
    m[job + b.J_TASK] = builder.task(name, cpu, program, **task)
    return job, m[job + b.J_TASK]


def _job_program(job, submit, think, poll, paced):
    code = Assembler()
    code.label("start")
    if paced:
        code(blockops.OP_BLK_PACE, job)
    if think:
        code(ops.OP_SPEND, think)
    code.label("room")
    code(blockops.OP_BLK_ROOM, job, "full")
    code(ops.OP_SYSCALL, "submit")
    code(ops.OP_JUMP, "start")
    code.label("full")
    code(ops.OP_SYSCALL, "wait")
    code(ops.OP_JUMP, "room")
    code.label("submit")
    if submit:
        code(ops.OP_SPEND, submit)
    code(blockops.OP_BLK_SUBMIT, job)
    code(ops.OP_RET)
    code.label("wait")
    if poll:
        _poll(code, job, poll)
    else:
        code(blockops.OP_BLK_WAIT, job)
    code(ops.OP_RET)
    return code


def _poll(code, job, poll):
    """blk_hctx_poll: look until something has completed, or another wants the CPU."""
    code(blockops.OP_BLK_POLL, job)
    code.label("again")
    code(ops.OP_SPEND, poll)
    _look(code, "nothing")
    code(ops.OP_RET)
    code.label("nothing")
    code(blockops.OP_BLK_SPIN, job, "again")
