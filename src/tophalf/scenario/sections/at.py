"""[[at]]: an order at a moment: what an administrator does to the machine while it runs.

`time` and one verb. Each verb is a key here and a function of its name in model/orders/.
"""

from tophalf.scenario.schema import REQUIRED, Key, Section

_LINE = Key("irq", REQUIRED, "the interrupt, by its number or by an action's name")

VERBS = {
    "set_affinity": Key("table", None, "a write to /proc/irq/N/smp_affinity: { irq, cpus } or { irq, mask }", of={
        "irq": _LINE, "cpus": Key("cpus", None, "CPUs as a list"), "mask": Key("mask", None, "CPUs in hexadecimal"),
    }),
    "disable_irq": Key("irq", None, "its driver switches an interrupt off, lazily; it nests"),
    "enable_irq": Key("irq", None, "its driver switches it on again"),
    "offline": Key("cpu", None, "a CPU goes offline, as by a write of 0 to /sys/devices/system/cpu/cpuN/online"),
    "online": Key("cpu", None, "it comes back"),
    "rate": Key("table", None, "a NIC or device, by its name, gets another rate: { of, rate }", of={
        "of": Key("name", REQUIRED, "its name"), "rate": Key("rate", REQUIRED, "arrivals a second, all queues together"),
    }),
    "insmod": Key("name", None, "a [[driver]] is loaded: a task runs its probe; if that is its first order, not at boot"),
    "rmmod": Key("name", None, "a [[driver]] is unloaded: a task runs its remove"),
    "suspend": Key("duration", None, "freezable workqueues are frozen and devices' interrupts off, for so long", 1),
}  # fmt: skip

SECTION = Section(
    "at",
    "an order at a moment: the time and one verb",
    {"time": Key("duration", REQUIRED, "when, from the beginning of the run"), **VERBS},
    many=True,
)
