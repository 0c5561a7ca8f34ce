"""Steps of drivers that can be meant by `awkward`, and what a scenario means by it.

FUNCTION:LINE, FUNCTION:LINE@next, FUNCTION:LINE#2: a step is a statement, named by its function and its line; where several files
have such a one, the file of the device's own driver is meant. The CPU that does it is interrupted, with @next the one after it; #
is how manieth time the step is done, 1 when left out. "*" means no moment: the world is built for them all the same, so that worlds
of one scenario differ only in what is meant.
"""

import re

from tophalf.errors import TophalfError
from tophalf.model.check import awkward as a

FORM = re.compile(r"([A-Za-z_]\w*):(\d+)(@next)?(?:#(\d+))?")
TIMES_MAX = 1 << 30


class Moment:
    """function, line; is_next: whether the next CPU is interrupted; time: from 1 on."""

    def __init__(self, function, line, is_next=False, time=1):
        self.function, self.line, self.is_next, self.time = function, line, is_next, time

    def __str__(self):
        return f"{self.function}:{self.line}{'@next' if self.is_next else ''}{'' if self.time == 1 else f'#{self.time}'}"


def begin(builder, scenario):
    """Before the drivers' programs are made: whether they have steps that can be meant."""
    if any(entry.awkward for entry in scenario.all("driver")):
        builder.awkward, builder.steps = builder.memory.take(a.AWKWARD_SIZE), {}
        builder.memory[builder.awkward + a.AW_TIME] = -1


def end(builder, scenario):
    """After them: what is meant. Raises: TophalfError for a step that there is none of, or two moments."""
    meant = [(entry, device) for entry, device in zip(scenario.all("driver"), builder.coded, strict=True)
             if entry.awkward not in ("", "*")]  # fmt: skip
    if len(meant) > 1:
        raise TophalfError("two awkward moments", meant[1][0].where("awkward"), "give one, as driver.0.awkward")
    for entry, device in meant:
        arm(builder, builder.memory, device, _moment(builder, entry, device))


def _moment(builder, entry, device):
    match = FORM.fullmatch(entry.awkward)
    if match is None:
        do = "write FUNCTION:LINE, with @next for the CPU after that one"
        raise TophalfError(f"{entry.awkward!r} is no moment", entry.where("awkward"), do)
    function, line, time = match[1], int(match[2]), int(match[4] or 1)
    if step_of(builder, device, function, line) is None:
        known = sorted(step for _, name, step in builder.steps if name == function)
        do = f"its statements begin at lines {', '.join(map(str, known))}" if known else "name a function that runs"
        raise TophalfError(f"no statement of {function} begins at line {line}", entry.where("awkward"), do)
    if not 0 < time < TIMES_MAX:
        raise TophalfError(f"{entry.awkward!r} names no time of it", entry.where("awkward"), "write #2 for the second time")
    return Moment(function, line, bool(match[3]), time)


def step_of(builder, device, function, line):
    """The number of a step by its function and line, in the device's driver or else in another; None for none."""
    own = builder.steps.get((device.generator.driver.path, function, line))
    return own or next((number for (_, *step), number in builder.steps.items() if step == [function, line]), None)


def arm(builder, m, device, moment):
    """Mean a moment in a memory."""
    block = builder.awkward
    m[block + a.AW_STEP] = step_of(builder, device, moment.function, moment.line)
    m[block + a.AW_LEFT] = moment.time
    m[block + a.AW_REGISTERS] = device.registers
    m[block + a.AW_NEXT] = int(moment.is_next)
