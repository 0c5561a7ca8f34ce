"""Instructions of drivers from CODE_WAIT_FROM on: each range has a file of its own."""

from tophalf.model.ground.jit import compiled
from tophalf.model.sched.contexts import NO_INSTRUCTION, fail


@compiled
def beyond(m, cpu, frame, local, op, x, y, z):
    """One instruction. local: where the frame's locals lie; x, y, z: its operands."""
    fail(m, cpu, NO_INSTRUCTION)
