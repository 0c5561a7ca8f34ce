"""[[irqbalance]]: the daemon that moves interrupts from CPU to CPU; one at the most."""

from tophalf.scenario.schema import Key, Section

SECTION = Section(
    "irqbalance",
    "the daemon irqbalance; it is there where this section is",
    {
        "start": Key("duration", 0, "when it starts"),
        "interval": Key("duration", 10_000_000_000, "how often it looks (-t), whole seconds", 1_000_000_000),
        "banned_irqs": Key("list", (), "interrupts that it leaves alone (--banirq), by number or name", of="irq"),
        "banned_cpus": Key("cpus", None, "CPUs that it keeps off (IRQBALANCE_BANNED_CPULIST); isolated ones when left out"),
        "cpu": Key("cpu", None, "the CPU that it runs on; the first that it may use when left out"),
        "cost": Key("cost", ("constant", 1_000_000), "what it takes to read its files"),
    },
    many=True,
)
