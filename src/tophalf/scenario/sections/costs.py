"""[costs]: what the kernel's own steps cost, by the names of model/build.py COST_NAMES."""

from tophalf.scenario.schema import Key, Section

_ASSUMED = {
    "irq_entry": "from an interrupt's arrival to its handler",
    "irq_exit": "from its end to what it interrupted",
    "softirq_entry": "into handle_softirqs",
    "syscall": "into the kernel and back",
    "page_fault": "a minor fault",
    "context_switch": "from one task to another",
    "ipi": "from one CPU to another",
    "timer_tick": "the tick's own work",
}

SECTION = Section("costs", "what the kernel's own steps cost", {name: Key("cost", None, text) for name, text in _ASSUMED.items()})
