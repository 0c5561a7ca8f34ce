"""[[task]]: something that wants the CPU: it computes, enters the kernel, sleeps, and begins again."""

from tophalf.scenario.schema import Key, Section

SECTION = Section(
    "task",
    "a task: computes, enters the kernel, sleeps, again",
    {
        "name": Key("name", "app", "its comm"),
        "cpus": Key("cpus", None, "one such task on each of these CPUs; on every CPU when left out"),
        "nice": Key("int", 0, "of the fair class", -20, 19),
        "fifo": Key("int", 0, "1 to 99: SCHED_FIFO with that priority; 0: the fair class", 0, 99),
        "run": Key("cost", ("constant", 1_000_000), "computes for so long"),
        "syscall": Key("cost", None, "then enters the kernel for so long, if given"),
        "fault": Key("cost", None, "then takes a page fault that is served for so long, if given"),
        "call_rcu": Key("int", 0, "and leaves so many callbacks to RCU each time; see softirqs.rcu_core", 0, 10_000),
        "sleep": Key("duration", 0, "then sleeps; 0: never"),
    },
    many=True,
)
