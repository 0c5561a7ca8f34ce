"""Orders on CPUs: offline and online, a write to /sys/devices/system/cpu/cpuN/online.

drivers/base/cpu.c, kernel/cpu.c. The answer is that to the write's beginning: what follows (`hotplug`) takes its time, one CPU
after the other. Left out: the time that a writer waits for another's order on the same CPU (EBUSY here).
"""

from tophalf.model.cpu.buildhotplug import add_hotplug
from tophalf.model.irq import managefields as g
from tophalf.model.irq.manage import OFFLINE_CPU, ONLINE_CPU, command

WHY = {g.EACCES: "on x86 CPU 0 has no file online", g.EBUSY: "an order for this CPU waits already"}


def offline(builder, value, where):
    """value: the CPU's number."""
    return _order(builder, value, OFFLINE_CPU, "offline")


def online(builder, value, where):
    return _order(builder, value, ONLINE_CPU, "online")


def _order(builder, number, what, name):
    add_hotplug(builder)

    def carry_out(world):
        error = int(command(world.memory, what, builder.cpus[number]))
        return error, WHY.get(-error)

    return f"{name} of CPU {number}", carry_out
