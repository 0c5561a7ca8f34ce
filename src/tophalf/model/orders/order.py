"""An order as an actor that acts once, and what it was answered."""

import errno

from tophalf.frozen import Frozen
from tophalf.model import fields as f
from tophalf.model.actors import add_actor


class Answer(Frozen):
    """time_ns; cpu: number of the CPU that it was carried out from; order: in words; error: 0 or -errno; why: in words, or None."""

    __slots__ = ("time_ns", "cpu", "order", "error", "why")

    def as_dict(self):
        """time_ns, order, error (its name or None), why."""
        error = errno.errorcode.get(-self.error, f"error {-self.error}") if self.error else None
        return {"time_ns": self.time_ns, "order": self.order, "error": error, "why": self.why}


def told(one):
    """What Answer.as_dict() says, in words."""
    order, error, why = one["order"], one["error"], one["why"]
    if error:
        return f"{order} refused: {error}" + (f", {why}" if why else "")
    return order + (f" ({why})" if why else "")


def add_order(builder, time_ns, text, carry_out):
    """Have carry_out(world) done at time_ns, and its answer kept in World.answers."""

    def act(world):
        answer(world, text, *carry_out(world))

    add_actor(builder, time_ns, lambda world: act)


def answer(world, text, error, why=None):
    """Keep what an order is answered at this moment."""
    cpu = next(number for number, cpu in enumerate(world.builder.cpus) if world.memory[cpu + f.C_ONLINE])
    world.answers.append(Answer(time_ns=world.now_ns, cpu=cpu, order=text, error=int(error), why=why))
