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
        "burst": Key("int", 64, "arrivals = bursts: interrupts in one, at that rate", 1, 1_000_000),
        "gap": Key("duration", 1_000_000, "arrivals = bursts: from a burst to the next"),
        "times": Key("list", (), "arrivals = times: when each comes", of="duration"),
        "recorded": Key("text", "", "a file beside this one with the times at which it wants attention, one a line"),
        "registers": Key("int", 256, "how many registers it has, numbered from 0", 1, 1 << 16),
        "status": Key("int", 0, "the register that says what it wants; written back acknowledges; -1: none", -1, 1 << 16),
        "ready": Key("int", 1, "the bits of status that are set while something that arrived waits", 1, 1 << 32),
        "enable": Key("int", None, "the register whose bits let those of status interrupt; at first none does", 0, 1 << 16),
        "mask": Key("int", None, "the register whose bits keep those of status from interrupting", 0, 1 << 16),
        "data": Key("int", None, "the register of a FIFO: reading takes the oldest that has arrived", 0, 1 << 16),
        "produced": Key("int", None, "the register of a ring that counts what has arrived, modulo depth", 0, 1 << 16),
        "consumed": Key("int", None, "the register of a ring to which the driver writes how far it has read", 0, 1 << 16),
        "depth": Key("int", 64, "places of the FIFO or the ring, and operations that may be under way", 1, 1 << 16),
        "start": Key("int", None, "the register that starts an operation when it is written", 0, 1 << 16),
        "doorbell": Key("int", None, "the register that starts operations up to what is written, modulo depth", 0, 1 << 16),
        "latency": Key("cost", ("constant", 10_000), "how long an operation takes; then it is what arrives"),
        "units": Key("int", 1, "operations that it works on at the same time", 1, 1024),
        "awkward": Key("text", "", "FUNCTION:LINE of a driver: when that is about to be done, the device interrupts the CPU; with "
                       "@next the one after it, with #2 the second time"),
        "idle": Key("int", 0, "the bits of status set while no operation is under way; its end is no arrival then", 0, 1 << 32),
    },
    many=True,
)  # fmt: skip
