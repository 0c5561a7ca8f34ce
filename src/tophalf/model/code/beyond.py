"""Instructions of drivers from CODE_WAIT_FROM on: each range has a file of its own."""

from tophalf.model.code.codetimers import execute_timing
from tophalf.model.code.timingops import TIMING_END
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import CODE_TIMER_FROM
from tophalf.model.sched.contexts import NO_INSTRUCTION, fail


@compiled
def beyond(m, cpu, frame, local, op, x, y, z):
    """One instruction. local: where the frame's locals lie; x, y, z: its operands."""
    if CODE_TIMER_FROM <= op < TIMING_END:
        execute_timing(m, cpu, frame, local, op, x, y, z)
    else:
        fail(m, cpu, NO_INSTRUCTION)
