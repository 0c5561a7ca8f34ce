"""[[driver]]: a device whose driver is written in Python, and runs as it is written."""

from tophalf.scenario.schema import REQUIRED, Key, Section

SECTION = Section(
    "driver",
    "a device with a driver in Python; those of one irq share its line",
    {
        "name": Key("name", REQUIRED, "the device's name"),
        "file": Key("text", "", "the driver, beside this file; left out where the scenario stands in the driver's own file"),
        "irq": Key("int", REQUIRED, "the number of its interrupt: dev.irq", 0, 1 << 20),
        "flow": Key("text", "edge", "how the line is handled", choices=("edge", "level", "fasteoi")),
        "cpu": Key("cpu", None, "the CPU that it is delivered to; the first it may come to when left out"),
        "affinity": Key("cpus", None, "the mask that was written to its smp_affinity"),
        "rate": Key("rate", 0, "how often a second the device wants attention", 0, 10_000_000),
        "arrivals": Key("text", "constant", "how they come", choices=("constant", "poisson", "bursts", "times")),
        "burst": Key("int", 64, "arrivals = bursts: interrupts in one", 1, 1_000_000),
        "gap": Key("duration", 1_000_000, "arrivals = bursts: from a burst to the next"),
        "times": Key("list", (), "arrivals = times: when each comes", of="duration"),
        "registers": Key("int", 256, "how many registers it has, numbered from 0", 1, 1 << 16),
        "status": Key("int", 0, "the register that says whether it wants attention; written back it acknowledges", 0, 1 << 16),
        "ready": Key("int", 1, "the bits of that register which say so", 1, 1 << 32),
    },
    many=True,
)  # fmt: skip
