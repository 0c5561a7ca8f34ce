"""What ends a run that a driver spoils: its errors, numbered as `world.ERRORS` words them. Each is a complaint, too."""

from tophalf.model.code.complain import complain, here
from tophalf.model.fields import C_FRAME, F_LEFT
from tophalf.model.ground.jit import compiled
from tophalf.model.sched.contexts import fail

DIVISION_BY_ZERO, SHIFT_OUT_OF_RANGE, NO_REGISTER, STEP_OF_ZERO, SLEEPS_IN_ATOMIC, NOT_ITS_LOCK = range(6, 12)  # G_ERROR
NO_KTHREAD, NO_CPU = 20, 21


@compiled
def crash(m, cpu, error):
    """The run stops where time would pass: at once, before the driver goes on with what makes no sense."""
    frame = m[cpu + C_FRAME]
    m[frame + F_LEFT] = 1
    complain(m, cpu, error, here(m, frame), 0, 0)
    fail(m, cpu, error)
