"""[[driver]] into a device on its line, its registers, and the programs of its driver."""

import os

from tophalf.driver.subset import read_driver
from tophalf.errors import TophalfError
from tophalf.model.assemble.devices import FLOWS, share_line
from tophalf.model.assemble.hardware import arrivals, roles_of
from tophalf.model.assemble.lines import add_line, near_cpus
from tophalf.model.code.buildhardware import add_registers
from tophalf.model.code.generate import Generator
from tophalf.model.code.objects import Device
from tophalf.model.code.probe import Probe, is_registering_only
from tophalf.model.irq.builddevices import add_device
from tophalf.model.orders.modules import LOADED, Module, begins_absent, insmod
from tophalf.model.orders.order import add_order

LATENCY_NS_MAX = 3600 * 10**9  # an hour: devices test themselves, format, rewind


def add(builder, scenario, entry):
    """One device, and what its probe registers."""
    driver, roles = read_driver(_path(scenario, entry)), roles_of(entry)
    line = builder.irqs.get(entry.irq)
    if line is None:
        cpu = entry.cpu if entry.cpu is not None else None if entry.affinity else near_cpus(builder)[0]
        line = add_line(builder, entry.irq, FLOWS[entry.flow], entry.name, cpu, entry.affinity)
    else:
        share_line(builder, entry, [entry.name], line)
    hardware = add_device(builder, entry.name, line, entry.flow != "edge", arrivals(scenario, entry))
    registers = add_registers(
        builder, hardware, entry.registers, ready=entry.ready, idle=entry.idle, depth=entry.depth, units=entry.units,
        latency=builder.cost(entry.latency, f"latency of {entry.name}", LATENCY_NS_MAX), **roles,
    )  # fmt: skip
    device = Device(builder, driver, entry.name, entry.irq, line, hardware, registers)
    builder.coded.append(device)
    device.generator = Generator(builder, driver)
    module = builder.modules[entry.name] = Module(builder, device)
    if begins_absent(scenario, entry.name):
        return
    if not is_registering_only(driver):
        module.at_boot = True
        add_order(builder, 0, *insmod(builder, entry.name, entry.where()))
        return
    if "probe" in driver.functions or all(call.device != entry.name for call in scenario.all("call")):
        Probe(device.generator).run(device)  # one that is only called needs none
    builder.memory[module.state] = LOADED


def _path(scenario, entry):
    """The driver's file. Raises: TophalfError where none is named."""
    if entry.file:
        return os.path.join(os.path.dirname(scenario.path or ""), entry.file)
    if not scenario.path or not scenario.path.endswith(".py"):
        raise TophalfError("file is missing", entry.where(), "file: the driver, beside this file")
    return scenario.path
