"""Instructions of what watches over drivers, by their files."""

from tophalf.model.check.watchdog import execute_watchdog
from tophalf.model.check.watchfields import CODE_HANDLER, CODE_RUN
from tophalf.model.check.watchlines import execute_handler
from tophalf.model.check.watchruns import execute_run
from tophalf.model.ground.jit import compiled


@compiled
def execute_watch(m, cpu, frame, op, x, y):
    if op < CODE_HANDLER:
        execute_watchdog(m, cpu, op, x)
    elif op < CODE_RUN:
        execute_handler(m, cpu, frame, op, x, y)
    else:
        execute_run(m, cpu, frame, op, x, y)
