"""[[work]]: work items of one function: what it does, on which workqueue, who queues them and when."""

from tophalf.scenario.schema import REQUIRED, Key, Section

SECTION = Section(
    "work",
    "work items: what they do, where, and when they are queued",
    {
        "name": Key("name", REQUIRED, "the function's name"),
        "workqueue": Key("text", "system_wq", "a [[workqueue]], or one of the kernel's by its variable"),
        "steps": Key("list", (), "what it does: run COST, sleep TIME, queue NAME, cancel NAME, flush NAME", of="step"),
        "items": Key("int", 1, "so many items, queued in turn", 1, 512),
        "rate": Key("rate", 0, "items queued a second; 0: only others queue them", 0, 1_000_000),
        "arrivals": Key("text", "constant", "how they come", choices=("constant", "poisson", "bursts", "times")),
        "burst": Key("int", 64, "arrivals = bursts: items in one, at that rate", 1, 1_000_000),
        "gap": Key("duration", 1_000_000, "arrivals = bursts: from a burst to the next"),
        "times": Key("list", (), "arrivals = times: when each is queued", of="duration"),
        "cpu": Key("cpu", 0, "the CPU that queues"),
        "context": Key("text", "hardirq", "from what", choices=("hardirq", "softirq", "task")),
        "on": Key("cpu", None, "queue_work_on: the CPU that is asked for; the one that queues when left out"),
        "delay": Key("duration", 0, "queue_delayed_work: so much later, in whole jiffies"),
    },
    many=True,
)
