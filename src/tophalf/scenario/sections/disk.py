"""[[disk]]: a block device with hardware queues: how many, their interrupts, what the device and its driver take."""

from tophalf.scenario.schema import Key, Section

SECTION = Section(
    "disk",
    "a block device with hardware queues; [[job]] reads from it",
    {
        "name": Key("name", "nvme0n1", "its name"),
        "driver": Key("text", "nvme", "its driver: nvme has managed interrupts, and one for its own commands before those",
                      choices=("nvme", "ahci")),
        "node": Key("int", 0, "its NUMA node", 0, 1023),
        "queues": Key("int", None, "hardware queues with an interrupt; when left out one a CPU for nvme, one for ahci", 1, 1024),
        "poll_queues": Key("int", 0, "hardware queues without one, for jobs that poll (nvme.poll_queues=)", 0, 1024),
        "irq": Key("int", 64, "number of its first interrupt", 0, 1 << 20),
        "cpu": Key("cpu", None, "driver = ahci: the CPU of its interrupt; the first it may come to when left out"),
        "rq_affinity": Key("int", 1, "where requests are finished: 0 where the interrupt came, 1 on a CPU with the submitter's "
                           "cache, 2 on the submitter's", 0, 2),
        "irq_poll": Key("bool", False, "whether its driver leaves completions to the softirq IRQ_POLL"),
        "channels": Key("int", 8, "requests that the device serves at a time", 1, 65536),
        "service": Key("cost", ("constant", 80_000), "what a request takes there"),
        "handler_cost": Key("cost", ("constant", 300), "the interrupt handler, whatever it finds"),
        "cqe_cost": Key("cost", ("constant", 100), "a completion that the driver sees"),
        "complete_cost": Key("cost", ("constant", 900), "finishing a request, on the CPU that does"),
    },
    many=True,
)  # fmt: skip
