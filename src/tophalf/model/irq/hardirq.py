"""Hardirqs: from a message at the local APIC through the flow of its line to the softirqs after it.

kernel/irq/chip.c (flows), kernel/irq/handle.c (actions), kernel/softirq.c irq_exit. Spurious detection is in `spurious`, threads
in `irqthread`, lines that move in `migration`. The frame holds: R1 the action that runs, R2 what the handlers answered. Left out:
nested interrupts in handlers that enable them (the kernel warns and turns them off again), simple and chained flows, waiting
for another CPU that polls the line (irq_wait_for_poll).
"""

from tophalf import vocab
from tophalf.model.fields import (
    A_ARG,
    A_HANDLER,
    A_NAME,
    A_NEXT,
    C_IRQS_OFF,
    C_NEED_RESCHED,
    C_NUMBER,
    C_PENDING,
    C_PREEMPT_COUNT,
    C_VECTORS,
    COST_IRQ_ENTRY,
    COST_SIZE,
    D_ACTIONS,
    D_COUNT,
    D_COUNTS,
    D_FLOW,
    D_IRQ,
    D_MOVING,
    D_NAME,
    D_ONESHOT,
    D_ONESHOT_MASK,
    D_PROGRAM,
    D_SOURCE,
    D_STATE,
    D_VECTOR,
    F_ARG,
    F_LEFT,
    F_PC,
    F_R0,
    F_R1,
    F_R2,
    FLOW_EDGE,
    FLOW_FASTEOI,
    FLOW_LEVEL,
    FLOW_PERCPU,
    G_COSTS,
    G_INTERRUPTS,
    HARDIRQ,
    HARDIRQ_OFFSET,
    IN_HARDIRQ,
    IRQ_DISABLED,
    IRQ_INPROGRESS,
    IRQ_MASKED,
    IRQ_PENDING,
    IRQ_REPLAY,
    IRQ_WAKE_THREAD,
    RESCHED,
)
from tophalf.model.ground.costs import cost
from tophalf.model.ground.jit import compiled, inlined
from tophalf.model.ground.trace import emit
from tophalf.model.irq.apic import take_highest
from tophalf.model.irq.irqlines import end_of_interrupt, unmask
from tophalf.model.irq.irqthread import wake_irq_thread
from tophalf.model.irq.migration import acknowledge_move
from tophalf.model.irq.spurious import note_interrupt
from tophalf.model.net.nic import line_was_taken
from tophalf.model.ops import (
    OP_ACTION,
    OP_ACTION_DONE,
    OP_FLOW_BEGIN,
    OP_FLOW_END,
    OP_IRQ_EXIT,
    OP_IRQ_RETURN,
    OP_SYSVEC_BEGIN,
    OP_SYSVEC_END,
)
from tophalf.model.sched.contexts import call, charge, follow, in_interrupt, pop, push
from tophalf.model.softirq.softirq import invoke_softirq


@inlined
def deliver(m, cpu):
    """The CPU takes the highest interrupt that waits (arch/x86/kernel/irq.c common_interrupt)."""
    charge(m, cpu)
    desc = m[cpu + C_VECTORS + take_highest(m, cpu)]
    frame = push(m, cpu, m[desc + D_PROGRAM], HARDIRQ, IN_HARDIRQ, desc)
    m[cpu + C_IRQS_OFF] = 1
    m[cpu + C_PREEMPT_COUNT] += HARDIRQ_OFFSET
    m[frame + F_LEFT] = cost(m, m[G_COSTS] + COST_IRQ_ENTRY * COST_SIZE)
    if m[desc + D_SOURCE]:
        line_was_taken(m, desc)


@inlined
def execute_hardirq(m, cpu, frame, op, x):
    """Instructions of the interrupt path; x: where to go on when there is nothing (more) to do."""
    desc = m[frame + F_ARG]
    if op == OP_FLOW_BEGIN:
        if not flow_begins(m, cpu, frame, desc):
            m[frame + F_PC] = x
            return
        op, x = follow(m, frame)
    elif op == OP_ACTION_DONE:
        action_done(m, cpu, frame, desc)
        m[frame + F_PC] = x
        op, x = follow(m, frame)
    if op == OP_ACTION:
        if next_action(m, cpu, frame, desc):
            return
        m[frame + F_PC] = x
        if m[x] != OP_FLOW_END:  # of a line that is polled
            return
        op, x = follow(m, frame)
    if op == OP_FLOW_END:
        if flow_goes_on(m, cpu, frame, desc):
            m[frame + F_PC] = x
    elif op == OP_IRQ_EXIT:
        irq_exit(m, cpu)
    elif op == OP_IRQ_RETURN:
        charge(m, cpu)
        pop(m, cpu)
        m[cpu + C_IRQS_OFF] = 0
        if m[cpu + C_NEED_RESCHED]:
            m[cpu + C_NEED_RESCHED] = RESCHED  # whoever set it: irqentry_exit looks
    elif op == OP_SYSVEC_BEGIN:
        count(m, cpu, desc)
        emit(m, cpu, vocab.VECTOR_ENTRY, m[desc + D_VECTOR], 0, 0, m[desc + D_NAME])
    elif op == OP_SYSVEC_END:
        emit(m, cpu, vocab.VECTOR_EXIT, m[desc + D_VECTOR], 0, 0, m[desc + D_NAME])


