"""Roles of functions as numbers: what the kernel calls a driver's function as."""

from tophalf.driver.roles import CONTEXTS

ROLES = (*CONTEXTS, "task")  # kinds of `driver.api.FUNCTIONS`; a task that enters it as a system call
HANDLER, THREAD, WORK = ROLES.index("irq_handler") + 1, ROLES.index("irq_thread") + 1, ROLES.index("work_fn") + 1
CALLER = ROLES.index("task") + 1
