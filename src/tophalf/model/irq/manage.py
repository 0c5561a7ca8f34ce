"""Instructions on lines and CPUs that are managed, and the same from outside: what an administrator or a daemon orders.

Results are 0 or -errno, in R0 of the frame or returned. An order from outside (`command`) takes no time and is carried out from
the first CPU that is online.
"""

from tophalf.model.cpu.hotplug import execute_hotplug, order_hotplug
from tophalf.model.fields import D_VECTOR, F_R0, G_ACTOR, G_LIMIT, G_MANAGE, G_NOW
from tophalf.model.ground.jit import compiled, entry
from tophalf.model.irq.apic import latch
from tophalf.model.irq.device import disable_irq_nosync, enable_irq
from tophalf.model.irq.irqaffinity import vector_cleanup, write_irq_affinity
from tophalf.model.irq.irqdisable import synchronize_irq
from tophalf.model.irq.irqstartup import irq_request
from tophalf.model.irq.irqthread import execute_irq_thread
from tophalf.model.irq.managefields import COMES_ONLINE, GOES_OFFLINE, M_ONLINE, M_WANTED
from tophalf.model.irq.manageops import (
    OP_ACTOR,
    OP_HOTPLUG,
    OP_IRQ_THREAD_END,
    OP_PERCPU_TRIGGER,
    OP_POLL_END,
    OP_POLL_SPURIOUS,
    OP_SET_AFFINITY,
    OP_SYNCHRONIZE_IRQ,
    OP_VECTOR_CLEANUP,
)
from tophalf.model.irq.masks import first_of
from tophalf.model.irq.spurious import poll_spurious_irqs, polled_once
from tophalf.model.sched.contexts import disturb
from tophalf.model.sched.wakeup import wake

SET_AFFINITY, DISABLE_IRQ, ENABLE_IRQ, REQUEST_IRQ, WAKE_TASK, OFFLINE_CPU, ONLINE_CPU = range(7)


@compiled
def execute_manage(m, cpu, frame, op, x, y):
    """x: a line, where to go on, or an actor; y: a mask."""
    if op == OP_IRQ_THREAD_END:
        execute_irq_thread(m, cpu, frame, op)
    elif op == OP_HOTPLUG:
        execute_hotplug(m, cpu, frame, x, y)
    elif op == OP_SYNCHRONIZE_IRQ:
        synchronize_irq(m, cpu, frame, x)
    elif op == OP_SET_AFFINITY:
        m[frame + F_R0] = write_irq_affinity(m, cpu, x, y)
    elif op == OP_VECTOR_CLEANUP:
        vector_cleanup(m, cpu, True)
    elif op == OP_POLL_SPURIOUS:
        poll_spurious_irqs(m, cpu, frame, x)
    elif op == OP_POLL_END:
        polled_once(m, cpu, frame, x)
    elif op == OP_PERCPU_TRIGGER:
        latch(m, cpu, m[x + D_VECTOR])
    elif op == OP_ACTOR:  # its turn is as soon as no CPU can go on at this moment (`actors`)
        m[G_ACTOR] = x
        m[G_LIMIT] = m[G_NOW]


@entry
def command(m, what, desc):
    """Carry out an order; the mask of SET_AFFINITY is in M_WANTED. desc: a line; a task; the CPU that is to go or come."""
    manage = m[G_MANAGE]
    cpu = first_of(m, m[manage + M_ONLINE])
    result = 0
    if what == SET_AFFINITY:
        result = write_irq_affinity(m, cpu, desc, m[manage + M_WANTED])
    elif what == DISABLE_IRQ:
        disable_irq_nosync(m, desc)
    elif what == ENABLE_IRQ:
        enable_irq(m, cpu, desc)
    elif what == REQUEST_IRQ:
        result = irq_request(m, cpu, desc)
    elif what == WAKE_TASK:
        wake(m, cpu, desc)
    elif what == OFFLINE_CPU:
        result = order_hotplug(m, cpu, GOES_OFFLINE, desc)
    elif what == ONLINE_CPU:
        result = order_hotplug(m, cpu, COMES_ONLINE, desc)
    disturb(m, cpu)
    return result
