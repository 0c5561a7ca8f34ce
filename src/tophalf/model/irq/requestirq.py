"""Handlers as drivers install them: what request_irq allows, and what becomes of it with forced threads.

kernel/irq/manage.c request_threaded_irq, __setup_irq, irq_setup_forced_threading. Raises RequestError with the kernel's errno.
While the machine runs it is `setupirq`. Left out: IRQF_PROBE_SHARED, IRQF_NO_AUTOEN before the run, per-CPU device ids, nested
threads, changing the trigger of a line.
"""

import errno

from tophalf.errors import TophalfError
from tophalf.model import fields as f

IRQ_THREAD_PRIORITY = 50  # kernel/sched/syscalls.c sched_set_fifo: MAX_RT_PRIO / 2
COMM_SIZE = 15
THREADS_MAX = 64  # bits of a thread mask
PREEMPT_RT = 3


class RequestError(TophalfError):
    """errno: what request_irq returned, positive."""

    def __init__(self, number, text, where, remedy):
        super().__init__(f"-{errno.errorcode[number]}: {text}", where, remedy)
        self.errno = number


def request_irq(builder, desc, name, handler, argument=0, flags=f.IRQF_SHARED):
    """A handler that runs in the hardirq, unless threads are forced. Returns the action's address."""
    return request_threaded_irq(builder, desc, name, handler, None, argument, flags)


def request_threaded_irq(builder, desc, name, handler, thread, argument=0, flags=0):
    """handler: a program for the hardirq, None for the default one, which wakes the thread; thread: a program, None for none."""
    new, flags = _asked(builder, desc, name, handler, thread, argument, flags)
    flags, mask = _agree(builder, desc, new, flags)
    return _install(builder, desc, new, flags, mask)


def lay_out(builder, desc, name, handler, thread, argument, flags):
    """The action of a request that comes while the machine runs; its threads are dead until then. Returns its address."""
    m = builder.memory
    new, flags = _asked(builder, desc, name, handler, thread, argument, flags)
    action = _laid_out(builder, desc, new, flags, 0)
    if not new["handler"]:
        m[action + f.A_THREAD_FLAGS] |= f.IRQTF_NO_HANDLER
    for each in (action, m[action + f.A_SECONDARY]):
        if each and m[each + f.A_TASK]:
            m[m[each + f.A_TASK] + f.K_STATE] = f.DEAD
    return action


def _asked(builder, desc, name, handler, thread, argument, flags):
    """What request_threaded_irq makes of its arguments, by itself. Returns (what is asked for, flags)."""
    m = builder.memory
    if not handler and not thread:
        raise _refused(builder, desc, name, errno.EINVAL, "neither a handler nor a thread", "give one")
    new = {"name": name, "handler": handler, "thread": thread, "argument": argument, "forced": False, "second": None}
    if not flags & f.IRQF_TRIGGER_MASK:
        flags |= _trigger(m, desc)
    if not m[f.G_KERNEL] >= 612:
        flags &= ~f.IRQF_COND_ONESHOT
    if handler and _is_forced(m, flags):
        flags |= f.IRQF_ONESHOT
        new |= {"handler": None, "thread": handler, "forced": True, "second": thread}
    if m[desc + f.D_CHIP] == f.CHIP_MSI:  # IRQCHIP_ONESHOT_SAFE: a message is sent once
        flags &= ~f.IRQF_ONESHOT
    return new, flags


def _trigger(m, desc):
    return f.IRQF_TRIGGER_HIGH if m[desc + f.D_FLOW] in (f.FLOW_LEVEL, f.FLOW_FASTEOI) else f.IRQF_TRIGGER_RISING


def _is_forced(m, flags):
    forced = m[f.G_THREADIRQS] or m[f.G_PREEMPT] == PREEMPT_RT
    return forced and not flags & (f.IRQF_NO_THREAD | f.IRQF_PERCPU | f.IRQF_ONESHOT)


def actions_of(m, desc):
    """The addresses of a line's actions."""
    action = m[desc + f.D_ACTIONS]
    while action:
        yield action
        action = m[action + f.A_NEXT]


