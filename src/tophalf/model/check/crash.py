"""What ends a run that a driver spoils: its errors, numbered as `world.ERRORS` words them. Each is a complaint, too."""

from tophalf.model.check.complain import complain, here
from tophalf.model.fields import C_FRAME, F_LEFT, F_PC, G_ERROR
from tophalf.model.ground.jit import compiled
from tophalf.model.sched.contexts import TIME_STANDS_STILL, fail

DIVISION_BY_ZERO, SHIFT_OUT_OF_RANGE, NO_REGISTER, STEP_OF_ZERO, SLEEPS_IN_ATOMIC, NOT_ITS_LOCK = range(6, 12)  # G_ERROR
NO_KTHREAD, NO_CPU, REGISTERED_TWICE = 20, 21, 22
NAPI_IS_ENABLED = 30


@compiled
def stands_still(m, cpu):
    """A CPU goes round and round at no cost of time."""
    if m[G_ERROR] == 0:
        complain(m, cpu, TIME_STANDS_STILL, m[m[cpu + C_FRAME] + F_PC], 0, 0)  # next, for after a jump the last lies elsewhere
    fail(m, cpu, TIME_STANDS_STILL)


@compiled
def crash(m, cpu, error):
    """The run stops where time would pass: at once, before the driver goes on with what makes no sense."""
    frame = m[cpu + C_FRAME]
    m[frame + F_LEFT] = 1
    complain(m, cpu, error, here(m, frame), 0, 0)
    fail(m, cpu, error)
