"""[[driver]]: which registers of the device mean what, and when it wants attention."""

import os

from tophalf.errors import TophalfError
from tophalf.model.assemble.flows import arrivals_of
from tophalf.model.code.buildhardware import ROLES
from tophalf.scenario.values import duration_ns

TIMES_MAX = 1_000_000
WITHOUT = {  # what makes no sense: key, those of which one must be there, and what to say
    "consumed": (("produced",), "there is no ring"), "produced": (("consumed",), "nothing ever leaves the ring"),
    "depth": (("data", "produced", "start", "doorbell"), "there is nothing that holds several"),
    "latency": (("start", "doorbell"), "nothing is ever started"), "units": (("start", "doorbell"), "nothing is ever started"),
    "idle": (("start", "doorbell"), "nothing is ever started"),
}  # fmt: skip
NOT_BOTH = (("enable", "mask"), ("data", "produced"), ("start", "doorbell"), ("rate", "recorded"), ("times", "recorded"))
DEPTH_OF_RING = 2


def roles_of(entry):
    """{role: number of its register} of a device, status included. Raises: TophalfError for what does not go together."""
    for key, (others, what) in WITHOUT.items():
        if key in entry.given and not any(other in entry.given for other in others):
            raise TophalfError(what, entry.where(key), f"give {' or '.join(others)}, or leave {key} out")
    for one, other in NOT_BOTH:
        if one in entry.given and other in entry.given:
            raise TophalfError(f"{one} and {other} exclude each other", entry.where(other), "leave one out")
    if entry.depth < DEPTH_OF_RING and ("produced" in entry.given or "doorbell" in entry.given):
        raise TophalfError("a ring of one place holds nothing", entry.where("depth"), f"{DEPTH_OF_RING} or more: one stays empty")
    if entry.ready & entry.idle:
        raise TophalfError("a bit cannot be both ready and idle", entry.where("idle"), "choose another bit")
    return _numbers(entry)


def _numbers(entry):
    found, taken = {"status": None}, {}
    for role in ROLES:
        number = getattr(entry, role)
        if number is None or number < 0:
            continue
        if number >= entry.registers:
            raise TophalfError(f"there is no register {number:#x}", entry.where(role), "give registers, one more than the last")
        if {role, taken.setdefault(number, role)} not in ({role}, {"data", "start"}):
            raise TophalfError(f"register {number:#x} is {taken[number]} already", entry.where(role), "choose another")
        found[role] = number
    return found


def arrivals(scenario, entry):
    """When it wants attention, as Builder.set_arrivals takes it; None for never, or only when the driver asks."""
    if entry.recorded:
        path = os.path.join(os.path.dirname(scenario.path or ""), entry.recorded)
        return ("times", recorded_times(path, entry.where("recorded")))
    return arrivals_of(entry) if entry.rate or entry.arrivals == "times" else None


def recorded_times(path, where):
    """ns of each line of a file: its first word, ns or a time with its unit; what follows #, and empty lines, are skipped."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read(20 * TIMES_MAX).splitlines()
    except (OSError, ValueError) as error:
        raise TophalfError(f"cannot read {path}: {error}", where, "name a text file beside this one") from None
    if len(lines) > TIMES_MAX:
        raise TophalfError(f"{path} has more than {TIMES_MAX:,} lines", where, "take a part of it")
    found = []
    for number, line in enumerate(lines, 1):
        word = (line.partition("#")[0].replace(",", " ").split() or [""])[0]
        if word:
            found.append(_time(word, path, number))
    return found


def _time(word, path, number):
    try:
        return duration_ns(int(word) if word.isdecimal() else word)
    except ValueError as error:
        raise TophalfError(str(error), f"{path}:{number}", "write one time a line, as its first word") from None
