"""Instructions of drivers from CODE_WAIT_FROM on: each range has a file of its own."""

from tophalf.model.check.checkops import CHECK_END
from tophalf.model.check.checks import execute_check
from tophalf.model.check.watch import execute_watch
from tophalf.model.check.watchfields import CODE_WATCH_END, CODE_WATCH_FROM
from tophalf.model.code.coderegister import execute_register
from tophalf.model.code.codetimers import execute_timing
from tophalf.model.code.deviceops import CODE_DEVICE_END
from tophalf.model.code.drivernapi import execute_driver_napi
from tophalf.model.code.registerops import REGISTER_END
from tophalf.model.code.timingops import TIMING_END
from tophalf.model.code.waits import execute_wait
from tophalf.model.ground.jit import compiled
from tophalf.model.ops import CODE_CHECK_FROM, CODE_DEVICE_FROM, CODE_TIMER_FROM
from tophalf.model.sched.contexts import NO_INSTRUCTION, fail


@compiled
def beyond(m, cpu, frame, local, op, x, y, z):
    """One instruction. local: where the frame's locals lie; x, y, z: its operands."""
    if CODE_WATCH_FROM <= op < CODE_WATCH_END:
        execute_watch(m, cpu, frame, op, x, y)
    elif CODE_CHECK_FROM <= op < CHECK_END:
        execute_check(m, cpu, frame, local, op, x, y, z)
    elif op < CODE_DEVICE_FROM:
        execute_wait(m, cpu, frame, local, op, x, y, z)
    elif CODE_DEVICE_FROM <= op < CODE_DEVICE_END:
        execute_driver_napi(m, cpu, frame, local, op, x, y, z)
    elif CODE_TIMER_FROM <= op < TIMING_END:
        execute_timing(m, cpu, frame, local, op, x, y, z)
    elif TIMING_END <= op < REGISTER_END:
        execute_register(m, cpu, frame, local, op, x, y, z)
    else:
        fail(m, cpu, NO_INSTRUCTION)
