"""Actors: who acts on a machine from outside, in Python, each at its turn in the order of events.

An actor's timer stands in the event queue like a device's. When it fires, compiled code stops (G_ACTOR), the actor does what it has
to do at that moment, which takes no time, and the run goes on. So a run in slices, traced or not, meets it at the same place.
Orders (`orders`) and irqbalance are actors. Left out: what it costs the machine to carry out a write to a file of its kernel.
"""

from tophalf.model import fields as f


def add_actor(builder, first_ns, make):
    """Someone who acts for the first time at first_ns. make(world): called for each world; returns act.

    act(world), at its turn: returns when the next turn is, ns, or None for never.
    """
    timer = builder.memory.take(f.TIMER_SIZE)
    builder.actors.append((timer, make))
    builder.timer(timer, f.ON_ACTOR, len(builder.actors))
    builder.memory[timer + f.T_TIME] = first_ns


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
