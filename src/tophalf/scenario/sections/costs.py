"""[costs]: what steps of the kernel and of a driver cost, one by one or from a table."""

from tophalf.scenario.schema import Key, Section

KERNEL = {
    "irq_entry": "from an interrupt's arrival to its handler",
    "irq_exit": "from its end to what it interrupted",
    "softirq_entry": "into handle_softirqs",
    "syscall": "into the kernel and back",
    "page_fault": "a minor fault",
    "context_switch": "from one task to another",
    "ipi": "from one CPU to another",
    "timer_tick": "the tick's own work",
    "cache_cold": "what a task of user space loses where another one ran since",
}
DRIVER = {
    "handler": "a network device's interrupt handler, where its handler_cost is not said",
    "poll": "a poll, where its poll_cost is not said",
    "packet": "a packet, where its packet_cost is not said",
}  # fmt: skip
MEANINGS = KERNEL | DRIVER

SECTION = Section(
    "costs",
    "what steps of the kernel and of a driver cost",
    {"table": Key("text", "assumed", "where they come from: assumed, or a file that `tophalf costs --measure` wrote")}
    | {name: Key("cost", None, text) for name, text in MEANINGS.items()},
)
