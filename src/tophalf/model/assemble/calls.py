"""[[call]] into tasks that enter a function of a driver."""

import difflib

from tophalf.driver.roles import roles_of
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.code.buildcalls import add_call, add_caller

COMM_SIZE = 15


def add(builder, scenario, entry):
    """The tasks on each of its CPUs. Raises: TophalfError for a device or a function that is not there, or not to be called so."""
    device = _device(builder, entry)
    _check(device.generator.driver, entry)
    name = (entry.name or entry.function)[:COMM_SIZE]
    call, program = add_call(builder, name, device, entry.function, entry.arguments)
    policy, priority = (f.FIFO, entry.fifo) if entry.fifo else (f.FAIR, entry.nice)
    for cpu in entry.cpus if entry.cpus is not None else (0,):
        for _ in range(entry.tasks):
            run = builder.cost(entry.run, f"{name} on {cpu} {len(builder.tasks)} runs") if entry.run[1] else 0
            arrivals = (entry.arrivals, entry.rate) if entry.rate else None
            add_caller(builder, call, program, cpu, arrivals, run, entry.sleep, policy=policy, priority=priority)


def _device(builder, entry):
    """Raises: TophalfError."""
    found = [device for device in builder.coded if device.name == entry.device]
    if len(found) != 1:
        what = f"there is no [[driver]] {entry.device}" if not found else f"{len(found)} [[driver]] are called {entry.device}"
        names = ", ".join(device.name for device in builder.coded)
        raise TophalfError(what, entry.where("device"), f"name one of {names}" if names else "add it")
    return found[0]


def _check(driver, entry):
    """Raises: TophalfError for a function that tasks cannot enter."""
    function = driver.functions.get(entry.function)
    if function is None:
        near = difflib.get_close_matches(entry.function, driver.functions, 1)
        do = f"did you mean {near[0]}?" if near else f"name one of {', '.join(driver.functions)}"
        raise TophalfError(f"{driver.path} has no function {entry.function}", entry.where("function"), do)
    role = next((role for role in roles_of(driver) if role.name == entry.function and role.kind), None)
    if role or entry.function == "probe":
        what = f"{entry.function} is {role.what if role else 'what sets the device up'}, which no task calls"
        raise TophalfError(what, entry.where("function"), "name a function that the driver leaves to tasks")
    wanted = [argument.arg for argument in function.args.args][1:]
    if len(wanted) != len(entry.arguments):
        what = f"{entry.function} takes {len(wanted)} after the device, not {len(entry.arguments)}"
        raise TophalfError(what, entry.where("arguments"), f"give {', '.join(wanted)}" if wanted else "leave them out")
