"""NAPI's calls: as instructions, and in probe."""

from tophalf.model import fields as f
from tophalf.model.code import codeops as c
from tophalf.model.code import deviceops as d
from tophalf.model.code.buildnapi import poll_program
from tophalf.model.code.objects import Local
from tophalf.model.code.operands import address_of, object_of
from tophalf.model.ops import OP_JUMP

DISABLE_USECS = 200  # usleep_range(20, 200)


def _schedule(generator, writer, node, target):
    writer.write(d.CODE_NAPI_SCHEDULE, target, object_of(generator, writer, node))
    return Local(slot=target)


def _complete_done(generator, writer, node, target):
    writer.write(d.CODE_NAPI_COMPLETE, target, address_of(writer, node.args[0], "napi"), writer.number(node.args[1]))
    return Local(slot=target)


def _enable(generator, writer, node, target):
    writer.write(d.CODE_NAPI_ENABLE, object_of(generator, writer, node))
    return 0


def _disable(generator, writer, node, target):
    """Sleeps between one look and the next."""
    again, done, napi = writer.new_label(), writer.new_label(), object_of(generator, writer, node)
    writer.label(again)
    writer.write(d.CODE_NAPI_DISABLE, target, napi)
    writer.write(c.CODE_NONZERO, target, done)
    writer.write(c.CODE_SET, target, DISABLE_USECS)
    writer.write(c.CODE_SLEEP, target, 1000)
    writer.write(OP_JUMP, again)
    writer.label(done)
    return 0


def _poll(generator, napi, function):
    """The program that polls for an instance, whose name is its device's from now on."""
    builder, driver = generator.builder, generator.driver
    poll, polled = poll_program(builder, napi.address, generator.function(function, (napi, None)))
    builder.code_places.append((polled, [driver.functions[function].lineno], driver.path, function))
    builder.memory[napi.address + f.N_NAME] = builder.memory.name(napi.device.name)
    return poll


def _add(generator, writer, node, target):
    """netif_napi_add while the driver runs: disabled, as one that probe adds."""
    napi = address_of(writer, node.args[0], "napi")
    for word, number in ((f.N_POLL, _poll(generator, writer.value(node.args[0]), node.args[1].id)), (f.N_STATE, f.NAPI_SCHED)):
        writer.write(c.CODE_SET, target, number)
        writer.write(c.CODE_STORE, napi + word, target)
    return 0


def _netif_napi_add(probe, node, napi, function):
    """Disabled at first (netif_napi_add_weight)."""
    probe.memory[napi.address + f.N_POLL] = _poll(probe.generator, napi, function)
    return 0


def _napi_enable(probe, node, napi):
    if not probe.memory[napi.address + f.N_STATE] & f.NAPI_SCHED:
        probe.refuse(node, "napi_enable of what is enabled (BUG_ON in net/core/dev.c)", "enable it once")
    probe.memory[napi.address + f.N_STATE] &= ~f.NAPI_SCHED
    return 0


WRITERS = {
    "netif_napi_add": _add, "napi_schedule": _schedule, "napi_complete_done": _complete_done, "napi_enable": _enable,
    "napi_disable": _disable,
}  # fmt: skip
REGISTRARS = {"netif_napi_add": _netif_napi_add, "napi_enable": _napi_enable}
