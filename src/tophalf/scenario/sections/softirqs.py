"""[softirqs]: the softirqs that ticks raise for the load balancer and RCU, which cost nothing and do not run unless said."""

from tophalf.scenario.schema import Key, Section

SECTION = Section(
    "softirqs",
    "what the load balancer and RCU take at ticks; neither runs when left out",
    {
        "load_balance": Key("cost", None, "SCHED: looking for work to take over, each time it is a CPU's turn"),
        "rcu_core": Key("cost", None, "RCU: a run for grace periods and callbacks; call_rcu of a task gives it some"),
        "rcu_callback": Key("cost", ("constant", 300), "RCU: one callback"),
    },
)
