"""[[timer]]: a driver's timer that comes again and again, as samplers and watchdogs have them."""

from tophalf.scenario.schema import REQUIRED, Key, Section

SECTION = Section(
    "timer",
    "a timer of a driver that starts itself again",
    {
        "name": Key("name", "sampler", "its name, for people"),
        "kind": Key("text", "wheel", "wheel: whole jiffies, coarser the longer, in the softirq TIMER; hrtimer: in the hardirq; "
                    "soft: an hrtimer in the softirq HRTIMER", choices=("wheel", "hrtimer", "soft")),
        "period": Key("duration", REQUIRED, "from one run to the next", 1),
        "cpus": Key("cpus", (0,), "a timer on each of these CPUs"),
        "cost": Key("cost", ("constant", 2_000), "its function"),
    },
    many=True,
)  # fmt: skip
