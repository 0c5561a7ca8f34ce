"""The engine: takes events in order of time, and lets each CPU go on until something takes time.

One step of a CPU is one instruction of the program in its topmost frame. Interrupts are looked for before each, if they are on.
"""

from tophalf.model.block.block import disk_completes, execute_block
from tophalf.model.block.blockops import BLOCK_END
from tophalf.model.check.crash import stands_still
from tophalf.model.check.watchdog import begin_watch, watch_looks
from tophalf.model.code.codes import execute_code
from tophalf.model.code.hardware import hardware_begins, hardware_fires
from tophalf.model.cpu.ipi import ipis_arrive
from tophalf.model.cpu.smpcall import call_functions
from tophalf.model.fields import (
    C_FRAME,
    C_IRQS_OFF,
    C_IRR_COUNT,
    C_NEED_RESCHED,
    C_PARKED,
    C_TIMER,
    CPU_SIZE,
    F_LEFT,
    F_PC,
    F_R0,
    G_ACTOR,
    G_CPU_COUNT,
    G_CPUS,
    G_ERROR,
    G_LIMIT,
    G_NOHZ,
    G_NOW,
    G_READY,
    G_READY_NEXT,
    G_STILL_NS,
    G_STILL_STEPS,
    G_TRACE_MAX,
    G_TRACE_ROWS,
    H_ARG,
    K_CPU,
    K_PID,
    K_STATE,
    ON_ACTOR,
    ON_ARRIVAL,
    ON_CPU,
    ON_DEVICE,
    ON_DISK,
    ON_HRTIMER,
    ON_IPI,
    ON_NMI,
    ON_OPERATION,
    ON_QUEUE,
    ON_TICK,
    ON_TX,
    ON_WATCH,
    RESCHED,
    RUNNING,
    T_KIND,
    T_OWNER,
    T_TIME,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled, entry, inlined
from tophalf.model.ground.queue import arm, next_time
from tophalf.model.ground.queue import pop as pop_timer
from tophalf.model.irq.device import device_fires, device_listens, execute_device
from tophalf.model.irq.hardirq import deliver, execute_hardirq
from tophalf.model.irq.irqthread import execute_irq_thread
from tophalf.model.irq.manage import execute_manage
from tophalf.model.irq.nmi import begin_nmi, leave_nmi, nmi_arrives
from tophalf.model.net.driver import execute_driver
from tophalf.model.net.napi import execute_napi
from tophalf.model.net.netstack import execute_stack
from tophalf.model.net.nic import execute_nic, queue_looks, watch
from tophalf.model.net.nicring import arrive
from tophalf.model.net.stackops import STACK_END
from tophalf.model.net.txring import advance as advance_tx
from tophalf.model.net.txring import tx_looks, tx_watch
from tophalf.model.ops import (
    BLOCK_FROM,
    CODE_FROM,
    CONTROL_END,
    DRIVER_FROM,
    HARDIRQ_END,
    MANAGE_FROM,
    NETWORK_END,
    OP_ADD,
    OP_CALL,
    OP_CALL_FUNCTIONS,
    OP_DEVICE_ACK,
    OP_IRQ_THREAD,
    OP_IRQ_THREAD_DONE,
    OP_JUMP,
    OP_JUMP_POSITIVE,
    OP_JUMP_ZERO,
    OP_LOCAL_TIMER,
    OP_QUEUE_DONE,
    OP_RET,
    OP_RET_REG,
    OP_RX,
    OP_RX_DRAIN,
    OP_RX_STAGE,
    OP_RX_STAGED,
    OP_SET,
    OP_SPEND,
    OP_SPEND_NS,
    OP_SPEND_REG,
    OP_TASKLETS_BEGIN,
    OP_TIMERS,
    OPS_END,
    SOFTIRQ_END,
    STACK_FROM,
    TASKS_END,
    VECTOR_FROM,
    WORK_FROM,
)
from tophalf.model.sched.contexts import NO_INSTRUCTION, call, charge, disturb, fail, pop
from tophalf.model.sched.sched import may_preempt, preempt
from tophalf.model.sched.tasks import execute_task
from tophalf.model.sched.tick import start_tick, start_timer, tick_arrives, timer_arrives
from tophalf.model.sched.wakeup import start_task
from tophalf.model.softirq.irqpoll import execute_irq_poll
from tophalf.model.softirq.rcu import execute_background
from tophalf.model.softirq.softirq import execute_softirq
from tophalf.model.softirq.tasklet import execute_tasklet
from tophalf.model.softirq.vectorops import IRQ_POLL_END, OP_NMI_END, VECTOR_END
from tophalf.model.timer.localtimer import local_timer, run_timers
from tophalf.model.timer.timerops import TIMER_END
from tophalf.model.timer.timers import begin_timer, execute_timer
from tophalf.model.work.workexecute import execute_work, start_source

STILL_STEPS_MAX = 1 << 22  # far more than any machine needs between two moments: a level line that nobody quiets at no cost
LOOK_MASK = 15  # a CPU looks each 16 steps whether it must stop though no time passes; see trace.MARGIN
(
    BEGIN_TASK, BEGIN_QUEUE, BEGIN_DEVICE, BEGIN_CPU, SETTLE_QUEUE, BEGIN_ACTOR, BEGIN_WORK, BEGIN_TX, SETTLE_TX, BEGIN_TIMER,
    BEGIN_NMI, BEGIN_HARDWARE, BEGIN_WATCH,
) = range(13)  # fmt: skip


@entry
def run(m, until_ns):
    """Go on until until_ns, or until an actor's turn (G_ACTOR), a full trace or an error. Afterwards G_NOW says how far.

    Where G_READY is not 0 afterwards, it was cut in the middle of a moment: nobody may act before it has been called again.
    """
    m[G_LIMIT] = m[G_NOW] if m[G_ACTOR] else until_ns
    while m[G_READY] or next_time(m) < m[G_LIMIT]:
        if m[G_READY]:
            if is_cut(m):
                return
            cpu = m[G_READY]
            m[G_READY] = m[G_READY_NEXT]
            m[G_READY_NEXT] = 0
            advance(m, cpu)
            continue
        timer = pop_timer(m)
        m[G_NOW] = m[timer + T_TIME]
        fire(m, timer, m[timer + T_KIND], m[timer + T_OWNER])
    if m[G_ERROR] == 0 and (m[G_ACTOR] or m[G_LIMIT] == until_ns):
        if m[G_ACTOR] == 0:
            m[G_NOW] = until_ns
        charge_all(m)  # also an actor sees the time of every CPU accounted for


@compiled
def charge_all(m):
    cpu = m[G_CPUS]
    for _ in range(m[G_CPU_COUNT]):
        charge(m, cpu)
        cpu += CPU_SIZE


@inlined
def fire(m, timer, kind, owner):
    """What a timer is there for."""
    if kind == ON_CPU:
        goes_on(m, owner)
    elif kind == ON_QUEUE:
        queue_looks(m, owner)
    elif kind == ON_TICK:
        tick_arrives(m, owner)
    elif kind == ON_HRTIMER:
        timer_arrives(m, owner)
    elif kind == ON_DEVICE:
        device_fires(m, owner)
    elif kind == ON_IPI:
        ipis_arrive(m, owner, timer)
    elif kind == ON_TX:
        tx_looks(m, owner)
    elif kind == ON_DISK:
        disk_completes(m, owner)
    elif kind == ON_NMI:
        nmi_arrives(m, owner)
    elif kind == ON_ARRIVAL or kind == ON_OPERATION:
        hardware_fires(m, kind, owner)
    elif kind == ON_WATCH:
        watch_looks(m, owner, timer)
    elif kind == ON_ACTOR:
        m[G_ACTOR] = owner
        m[G_LIMIT] = m[G_NOW]


@inlined
def goes_on(m, cpu):
    """A parked CPU is done with what took time, or was disturbed."""
    if m[cpu + C_PARKED]:
        charge(m, cpu)
        m[cpu + C_PARKED] = 0
        m[m[cpu + C_FRAME] + F_LEFT] = 0
    advance(m, cpu)


@inlined
def advance(m, cpu):
    """Step by step, until time must pass that something else may come in."""
    steps = 0
    while True:
        steps += 1
        if steps & LOOK_MASK == 0 and must_stop(m, cpu, steps):
            return
        if m[cpu + C_IRR_COUNT] and m[cpu + C_IRQS_OFF] == 0:
            deliver(m, cpu)
        frame = m[cpu + C_FRAME]
        if m[cpu + C_NEED_RESCHED] == RESCHED and may_preempt(m, cpu, frame):
            preempt(m, cpu, frame)
            continue
        if m[frame + F_LEFT]:
            if not pass_time(m, cpu, frame):
                return
            steps = 0
        if step(m, cpu, frame):
            return


@compiled
def is_cut(m):
    """Whether the run must stop at once: after an error, or with a full trace."""
    return m[G_ERROR] != 0 or (m[G_TRACE_MAX] != 0 and m[G_TRACE_ROWS] >= m[G_TRACE_MAX])


@compiled
def must_stop(m, cpu, steps):
    """A CPU has made some steps, and no time has passed: whether it goes on in the next slice, or never."""
    if steps > STILL_STEPS_MAX:
        stands_still(m, cpu)
    if not is_cut(m):
        return False
    m[G_READY_NEXT] = m[G_READY]
    m[G_READY] = cpu
    if m[G_STILL_NS] != m[G_NOW]:
        m[G_STILL_NS] = m[G_NOW]
        m[G_STILL_STEPS] = 0
    m[G_STILL_STEPS] += steps
    if m[G_STILL_STEPS] > STILL_STEPS_MAX:
        stands_still(m, cpu)
    return True


@inlined
def pass_time(m, cpu, frame):
    """Let a context's time pass: at once when nothing comes before its end, else the CPU is parked (and False returned)."""
    end_ns = m[G_NOW] + m[frame + F_LEFT]
    if end_ns >= m[G_LIMIT] or next_time(m) <= end_ns or m[G_READY]:
        arm(m, cpu + C_TIMER, end_ns)
        m[cpu + C_PARKED] = 1
        return False
    m[frame + F_LEFT] = 0
    m[G_NOW] = end_ns
    charge(m, cpu)
    return True


@inlined
def step(m, cpu, frame):
    """One instruction. Returns whether the CPU halts."""
    pc = m[frame + F_PC]
    op, x, y = m[pc], m[pc + 1], m[pc + 2]
    m[frame + F_PC] = pc + 4
    if op < CONTROL_END:
        control(m, cpu, frame, op, x, y)
    elif op < TASKS_END:
        return execute_task(m, cpu, frame, op, x, y)
    elif op < HARDIRQ_END:
        if op == OP_LOCAL_TIMER:
            local_timer(m, cpu, frame)
        elif op == OP_IRQ_THREAD or op == OP_IRQ_THREAD_DONE:
            execute_irq_thread(m, cpu, frame, op)
        elif op >= OP_DEVICE_ACK:
            execute_device(m, cpu, frame, op, x)
        else:
            execute_hardirq(m, cpu, frame, op, x)
    elif op < SOFTIRQ_END:
        if op == OP_TIMERS:
            run_timers(m, cpu, frame, x, y)
        elif op >= OP_TASKLETS_BEGIN:
            execute_tasklet(m, cpu, frame, op, x, y)
        else:
            execute_softirq(m, cpu, frame, op, x)
    elif op < NETWORK_END:
        if op == OP_RX or op == OP_RX_DRAIN or op == OP_RX_STAGE or op == OP_RX_STAGED or op == OP_QUEUE_DONE:
            execute_nic(m, cpu, frame, op, x, y)
        elif op == OP_CALL_FUNCTIONS:
            call_functions(m, cpu, frame)
        else:
            execute_napi(m, cpu, frame, op, x)
    elif CODE_FROM <= op < OPS_END:
        execute_code(m, cpu, frame, op, x, y, m[pc + 3])
    elif WORK_FROM <= op < STACK_FROM:
        execute_work(m, cpu, frame, op, x, y, m[pc + 3])
    elif STACK_FROM <= op < STACK_END:
        execute_stack(m, cpu, frame, op, x, y)
    elif DRIVER_FROM <= op < BLOCK_FROM:
        execute_driver(m, cpu, frame, op, x, y)
    elif BLOCK_FROM <= op < BLOCK_END:
        execute_block(m, cpu, frame, op, x, y)
    elif BLOCK_END <= op < TIMER_END:
        execute_timer(m, cpu, frame, op, x, y)
    elif MANAGE_FROM <= op < VECTOR_FROM:
        execute_manage(m, cpu, frame, op, x, y)
    elif VECTOR_FROM <= op < IRQ_POLL_END:
        execute_irq_poll(m, cpu, frame, op, x)
    elif IRQ_POLL_END <= op < VECTOR_END:
        execute_background(m, cpu, frame, op, x)
    elif op == OP_NMI_END:
        leave_nmi(m, cpu, frame)
    else:
        fail(m, cpu, NO_INSTRUCTION)
        return True
    return False


@inlined
def control(m, cpu, frame, op, x, y):
    """Instructions that every program has. Registers are named by their field, F_R0 and on."""
    if op == OP_SPEND:
        m[frame + F_LEFT] = cost(m, x)
    elif op == OP_SPEND_NS:
        m[frame + F_LEFT] = x
    elif op == OP_SPEND_REG:
        m[frame + F_LEFT] = m[frame + x]
    elif op == OP_JUMP:
        m[frame + F_PC] = x
    elif op == OP_RET:
        m[pop(m, cpu) + F_R0] = x
    elif op == OP_RET_REG:
        value = m[frame + x]
        m[pop(m, cpu) + F_R0] = value
    elif op == OP_CALL:
        call(m, cpu, x, y)
    elif op == OP_SET:
        m[frame + x] = y
    elif op == OP_ADD:
        m[frame + x] += y
    elif op == OP_JUMP_ZERO:
        if m[frame + x] == 0:
            m[frame + F_PC] = y
    elif op == OP_JUMP_POSITIVE and m[frame + x] > 0:
        m[frame + F_PC] = y


@entry
def begin(m, what, address):
    """Before the run: let a CPU tick that never stops it, let a task be runnable, a queue listen, an actor have its turn.

    After it: let a queue know what arrived that nobody has looked at.
    """
    if what == BEGIN_ACTOR:
        if m[address + T_KIND] == ON_HRTIMER:  # a daemon's, which wakes its task
            start_timer(m, address, m[m[address + H_ARG] + K_CPU], m[address + T_TIME])
        else:
            arm(m, address, m[address + T_TIME])
    elif what == BEGIN_QUEUE:
        watch(m, address)
    elif what == SETTLE_QUEUE:
        arrive(m, address, m[G_NOW])
    elif what == BEGIN_TX:
        tx_watch(m, address)
    elif what == SETTLE_TX:
        advance_tx(m, address, m[G_NOW])
    elif what == BEGIN_DEVICE:
        device_listens(m, address)
    elif what == BEGIN_HARDWARE:
        hardware_begins(m, address)
    elif what == BEGIN_NMI:
        begin_nmi(m, address)
    elif what == BEGIN_WATCH:
        begin_watch(m, address)
    elif what == BEGIN_TIMER:
        begin_timer(m, address)
    elif what == BEGIN_WORK:
        start_source(m, address)
    elif what == BEGIN_CPU:
        if m[G_NOHZ] == 0:
            start_tick(m, address)
    elif what == BEGIN_TASK and m[address + K_PID] and m[address + K_STATE] == RUNNING:
        start_task(m, m[address + K_CPU], address)
        disturb(m, m[address + K_CPU])
