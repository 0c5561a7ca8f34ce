"""The programs of those who take CPUs down and bring them up: the writer, cpuhp/N, migration/N, idle. See `hotplug`."""

from tophalf.model import ops
from tophalf.model.cpu import hotplug as h
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.manageops import OP_HOTPLUG

FIXUP_DELAY_NS = 1_000_000  # arch/x86/kernel/irq.c fixup_irqs: mdelay(1), interrupts off on all CPUs


def hotplug_routines():
    """An Assembler with the labels "writer", "cpuhp", "stopper", "dead", "retrigger" and "start"."""
    code = Assembler()
    for routine in (_writer, _cpuhp, _stopper, _idle):
        routine(code)
    return code


def _steps(code, *steps):
    for step in steps:
        code(OP_HOTPLUG, step)


def _writer(code):
    """kernel/cpu.c _cpu_down, takedown_cpu; _cpu_up."""
    code.label("writer")
    code(OP_HOTPLUG, h.W_ORDER, "up")
    _steps(code, h.W_KICK, h.W_AWAIT, h.W_PARK, h.W_AWAIT)
    code(ops.OP_PREEMPT_OFF)
    _steps(code, h.W_STOP)
    code(ops.OP_PREEMPT_ON)
    _steps(code, h.W_AWAIT)
    code(OP_HOTPLUG, h.W_FAILED, "up_again")
    _steps(code, h.W_AWAIT, h.W_TIMERS)
    _dead(code, h.W_NET)
    code.label("packets")
    code(OP_HOTPLUG, h.W_TELL, "no_packets")
    code(ops.OP_BH_OFF)
    _steps(code, h.W_PACKET)
    code(ops.OP_BH_ON)
    code(ops.OP_JUMP, "packets")
    code.label("no_packets")
    _steps(code, h.W_BLOCK)
    _dead(code, h.W_IRQ_POLL)
    _dead(code, h.W_SOFTIRQ)
    code(ops.OP_JUMP, "written")
    code.label("up")
    _steps(code, h.W_BRING_UP, h.W_AWAIT)
    code.label("up_again")
    _steps(code, h.W_UNPARK, h.W_KICK, h.W_AWAIT)
    code.label("written")
    _steps(code, h.W_END)
    code(ops.OP_JUMP, "writer")


def _dead(code, step):
    """One of the callbacks after death; lib/irq_poll.c irq_poll_cpu_dead keeps bottom halves off, too."""
    guards = ((ops.OP_BH_OFF, ops.OP_BH_ON),) if step == h.W_IRQ_POLL else ()
    for off, _ in (*guards, (ops.OP_IRQS_OFF, 0)):
        code(off)
    code(OP_HOTPLUG, step)
    for _, on in ((0, ops.OP_IRQS_ON), *guards):
        code(on)


def _cpuhp(code):
    """kernel/cpu.c cpuhp_thread_fun: the states from CPUHP_AP_ACTIVE down, or up to it."""
    code.label("cpuhp")
    code(OP_HOTPLUG, h.A_ORDER, "cpuhp_up")
    _steps(code, h.A_DEACTIVATE, h.A_UNBIND, h.A_PARK, h.A_EMPTY, h.A_END)
    code(ops.OP_JUMP, "cpuhp")
    code.label("cpuhp_up")
    _steps(code, h.A_UNPARK)
    code(ops.OP_IRQS_OFF)
    _steps(code, h.A_LINES)
    code(ops.OP_IRQS_ON)
    _steps(code, h.A_REBIND, h.A_ACTIVATE, h.A_END)
    code(ops.OP_JUMP, "cpuhp")


def _stopper(code):
    """kernel/stop_machine.c multi_cpu_stop; kernel/cpu.c take_cpu_down from CPUHP_TEARDOWN_CPU down."""
    code.label("stopper")
    code(OP_HOTPLUG, h.S_WORK, "multi_stop")
    code(ops.OP_JUMP, "stopper")
    code.label("multi_stop")
    code(OP_HOTPLUG, h.S_MULTI, "stopped")
    code(OP_HOTPLUG, h.S_DISABLE, "taken_down")
    code(ops.OP_SPEND_NS, FIXUP_DELAY_NS)
    _steps(code, h.S_RETRIGGER, h.S_DYING)
    code(ops.OP_CALL, "flush_calls")
    code.label("taken_down")
    code(OP_HOTPLUG, h.S_ACK, "multi_stop")
    code.label("stopped")
    _steps(code, h.S_END)
    code(ops.OP_JUMP, "stopper")
    code.label("flush_calls")
    code(ops.OP_CALL_FUNCTIONS)
    code(ops.OP_RET)


def _idle(code):
    """kernel/cpu.c cpuhp_complete_idle_dead; kernel/time/hrtimer.c retrigger_next_event; arch/x86 start_secondary."""
    code.label("dead")
    _steps(code, h.I_DEAD)
    code.label("retrigger")
    code(ops.OP_RET)
    code.label("start")
    _steps(code, h.I_START)
    code(ops.OP_RET)
