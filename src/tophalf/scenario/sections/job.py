"""[[job]]: tasks that read from a [[disk]], as fio's jobs do: so many requests in flight, as fast as it goes or at a rate."""

from tophalf.scenario.schema import Key, Section

SECTION = Section(
    "job",
    "a task that reads from a disk, on each of its CPUs",
    {
        "name": Key("name", "fio", "its comm"),
        "disk": Key("name", "nvme0n1", "the [[disk]] that it reads from"),
        "cpus": Key("cpus", None, "one such task on each of these CPUs; on every CPU when left out"),
        "nice": Key("int", 0, "of the fair class", -20, 19),
        "fifo": Key("int", 0, "1 to 99: SCHED_FIFO with that priority; 0: the fair class", 0, 99),
        "depth": Key("int", 1, "requests in flight at the most", 1, 4096),
        "rate": Key("rate", 0, "requests a second and task; 0: another as soon as one is finished", 0, 10_000_000),
        "arrivals": Key("text", "constant", "with a rate: when they are submitted", choices=("constant", "poisson", "bursts")),
        "burst": Key("int", 64, "arrivals = bursts: requests in one, at that rate", 1, 1_000_000),
        "gap": Key("duration", 1_000_000, "arrivals = bursts: from a burst to the next"),
        "run": Key("cost", ("constant", 1_000), "what the program does besides, a request"),
        "submit_cost": Key("cost", ("constant", 1_500), "submitting a request, beside costs.syscall"),
        "poll": Key("bool", False, "whether it polls the disk's poll_queues instead of sleeping"),
        "poll_cost": Key("cost", ("constant", 500), "poll: a look at the queue"),
    },
    many=True,
)
