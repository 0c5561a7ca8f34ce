"""Actors: who acts on a machine from outside, in Python, each at its turn in the order of events.

An actor's timer stands in the event queue like a device's. When it fires, compiled code stops (G_ACTOR), the actor does what it has
to do at that moment, which takes no time, and the run goes on. So a run in slices, traced or not, meets it at the same place.
A daemon is an actor with a task: a timer wakes the task, which spends what its work takes and then has the actor act (OP_ACTOR).
Orders (`orders`) and irqbalance are actors. Left out: what it costs the machine to carry out a write to a file of its kernel.
"""

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.irq.manageops import OP_ACTOR


def add_actor(builder, first_ns, make):
    """Someone who acts for the first time at first_ns. make(world): called for each world; returns act.

    act(world), at its turn: returns when the next turn is, ns, or None for never.
    """
    timer = builder.memory.take(f.TIMER_SIZE)
    builder.actors.append((timer, make))
    builder.timer(timer, f.ON_ACTOR, len(builder.actors))
    builder.memory[timer + f.T_TIME] = first_ns


def add_daemon(builder, name, first_ns, every_ns, cpu, cost, make):
    """An actor with a task of its name on CPU number `cpu`, woken at first_ns and each every_ns from there; cost: of its work, an
    address. make(world): returns act(world). Returns the task."""
    code = Assembler()
    code.label("start")
    code(ops.OP_SPEND, cost)
    code(OP_ACTOR, len(builder.actors) + 1)
    code(ops.OP_BLOCK, f.SLEEPING)
    code(ops.OP_JUMP, "start")
    task = builder.task(name, cpu, builder.program(code)["start"], asleep=True)
    builder.actors.append((task + f.K_TIMER, lambda world: _each(first_ns, every_ns, task, make(world))))
    builder.memory[task + f.K_TIMER + f.T_TIME] = first_ns
    return task


def _each(first_ns, every_ns, task, act):
    """A turn after which the daemon's timer waits on the CPU where the daemon is."""

    def turn(world):
        act(world)
        world.memory[task + f.K_TIMER + f.H_CPU] = world.memory[task + f.K_CPU]
        return first_ns + ((world.now_ns - first_ns) // every_ns + 1) * every_ns

    return turn


class Actors:
    """The actors of one world."""

    def __init__(self, world):
        self._members = [(timer, make(world)) for timer, make in world.builder.actors]
        for timer, _ in self._members:
            _arm(world, timer)

    def act(self, world, number):
        """The turn of the actor whose number, from 1 on, G_ACTOR says."""
        timer, act = self._members[number - 1]
        following_ns = act(world)
        if following_ns is not None:
            world.memory[timer + f.T_TIME] = following_ns
            _arm(world, timer)


def _arm(world, timer):
    from tophalf.model.engine import BEGIN_ACTOR, begin

    begin(world.memory, BEGIN_ACTOR, timer)
