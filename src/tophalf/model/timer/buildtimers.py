"""Timers of drivers in a world that is being built."""

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.timer import timerfields as t
from tophalf.model.timer import timerops

KINDS = {"wheel": f.IN_WHEEL, "hrtimer": 0, "soft": f.IN_SOFTIRQ_TIMER}


class DriverTimer:
    """name; kind of KINDS; address; cpu: its number."""

    def __init__(self, name, kind, address, cpu):
        self.name, self.kind, self.address, self.cpu = name, kind, address, cpu


def add_timer(builder, name, kind="wheel", cpu=0, first_ns=None, program=None):
    """A timer whose function is still to be set (`set_function`); program: until then, None for one that does nothing. first_ns:
    when it starts before the run; None: it does not."""
    m = builder.memory
    timer = m.take(t.DRIVER_TIMER_SIZE if program is None else t.CODE_TIMER_SIZE)
    builder.hrtimer(timer, f.DO_CALL + KINDS[kind], builder.routines["nothing"] if program is None else program)
    m[timer + t.DT_CPU], m[timer + t.DT_FIRST] = builder.cpus[cpu], -1 if first_ns is None else first_ns
    builder.timers.append(DriverTimer(name, kind, timer, cpu))
    return timer


def set_function(builder, timer, program):
    """What it runs when it expires; the program's F_ARG is the timer."""
    builder.memory[timer + f.H_ARG] = program


def add_sampler(builder, name, kind, cpu, period_ns, cost, first_ns=0):
    """A timer that starts itself again: of the wheel in whole jiffies from when it runs (mod_timer), else at multiples of its
    period (hrtimer_forward_now). cost: of its function, an address. Returns the timer."""
    timer = add_timer(builder, name, kind, cpu, first_ns + period_ns)
    code = Assembler()
    code.label("start")
    code(timerops.OP_TIMER_RUNS, timer)
    code(ops.OP_SPEND, cost)
    if kind == "wheel":
        code(timerops.OP_MOD_TIMER, timer, -(-period_ns // builder.memory[f.G_HZ_NS]))
    else:
        code(timerops.OP_HRTIMER_FORWARD, timer, period_ns)
    code(ops.OP_RET)
    set_function(builder, timer, builder.program(code)["start"])
    return timer
