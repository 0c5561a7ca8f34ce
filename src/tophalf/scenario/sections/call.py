"""[[call]]: tasks that enter a function of a driver: its read, its write, an ioctl, as a program's system calls do."""

from tophalf.scenario.schema import REQUIRED, Key, Section

SECTION = Section(
    "call",
    "tasks that enter a function of a driver in Python, as system calls do: compute, call, sleep, again",
    {
        "device": Key("name", REQUIRED, "the [[driver]] whose function it is"),
        "function": Key("name", REQUIRED, "the function; it is called with the device and the arguments"),
        "arguments": Key("list", (), "what follows the device: whole numbers", -(1 << 63), (1 << 63) - 1, of="int"),
        "name": Key("name", "", "the tasks' comm; the function when left out"),
        "cpus": Key("cpus", None, "tasks on each of these CPUs; on CPU 0 when left out"),
        "tasks": Key("int", 1, "how many on each of them", 1, 1000),
        "nice": Key("int", 0, "of the fair class", -20, 19),
        "fifo": Key("int", 0, "1 to 99: SCHED_FIFO with that priority; 0: the fair class", 0, 99),
        "rate": Key("rate", 0, "calls a second and task, one that is late at once; 0: one after the other", 0, 10_000_000),
        "arrivals": Key("text", "constant", "with a rate: when they are due", choices=("constant", "poisson")),
        "run": Key("cost", ("constant", 0), "computes for so long before each call"),
        "sleep": Key("duration", 0, "sleeps for so long after each call; 0: not at all"),
    },
    many=True,
)
