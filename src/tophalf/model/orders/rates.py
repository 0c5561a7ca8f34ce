"""Orders on loads: a NIC or device gets another rate of arrivals.

No order to the machine: the world around it changes. It is known before the run and built into the arrivals (`buildrates`); what
stands among the answers says when. Left out: bursts and recorded times, which have no rate to change.
"""

from tophalf.errors import TophalfError
from tophalf.model.net.buildrates import change_rate

KINDS = ("constant", "poisson")
RATE_MAX = 10**9  # a second and queue: the clock has nanoseconds


def set_rate(builder, value, where, time_ns):
    """value: {of, rate}."""
    sources = builder.about.get("sources", {})
    if value["of"] not in sources:
        names = ", ".join(sources) or "the devices"
        raise TophalfError(f"nothing called {value['of']} has arrivals", where, f"name one of {names}")
    kind, queues, rates_of = sources[value["of"]]
    if kind not in KINDS:
        raise TophalfError(f"arrivals = {kind} have no rate to change", where, f"make them {' or '.join(KINDS)}")
    if value["rate"] > RATE_MAX * len(queues):
        raise TophalfError(f"{value['rate']:,} a second are too many", where, f"at most {RATE_MAX:,} a second and queue")
    for number, (queue, rate) in enumerate(zip(queues, rates_of(value["rate"]), strict=True)):
        turn_ns = 10**9 * number // value["rate"] if value["rate"] and kind == "constant" else 0  # queues take turns
        change_rate(builder, queue, kind, time_ns, time_ns + turn_ns, rate)
    return f"{value['of']} gets {value['rate']:,} a second", lambda world: (0, None)
