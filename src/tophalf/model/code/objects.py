"""What a driver's names stand for while its program is made: devices, and the locks, works, tasklets ... that are their attributes.

A device is known when a program is made, so each function becomes a program of its own for each device it is called with, in which
attributes are addresses. Left out: devices as attributes of devices, and names that are now this device and now another.
"""

import ast

from tophalf.driver.api import CALLS, OBJECTS
from tophalf.driver.roles import kernel_calls
from tophalf.frozen import Frozen
from tophalf.model.code.buildcode import add_lock
from tophalf.model.code.buildnapi import add_napi
from tophalf.model.code.waitfields import COMPLETION_SIZE, RWLOCK_SIZE
from tophalf.model.irq.builddevices import add_tasklet
from tophalf.model.timer.buildtimers import add_timer
from tophalf.model.work.buildwork import add_work


class Local(Frozen):
    """A local of the frame. slot: its number."""

    __slots__ = ("slot",)


class Object:
    """kind: of api.OBJECTS; name: of the attribute; device: the Device it belongs to; address: in the world, 0 for none."""

    def __init__(self, kind, name, device, address=0):
        self.kind, self.name, self.device, self.address = kind, name, device, address


class Device:
    """One device of a driver. number: that `dev.irq` is; line: address of its descriptor, hardware: of the device on it, or 0;
    registers: their address, 0 for none; identity: an address of its own; words: {attribute: address of its number}; objects:
    {attribute: Object}."""

    def __init__(self, builder, driver, name, number=0, line=0, hardware=0, registers=0):
        self.builder, self.name, self.number, self.line = builder, name, number, line
        self.hardware, self.registers, self.identity = hardware, registers, builder.memory.take(1)
        self.generator = None
        self.kinds, self.words, self.objects = kinds_of_attributes(driver), {}, {}

    def word(self, name):
        """The address of an attribute that holds a number."""
        if name not in self.words:
            self.words[name] = self.builder.memory.take(1)
        return self.words[name]

    def object(self, name, kind):
        """The Object that is an attribute, made when first asked for."""
        if name not in self.objects:
            make = MAKERS.get(kind)
            address = make(self.builder, name) if make else 0
            self.objects[name] = Object(kind, name, self, address)
            self.builder.lock_names[address] = f"{self.name}.{name}"
        return self.objects[name]

    def takes(self, name, value):
        """Whether an Object that was made while the driver runs can be this attribute: for good, and nobody has asked before."""
        if name in self.objects and self.objects[name].address:
            return self.objects[name] is value
        self.objects[name] = value
        return True


MAKERS = {
    "spinlock": lambda builder, name: add_lock(builder),
    "mutex": lambda builder, name: add_lock(builder),
    "atomic": lambda builder, name: builder.memory.take(1),
    "percpu": lambda builder, name: builder.memory.take(len(builder.cpus)),
    "tasklet": lambda builder, name: add_tasklet(builder, name, 0),
    "work": lambda builder, name: add_work(builder, name, 0),
    "rwlock": lambda builder, name: builder.memory.take(RWLOCK_SIZE),
    "waitqueue": lambda builder, name: builder.memory.take(1),
    "task": lambda builder, name: builder.memory.take(1),  # where the address of the task is: it may be known later only
    "completion": lambda builder, name: builder.memory.take(COMPLETION_SIZE),
    "delayed_work": lambda builder, name: add_work(builder, name, 0),
    "napi": add_napi,
    "timer": lambda builder, name: add_timer(builder, name, program=0),
    "hrtimer": lambda builder, name: add_timer(builder, name, "hrtimer", program=0),
}


def kinds_of_attributes(driver):
    """{attribute: kind} of those that are no numbers: what the driver hands to the kernel as a lock, a work, ..."""
    found = {}
    for call in kernel_calls(driver):
        for kind, argument in zip(CALLS[call.func.id].params, call.args, strict=True):
            if kind in OBJECTS and isinstance(argument, ast.Attribute):
                found.setdefault(argument.attr, kind)
    return found
