"""Arguments of kernel calls as what an instruction takes: addresses that are known when it is written, with their errors."""

from tophalf.driver.api import CALLS
from tophalf.model.code.objects import Object


def object_of(generator, writer, node):
    """The address of the last argument."""
    return address_of(writer, node.args[-1], CALLS[node.func.id].params[-1])


def address_of(writer, node, kind):
    """The address of an object of a kind; a delayed_work is a work, too."""
    value, works = writer.value(node), ("work", "delayed_work")
    if not isinstance(value, Object) or value.kind != kind and not {value.kind, kind} <= set(works) or not value.address:
        writer.refuse(node, "this object is not known here, or was never set up", "set it up in probe, and name it as dev.it")
    return value.address


def line_of(generator, writer, node):
    """The line of an IRQ's number."""
    number = writer.value(node.args[0])
    line = generator.builder.irqs.get(number) if isinstance(number, int) else None
    return line or writer.refuse(node, "the number of the IRQ is not known here", "write dev.irq")


FINDERS = {"object": object_of, "line": line_of}