@inlined
def count(m, cpu, desc):
    m[desc + D_COUNT] += 1
    m[desc + D_COUNTS + m[cpu + C_NUMBER]] += 1
    m[G_INTERRUPTS] += 1


@inlined
def flow_begins(m, cpu, frame, desc):
    """Acknowledge by the line's flow. Returns whether its actions run now."""
    flow = m[desc + D_FLOW]
    if flow == FLOW_LEVEL:  # mask_ack_irq
        m[desc + D_STATE] |= IRQ_MASKED
        end_of_interrupt(m, desc)
    state = m[desc + D_STATE]
    runs = not state & (IRQ_DISABLED | IRQ_INPROGRESS) and m[desc + D_ACTIONS] != 0
    if flow == FLOW_PERCPU:
        runs = True
    elif runs:
        state &= ~(IRQ_REPLAY | IRQ_PENDING)
        if flow == FLOW_FASTEOI and m[desc + D_ONESHOT]:
            state |= IRQ_MASKED
        m[desc + D_STATE] = state | IRQ_INPROGRESS
    else:
        keep_for_later(m, cpu, desc, flow)
    if m[desc + D_MOVING] and flow != FLOW_FASTEOI:
        acknowledge_move(m, cpu, desc)
    if runs:
        count(m, cpu, desc)
        start_actions(m, frame, desc)
    return runs


@compiled
def keep_for_later(m, cpu, desc, flow):
    """The line is disabled, or its handler runs on another CPU: that one will see to an edge; a level line stays asserted."""
    state = m[desc + D_STATE]
    if flow == FLOW_EDGE or not state & IRQ_INPROGRESS:
        m[desc + D_STATE] = state & ~IRQ_REPLAY | IRQ_MASKED | IRQ_PENDING
    if flow == FLOW_FASTEOI:
        eoi(m, cpu, desc)


@inlined
def start_actions(m, frame, desc):
    m[frame + F_R1] = m[desc + D_ACTIONS]
    m[frame + F_R2] = 0


@inlined
def next_action(m, cpu, frame, desc):
    """Call the handler of the next action on the line. Returns whether there is one."""
    action = m[frame + F_R1]
    if action == 0:
        return False
    emit(m, cpu, vocab.IRQ_HANDLER_ENTRY, m[desc + D_IRQ], 0, 0, m[action + A_NAME])
    call(m, cpu, m[action + A_HANDLER], m[action + A_ARG])
    return True


@inlined
def action_done(m, cpu, frame, desc):
    """A handler has returned (kernel/irq/handle.c __handle_irq_event_percpu)."""
    action, result = m[frame + F_R1], m[frame + F_R0]
    emit(m, cpu, vocab.IRQ_HANDLER_EXIT, m[desc + D_IRQ], result, 0, -1)
    if result == IRQ_WAKE_THREAD:
        wake_irq_thread(m, cpu, desc, action)
    m[frame + F_R2] |= result
    m[frame + F_R1] = m[action + A_NEXT]


@inlined
def flow_goes_on(m, cpu, frame, desc):
    """All actions have run. Returns whether the line has another event, latched meanwhile (handle_edge_irq)."""
    note_interrupt(m, cpu, desc, m[frame + F_R2])
    flow = m[desc + D_FLOW]
    if flow == FLOW_PERCPU:
        return False
    m[desc + D_STATE] &= ~IRQ_INPROGRESS
    if flow == FLOW_EDGE:
        return edge_goes_on(m, frame, desc)
    if flow == FLOW_LEVEL:
        cond_unmask_irq(m, desc)
    else:
        eoi(m, cpu, desc)
        if m[desc + D_ONESHOT]:
            cond_unmask_irq(m, desc)
        m[desc + D_STATE] &= ~IRQ_PENDING  # check_irq_resend: never for a level line
    return False


@inlined
def edge_goes_on(m, frame, desc):
    """What another CPU kept for this one is handled here, the line open again."""
    state = m[desc + D_STATE]
    if state & (IRQ_PENDING | IRQ_DISABLED) != IRQ_PENDING:
        return False
    unmask(m, desc)
    m[desc + D_STATE] = state & ~(IRQ_PENDING | IRQ_MASKED) | IRQ_INPROGRESS
    start_actions(m, frame, desc)
    return True


@inlined
def cond_unmask_irq(m, desc):
    """Unless it is disabled, or its threads are to run first."""
    if not m[desc + D_STATE] & IRQ_DISABLED and m[desc + D_ONESHOT_MASK] == 0:
        unmask(m, desc)


@inlined
def eoi(m, cpu, desc):
    """irq_eoi of the IO-APIC (ioapic_ack_level), which is where a line of it moves."""
    if m[desc + D_MOVING]:
        acknowledge_move(m, cpu, desc)
    end_of_interrupt(m, desc)


@inlined
def irq_exit(m, cpu):
    """kernel/softirq.c __irq_exit_rcu: softirqs run after the outermost handler, not with bottom halves off."""
    m[cpu + C_PREEMPT_COUNT] -= HARDIRQ_OFFSET
    if m[cpu + C_PENDING] and not in_interrupt(m, cpu):
        invoke_softirq(m, cpu)
