"""Whether a driver has given a line back that it still uses: a word for each line of a driver that frees any."""

from tophalf.driver.api import CALLS
from tophalf.driver.roles import kernel_calls
from tophalf.model.check import checkops as o
from tophalf.model.code import codeops as c

USES = {name for name, call in CALLS.items() if call.effect in ("irq_use", "wait_irq", "free_irq")}


def frees_lines(driver):
    """Whether it does so anywhere."""
    return any(call.func.id == "free_irq" for call in kernel_calls(driver))


def check_use(generator, writer, node, number):
    """Before a call about the line of that number."""
    if generator.freed is not None and isinstance(number, int):
        memory = generator.builder.memory
        writer.write(o.CHECK_USE, _word(generator, number), memory.name(node.func.id), number)


def note_freed(generator, writer, number, freed):
    """The line has been given back, or asked for again. freed: 1 or 0."""
    if generator.freed is not None:
        slot = writer.room()
        writer.write(c.CODE_SET, slot, freed)
        writer.write(c.CODE_STORE, _word(generator, number), slot)


def _word(generator, number):
    if number not in generator.freed:
        generator.freed[number] = generator.builder.memory.take(1)
    return generator.freed[number]
