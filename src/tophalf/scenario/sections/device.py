"""[[device]]: a device with an interrupt, alone or on a shared line: its handler, and what that defers."""

from tophalf.scenario.schema import REQUIRED, Key, Section

SECTION = Section(
    "device",
    "a device with an interrupt; those of one irq share its line",
    {
        "name": Key("name", REQUIRED, "its action's name"),
        "irq": Key("int", REQUIRED, "the number of its first interrupt", 0, 1 << 20),
        "queues": Key("int", 1, "lines, numbered from irq on, that share what comes: nvme0q1, nvme0q2 ...", 1, 1024),
        "event_lines": Key("int", 0, "lines before those, for events of the device that never come", 0, 64),
        "flow": Key("text", "edge", "how the line is handled", choices=("edge", "level", "fasteoi")),
        "cpu": Key("cpu", None, "the CPU that it is delivered to; the first it may come to when left out"),
        "affinity": Key("cpus", None, "the mask that was written to its smp_affinity"),
        "affinity_hint": Key("cpus", None, "what its driver advises"),
        "managed": Key("bool", False, "whether the kernel manages its mask, as a storage queue's, and refuses others"),
        "rate": Key("rate", 0, "interrupts a second", 0, 10_000_000),
        "arrivals": Key("text", "constant", "how they come", choices=("constant", "poisson", "bursts", "times")),
        "burst": Key("int", 64, "arrivals = bursts: interrupts in one, at that rate", 1, 1_000_000),
        "gap": Key("duration", 1_000_000, "arrivals = bursts: from a burst to the next"),
        "times": Key("list", (), "arrivals = times: when each comes", of="duration"),
        "handler_cost": Key("cost", ("constant", 2_000), "the handler"),
        "answer": Key("text", "handled", "what the handler says of an interrupt of its device", choices=("handled", "none")),
        "acknowledge": Key("bool", True, "whether the handler clears what a level line is raised by"),
        "defer": Key("text", "nothing", "what the handler leaves for later, and to whom",
                     choices=("nothing", "thread", "tasklet", "hi_tasklet", "work")),
        "deferred_cost": Key("cost", ("constant", 0), "the deferred part"),
        "workqueue": Key("text", "system_wq", "defer = work: a [[workqueue]], or one of the kernel's by its variable"),
        "oneshot": Key("bool", False, "defer = thread: the line stays masked until the thread is done"),
    },
    many=True,
)  # fmt: skip
