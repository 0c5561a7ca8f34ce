"""CPUs that go offline and come online, step by step, each by the task that does it.

kernel/cpu.c _cpu_down, takedown_cpu, take_cpu_down, _cpu_up, cpuhp_thread_fun, cpuhp_report_idle_dead; kernel/smpboot.c;
kernel/sched/core.c sched_cpu_deactivate, sched_cpu_wait_empty, sched_cpu_activate; arch/x86/kernel/smpboot.c. Who wrote to
/sys/devices/system/cpu/cpuN/online (`writer`) asks cpuhp/N, stops all CPUs (`stopmachine`), and looks after what is left; programs:
`hotplugcode`. Left out: the worker that takes a CPU down for the writer (work_on_cpu), waiting for RCU, draining
block queues, the time that a CPU takes to boot, callbacks of drivers, CPU 0, which x86 does not let go.
"""

from tophalf.model.block.block import blk_softirq_cpu_dead
from tophalf.model.cpu.cpuoffline import (
    dev_cpu_dead,
    forget_interrupts,
    hrtimers_cpu_dying,
    irq_affinity_online_cpu,
    irq_migrate_all_off_this_cpu,
    lapic_can_unplug_cpu,
    retrigger_and_leave,
    takeover_tasklets,
    timers_dead_cpu,
)
from tophalf.model.cpu.park import kthread_parkme, kthread_should_park, kthread_unpark
from tophalf.model.cpu.smpcall import call_on
from tophalf.model.cpu.stopmachine import ack_state, complete, multi_cpu_stop, stop_is_over, stop_machine, stopper_thread
from tophalf.model.fields import (
    BLOCKED,
    C_CURRENT,
    C_IDLE,
    C_IRQS_OFF,
    C_KSOFTIRQD,
    C_MANAGE,
    C_NEED_RESCHED,
    C_ONLINE,
    C_RESCHED_BY_IRQ,
    C_TIMER,
    F_PC,
    G_CPUS,
    G_MANAGE,
    G_NOHZ,
    G_NOW,
    IDLE,
    IN_TASK,
    K_STATE,
    PARKED,
    SLEEPING,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ground.kmsg import LOG_CPU_OFFLINE, LOG_CPU_ONLINE, log
from tophalf.model.ground.lists import append
from tophalf.model.ground.queue import arm
from tophalf.model.irq.managefields import (
    COMES_ONLINE,
    CPU_ACTIVE,
    CPU_DYING,
    CPU_OFFLINE,
    CPU_STARTING,
    EACCES,
    EBUSY,
    EOPNOTSUPP,
    GOES_OFFLINE,
    HP_CPU,
    HP_CSD,
    HP_DONE,
    HP_ERROR,
    HP_FIRST,
    HP_LAST,
    HP_ORDER,
    HP_START,
    HP_WRITER,
    M_HOTPLUG,
    M_ONLINE,
    NO_ORDER,
    P_CPU,
    P_CPUHP,
    P_ONLINE,
    P_ORDER,
    P_ORDER_NEXT,
    P_PARK,
    P_STOPPER,
    P_WAITS_EMPTY,
    PARK_CPUHP,
    PARK_KSOFTIRQD,
    PARK_STOPPER,
    RUN_CPUHP,
)
from tophalf.model.irq.masks import first_of, mask_clear, mask_set
from tophalf.model.net.deadbacklog import has_packets, take_over_packet, tell_for
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import push
from tophalf.model.sched.sched import is_empty, schedule
from tophalf.model.sched.tick import start_tick
from tophalf.model.sched.wakeup import wake
from tophalf.model.softirq.irqpoll import irq_poll_cpu_dead
from tophalf.model.softirq.rcu import rcutree_migrate_callbacks
from tophalf.model.work.workhotplug import workqueue_cpu

# Steps of the writer
(
    W_ORDER, W_KICK, W_AWAIT, W_PARK, W_STOP, W_FAILED, W_TIMERS, W_NET, W_TELL, W_PACKET, W_BLOCK, W_IRQ_POLL, W_SOFTIRQ,
    W_BRING_UP, W_UNPARK, W_END,
) = range(16)  # fmt: skip
# of cpuhp/N
A_ORDER, A_DEACTIVATE, A_UNBIND, A_PARK, A_EMPTY, A_UNPARK, A_LINES, A_REBIND, A_ACTIVATE, A_END = range(16, 26)
# of migration/N, of idle
S_WORK, S_MULTI, S_DISABLE, S_RETRIGGER, S_DYING, S_ACK, S_END, I_DEAD, I_START = range(26, 35)


@compiled
def order_hotplug(m, cpu, order, target):
    """Take a CPU down, or bring it up, after what was ordered before. Returns 0 or -errno.

    -EACCES: CPU 0, which has no file to write to; -EBUSY: there is an order for this CPU already (the kernel lets the writer wait).
    """
    hotplug, block = m[m[G_MANAGE] + M_HOTPLUG], m[target + C_MANAGE]
    if hotplug == 0:
        return -EOPNOTSUPP
    if target == m[G_CPUS]:
        return -EACCES
    if m[block + P_ORDER] != NO_ORDER:
        return -EBUSY
    m[block + P_ORDER] = order
    append(m, hotplug + HP_FIRST, hotplug + HP_LAST, block, P_ORDER_NEXT)
    wake(m, cpu, m[hotplug + HP_WRITER])
    return 0


@compiled
def take_order(m, hotplug):
    """The next order that asks for something that is not so yet."""
    while m[hotplug + HP_FIRST] and m[hotplug + HP_ORDER] == NO_ORDER:
        block = m[hotplug + HP_FIRST]
        m[hotplug + HP_FIRST] = m[block + P_ORDER_NEXT]
        cpu, order = m[block + P_CPU], m[block + P_ORDER]
        if (m[cpu + C_ONLINE] != CPU_OFFLINE) == (order == GOES_OFFLINE):
            m[hotplug + HP_ORDER] = order
            m[hotplug + HP_CPU] = cpu
        m[block + P_ORDER] = NO_ORDER


@compiled
def execute_hotplug(m, cpu, frame, step, where):
    """One step; where: where to go on in a case that the step names."""
    hotplug = m[m[G_MANAGE] + M_HOTPLUG]
    if step <= W_END:
        write_step(m, cpu, frame, step, where, hotplug, m[hotplug + HP_CPU])
    elif step <= A_END:
        thread_step(m, cpu, frame, step, where, hotplug)
    else:
        stop_step(m, cpu, frame, step, where, hotplug)


@compiled
def sleep_here(m, cpu, frame, state):
    """Sleep, and do the instruction again when woken."""
    m[frame + F_PC] -= STRIDE
    m[m[cpu + C_CURRENT] + K_STATE] = state
    schedule(m, cpu, 0)


# The writer


@compiled
def write_step(m, cpu, frame, step, where, hotplug, target):
    """where: to bring a CPU up (W_ORDER); to go back, as the CPU could not be taken down (W_FAILED); no packet
    is left (W_TELL)."""
    block = m[target + C_MANAGE] if target else 0
    if step == W_ORDER:
        take_order(m, hotplug)
        if m[hotplug + HP_ORDER] == NO_ORDER:
            sleep_here(m, cpu, frame, SLEEPING)
        elif m[hotplug + HP_ORDER] == COMES_ONLINE:
            m[frame + F_PC] = where
    elif step == W_KICK:
        m[block + P_PARK] |= RUN_CPUHP
        wake(m, cpu, m[block + P_CPUHP])
    elif step == W_AWAIT:
        if m[hotplug + HP_DONE]:
            m[hotplug + HP_DONE] -= 1
        else:
            sleep_here(m, cpu, frame, BLOCKED)
    elif step == W_PARK:
        m[block + P_PARK] |= PARK_CPUHP
        wake(m, cpu, m[block + P_CPUHP])
    elif step == W_STOP:
        m[hotplug + HP_ERROR] = 0
        stop_machine(m, cpu)
    elif step == W_FAILED:
        if m[hotplug + HP_ERROR]:
            m[hotplug + HP_ORDER] = COMES_ONLINE
            m[frame + F_PC] = where
    elif step == W_BRING_UP:
        push(m, target, m[hotplug + HP_START], IDLE, IN_TASK, 0)
        arm(m, target + C_TIMER, m[G_NOW])
    elif step == W_UNPARK:
        m[block + P_PARK] &= ~PARK_CPUHP
        kthread_unpark(m, cpu, m[block + P_CPUHP])
    elif step == W_END:
        m[hotplug + HP_ORDER] = NO_ORDER
    else:
        after_death(m, cpu, frame, step, where, target)


@compiled
def after_death(m, cpu, frame, step, where, dead):
    """What the CPU left behind comes here."""
    if step == W_TIMERS:
        log(m, cpu, LOG_CPU_OFFLINE, dead)
        rcutree_migrate_callbacks(m, cpu, dead)
        timers_dead_cpu(m, cpu, dead)
    elif step == W_NET:
        dev_cpu_dead(m, cpu, dead)
        blk_softirq_cpu_dead(m, cpu, dead)
    elif step == W_TELL:
        tell_for(m, dead)
        if not has_packets(m, dead):
            m[frame + F_PC] = where
    elif step == W_PACKET:
        take_over_packet(m, cpu, dead)
    elif step == W_BLOCK:
        blk_softirq_cpu_dead(m, cpu, dead)
    elif step == W_IRQ_POLL:
        irq_poll_cpu_dead(m, cpu, dead)
    elif step == W_SOFTIRQ:
        takeover_tasklets(m, cpu, dead)


# cpuhp/N


@compiled
def thread_step(m, cpu, frame, step, where, hotplug):
    """where: its steps for a CPU that comes (A_ORDER)."""
    block = m[cpu + C_MANAGE]
    if step == A_ORDER:
        await_order(m, cpu, frame, where, hotplug)
    elif step == A_DEACTIVATE:
        m[cpu + C_ONLINE] = CPU_DYING
    elif step == A_UNBIND:
        workqueue_cpu(m, cpu, False)
    elif step == A_PARK:
        park_threads(m, cpu, frame)
    elif step == A_EMPTY:
        m[block + P_WAITS_EMPTY] = 0
        if not is_empty(m, cpu):
            m[block + P_WAITS_EMPTY] = 1
            sleep_here(m, cpu, frame, BLOCKED)
    elif step == A_UNPARK:
        m[block + P_PARK] &= ~PARK_KSOFTIRQD
        kthread_unpark(m, cpu, m[cpu + C_KSOFTIRQD])
    elif step == A_LINES:
        irq_affinity_online_cpu(m, cpu)
    elif step == A_REBIND:
        workqueue_cpu(m, cpu, True)
    elif step == A_ACTIVATE:
        m[cpu + C_ONLINE] = CPU_ACTIVE
        log(m, cpu, LOG_CPU_ONLINE, cpu)
    elif step == A_END:
        complete(m, cpu)


@compiled
def await_order(m, cpu, frame, where, hotplug):
    """cpuhp_should_run; it parks where it is asked to (kernel/smpboot.c smpboot_thread_fn)."""
    block = m[cpu + C_MANAGE]
    if kthread_should_park(m, cpu, PARK_CPUHP):
        m[hotplug + HP_DONE] += 1
        kthread_parkme(m, cpu, frame, m[hotplug + HP_WRITER])
    elif not m[block + P_PARK] & RUN_CPUHP:
        sleep_here(m, cpu, frame, SLEEPING)
    else:
        m[block + P_PARK] &= ~RUN_CPUHP
        if m[hotplug + HP_ORDER] == COMES_ONLINE:
            m[frame + F_PC] = where


@compiled
def park_threads(m, cpu, frame):
    """smpboot_park_threads: ask ksoftirqd/N, and wait until it is parked."""
    block, thread = m[cpu + C_MANAGE], m[cpu + C_KSOFTIRQD]
    if not kthread_should_park(m, cpu, PARK_KSOFTIRQD):
        m[block + P_PARK] |= PARK_KSOFTIRQD
        wake(m, cpu, thread)
    if m[thread + K_STATE] != PARKED:
        sleep_here(m, cpu, frame, BLOCKED)


# migration/N, and idle


@compiled
def stop_step(m, cpu, frame, step, where, hotplug):
    """where: the part in stop_machine (S_WORK, S_ACK); the end of it (S_MULTI, S_DISABLE: the CPU stays)."""
    if step == S_WORK:
        if kthread_should_park(m, cpu, PARK_STOPPER):
            stopper_parks(m, cpu, frame, hotplug)
        else:
            stopper_thread(m, cpu, frame, where)
    elif step == S_MULTI:
        multi_cpu_stop(m, cpu, frame, m[frame + F_PC], where)
    elif step == S_DISABLE:
        if not native_cpu_disable(m, cpu, hotplug):
            m[frame + F_PC] = where
    elif step == S_RETRIGGER:
        retrigger_and_leave(m, cpu)
    elif step == S_DYING:
        hrtimers_cpu_dying(m, cpu, first_of(m, m[m[G_MANAGE] + M_ONLINE]))
    elif step == S_ACK:
        if m[cpu + C_ONLINE] == CPU_OFFLINE:
            forget_interrupts(m, cpu)
            m[m[cpu + C_MANAGE] + P_PARK] |= PARK_STOPPER
        ack_state(m)
        m[frame + F_PC] = where
    elif step == S_END:
        stop_is_over(m, cpu)
    elif step == I_DEAD:
        complete(m, cpu)
    else:
        start_secondary(m, cpu)


@compiled
def native_cpu_disable(m, cpu, hotplug):
    """The CPU is no longer online, its lines go to others. Returns False where there are too few vectors for them."""
    m[hotplug + HP_ERROR] = lapic_can_unplug_cpu(m, cpu)
    if m[hotplug + HP_ERROR]:
        return False
    m[cpu + C_ONLINE] = CPU_OFFLINE
    mask_clear(m, m[m[G_MANAGE] + M_ONLINE], cpu)
    irq_migrate_all_off_this_cpu(m, cpu)
    return True


@compiled
def stopper_parks(m, cpu, frame, hotplug):
    """Nothing but idle is left, which says so by way of another CPU and never comes back (cpuhp_report_idle_dead)."""
    kthread_parkme(m, cpu, frame, 0)
    if m[cpu + C_CURRENT] == m[cpu + C_IDLE] and m[cpu + C_ONLINE] == CPU_OFFLINE:
        m[cpu + C_IRQS_OFF] = 1
        call_on(m, first_of(m, m[m[G_MANAGE] + M_ONLINE]), hotplug + HP_CSD)


@compiled
def start_secondary(m, cpu):
    """The CPU runs, in idle: online, its stopper let go, the writer told (cpuhp_online_idle)."""
    block = m[cpu + C_MANAGE]
    forget_interrupts(m, cpu)
    m[cpu + C_NEED_RESCHED] = 0
    m[cpu + C_RESCHED_BY_IRQ] = 0
    m[cpu + C_ONLINE] = CPU_STARTING
    mask_set(m, m[m[G_MANAGE] + M_ONLINE], cpu)
    m[block + P_ONLINE] = 1
    if m[G_NOHZ] == 0:
        start_tick(m, cpu)
    m[cpu + C_IRQS_OFF] = 0
    m[block + P_PARK] &= ~PARK_STOPPER
    kthread_unpark(m, cpu, m[block + P_STOPPER])
    complete(m, cpu)