def _agree(builder, desc, new, flags):
    """What those who share a line have to agree on. Returns (flags, the bit of its thread)."""
    m, taken = builder.memory, 0
    for old in actions_of(m, desc):
        flags = _agree_with(builder, desc, new["name"], flags, old)
        taken |= m[old + f.A_MASK]
    if flags & f.IRQF_ONESHOT:
        bit = next((bit for bit in range(THREADS_MAX - 1) if not taken >> bit & 1), None)
        if bit is None:
            raise _refused(builder, desc, new["name"], errno.EBUSY, "the line has too many threads", "use another line")
        return flags, 1 << bit
    if not new["handler"] and m[desc + f.D_CHIP] != f.CHIP_MSI:
        text = f"Threaded irq requested with handler=NULL and !ONESHOT for {new['name']} (irq {m[desc + f.D_IRQ]})"
        raise _refused(builder, desc, new["name"], errno.EINVAL, text, "add IRQF_ONESHOT, or a handler that quiets the device")
    return flags, 0


def _agree_with(builder, desc, name, flags, old):
    m = builder.memory
    theirs = m[old + f.A_FLAGS]
    if theirs & f.IRQF_ONESHOT and flags & f.IRQF_COND_ONESHOT:
        flags |= f.IRQF_ONESHOT
    same = f.IRQF_ONESHOT | f.IRQF_PERCPU | f.IRQF_TRIGGER_MASK
    if not theirs & flags & f.IRQF_SHARED or (theirs ^ flags) & same:
        text = f"Flags mismatch irq {m[desc + f.D_IRQ]}. {flags:08x} ({name}) vs. {theirs:08x} ({m.strings[m[old + f.A_NAME]]})"
        raise _refused(builder, desc, name, errno.EBUSY, text, "make them agree on IRQF_SHARED, trigger, IRQF_ONESHOT, IRQF_PERCPU")
    return flags


def _refused(builder, desc, name, number, text, remedy):
    return RequestError(number, text, f"IRQ {builder.memory[desc + f.D_IRQ]} {name}", remedy)


def _install(builder, desc, new, flags, mask):
    """The action at the end of the line's list."""
    m = builder.memory
    last = desc + f.D_ACTIONS
    for action in actions_of(m, desc):
        last = action + f.A_NEXT
    if last == desc + f.D_ACTIONS:
        m[desc + f.D_ONESHOT] = int(bool(flags & f.IRQF_ONESHOT))
    action = m[last] = _laid_out(builder, desc, new, flags, mask)
    return action


def _laid_out(builder, desc, new, flags, mask):
    """The action, with its thread or threads."""
    m, number = builder.memory, builder.memory[desc + f.D_IRQ]
    handler = new["handler"] or builder.routines["default_primary_handler"]
    action = _action(builder, desc, new, handler, flags, mask)
    if new["thread"]:
        _thread(builder, action, f"irq/{number}-{new['name']}", new["thread"])
    m[action + f.A_THREAD_FLAGS] = f.IRQTF_FORCED_THREAD if new["forced"] else 0
    if new["second"]:
        second = m[action + f.A_SECONDARY] = _action(builder, desc, new, handler, flags, 0)
        m[second + f.A_THREAD_FLAGS] = f.IRQTF_SECONDARY
        _thread(builder, second, f"irq/{number}-s-{new['name']}", new["second"])
    return action


def _action(builder, desc, new, handler, flags, mask):
    m = builder.memory
    action = m.take(f.ACTION_SIZE + (f.LAID_OUT if builder.has_code else 0))
    m[action + f.A_IRQ], m[action + f.A_HANDLER], m[action + f.A_NAME] = desc, handler, m.name(new["name"])
    m[action + f.A_ARG], m[action + f.A_FLAGS], m[action + f.A_MASK] = new["argument"], flags, mask
    return action


def _thread(builder, action, name, program):
    """setup_irq_thread. It sleeps from the beginning, on the CPU that its line gets (`irqstartup`)."""
    m = builder.memory
    task = builder.task(name[:COMM_SIZE], 0, "irq_thread", f.IRQ_THREAD, f.FIFO, IRQ_THREAD_PRIORITY, True)
    m[m[task + f.K_FRAME] + f.F_ARG] = action
    m[action + f.A_TASK], m[action + f.A_THREAD] = task, program
