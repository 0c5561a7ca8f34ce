"""[nmi]: counters that interrupt with NMIs, as perf and the hard lockup detector have them."""

from tophalf.scenario.schema import Key, Section

SECTION = Section(
    "nmi",
    "NMIs of a performance counter on each CPU while it is not idle",
    {
        "rate": Key("rate", 0, "so many a second on a CPU; perf record takes 4000, the hard lockup detector 0.1", 0, 100_000),
        "cpus": Key("cpus", None, "these CPUs; all CPUs when left out"),
        "cost": Key("cost", ("constant", 2_000), "the handler; assumed"),
    },
)
