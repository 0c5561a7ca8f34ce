"""What a handler of a driver does to its line: how long it takes, whether it answers for its own device, whether the cause goes.

Around each handler stands a short program (`buildwatch`) with two instructions. A device wants attention from when it asserts until
it is acknowledged (V_LET_GO counts those), so that these are facts of the device, whatever the handler read. On a shared level line
what comes while the own device does not want attention, and has not asserted since the handler ran last, is another's. It may be
claimed by a handler that has read of something at its device, which is masked while its poll is pending.

HELD_MAX answers to one assertion: a level line that is still asserted comes again at once, before the CPU does another instruction
of what was interrupted, so nothing but the handler, its thread or another CPU can let go of it. What is read out of the device or
consumed, entry by entry, counts as progress. Functions of hrtimers are measured, too. Left out: handlers that turn interrupts on,
whose time is counted with what interrupts them.
"""

from tophalf.model.check.complain import complain
from tophalf.model.check.watchfields import (
    CLAIMS_OTHERS,
    CODE_HANDLER,
    HW_BEGAN,
    HW_DEVICE,
    HW_DONE,
    HW_HELD,
    HW_HELD_OF,
    HW_IRQ,
    HW_LEFT_AT,
    HW_LET_GO,
    HW_LINE,
    HW_LONGEST,
    HW_NONE,
    HW_NONE_PC,
    HW_NOT_ITS,
    HW_REGISTERS,
    HW_SEEN,
    HW_WANTED,
    LEVEL_HELD,
    NOBODY_CARED,
    TOO_LONG,
)
from tophalf.model.code.codefields import LOCALS_EACH, R_ANSWERED, R_DEVICE, R_GONE, R_SEEN
from tophalf.model.fields import (
    A_HANDLER,
    A_NEXT,
    C_CURRENT,
    D_ACTIONS,
    D_FLOW,
    D_STATE,
    F_KIND,
    F_PC,
    F_R0,
    FLOW_EDGE,
    FRAME_SIZE,
    G_NOW,
    IN_HARDIRQ,
    IRQ_HANDLED,
    IRQ_POLL_INPROGRESS,
    IRQ_WAKE_THREAD,
    K_LOCALS,
    V_ASSERTED,
    V_LET_GO,
    V_LEVEL,
)
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import STRIDE
from tophalf.model.sched.contexts import call, pop

LONG_NS = 100_000  # of the interrupt chapter: a top half that takes longer belongs into a bottom half
HELD_MAX = 1000


@compiled
def execute_handler(m, cpu, frame, op, row, program):
    """Before and after a handler."""
    if op == CODE_HANDLER:
        handler_begins(m, row)
        called = call(m, cpu, program, 0)
        m[m[m[cpu + C_CURRENT] + K_LOCALS] + LOCALS_EACH * called] = m[row + HW_IRQ]
        return
    result, took_ns = m[frame + F_R0], m[G_NOW] - m[row + HW_BEGAN]
    if took_ns > LONG_NS and m[frame + F_KIND] == IN_HARDIRQ:
        m[row + HW_LONGEST] = max(m[row + HW_LONGEST], took_ns)
        complain(m, cpu, TOO_LONG, row, row, took_ns)
    if m[row + HW_DEVICE]:
        handler_ends(m, row)
        judge_answer(m, cpu, row, m[row + HW_DEVICE], result, m[frame + FRAME_SIZE + F_PC] - STRIDE)
    m[pop(m, cpu) + F_R0] = result


@compiled
def handler_begins(m, row):
    device = m[row + HW_DEVICE]
    m[row + HW_BEGAN] = m[G_NOW]
    if device:
        m[row + HW_WANTED] = m[device + V_ASSERTED]
        m[row + HW_LET_GO] = m[device + V_LET_GO]
        quiet = not m[device + V_ASSERTED] and m[device + V_LET_GO] == m[row + HW_LEFT_AT]
        m[row + HW_NOT_ITS] = quiet and others_are_there(m, row)
        if m[row + HW_REGISTERS]:
            m[row + HW_DONE] = progress(m, m[row + HW_REGISTERS])
            m[row + HW_SEEN] = m[m[row + HW_REGISTERS] + R_SEEN]


@compiled
def handler_ends(m, row):
    """What it has seen to is no progress of a tasklet or work."""
    if m[row + HW_REGISTERS]:
        m[m[row + HW_REGISTERS] + R_ANSWERED] += progress(m, m[row + HW_REGISTERS]) - m[row + HW_DONE]


@compiled
def progress(m, registers):
    """How often a device was let go of, and how many have left their place there."""
    return m[m[registers + R_DEVICE] + V_LET_GO] + m[registers + R_GONE]


@compiled
def has_seen(m, row):
    """Whether a handler has read of something at its device."""
    return m[row + HW_REGISTERS] != 0 and m[m[row + HW_REGISTERS] + R_SEEN] != m[row + HW_SEEN]


@compiled
def others_are_there(m, row):
    """Whether a level line is shared, and comes by itself."""
    desc = m[row + HW_LINE]
    if m[desc + D_FLOW] == FLOW_EDGE or m[desc + D_STATE] & IRQ_POLL_INPROGRESS:
        return False
    return m[m[desc + D_ACTIONS] + A_NEXT] != 0


@compiled
def judge_answer(m, cpu, row, device, result, place):
    """place: the address of the return."""
    same = m[device + V_LET_GO] == m[row + HW_LET_GO]  # it has not been acknowledged meanwhile
    unheard = m[row + HW_WANTED] and same
    if not result & (IRQ_HANDLED | IRQ_WAKE_THREAD):
        if unheard:
            m[row + HW_NONE] += 1
            m[row + HW_NONE_PC] = place
    elif unheard and m[device + V_LEVEL]:
        still_held(m, cpu, row, device, place)
    elif m[row + HW_NOT_ITS] and same and not m[device + V_ASSERTED] and not has_seen(m, row):
        complain(m, cpu, CLAIMS_OTHERS, place, row, 0)
    m[row + HW_LEFT_AT] = m[device + V_LET_GO]


@compiled
def still_held(m, cpu, row, device, place):
    """The handler said that it had seen to it, and the line is as it was, nothing was taken out of the device either."""
    done = progress(m, m[row + HW_REGISTERS]) if m[row + HW_REGISTERS] else m[device + V_LET_GO]
    if m[row + HW_HELD_OF] != done:
        m[row + HW_HELD] = 0
        m[row + HW_HELD_OF] = done
    m[row + HW_HELD] += 1
    if m[row + HW_HELD] % HELD_MAX == 0:
        complain(m, cpu, LEVEL_HELD, place, row, m[row + HW_HELD])


@compiled
def nobody_cared(m, cpu, desc):
    """The line is shut off (`spurious`): whose handler said IRQ_NONE while its own device wanted attention."""
    action = m[desc + D_ACTIONS]
    while action:
        program = m[action + A_HANDLER]
        if m[program] == CODE_HANDLER and m[m[program + 1] + HW_NONE]:
            complain(m, cpu, NOBODY_CARED, m[m[program + 1] + HW_NONE_PC], m[program + 1], m[m[program + 1] + HW_NONE])
        action = m[action + A_NEXT]
