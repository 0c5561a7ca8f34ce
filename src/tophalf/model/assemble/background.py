"""[softirqs] into what ticks raise for the load balancer and RCU."""

from tophalf.model.softirq.buildbackground import begin_background


def begin(builder, scenario):
    """Nothing where the scenario says nothing of them."""
    section = scenario.one("softirqs")
    costs = {name: builder.cost(getattr(section, name), name) for name in ("load_balance", "rcu_core") if getattr(section, name)}
    if costs:
        begin_background(builder, **costs, rcu_callback=builder.cost(section.rcu_callback, "rcu_callback"))
