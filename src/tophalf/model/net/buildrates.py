"""Rates of arrivals, and rates that change at moments known before the run.

Arrivals depend on nothing else in the world: a change is part of them, no event. `nicplan` steps from one rate to the next.
"""

from tophalf.model import fields as f
from tophalf.model.ground.rng import EXP_BITS


def period_of(kind, rate):
    """(Q_PERIOD, Q_PERIOD_FRACTION, Q_PERIOD_WHOLE) of so many a second; NEVER for 0."""
    if not rate:
        return f.NEVER, 0, 0
    if kind == "poisson":
        return 10**9 // rate, (10**9 % rate << EXP_BITS) // rate, 0
    return 10**9 // rate, 10**9 % rate, rate


def change_rate(builder, queue, kind, time_ns, first_ns, rate):
    """From time_ns on a queue, or a device's source, gets `rate` a second, the first at first_ns. kind: constant or poisson."""
    m = builder.memory
    start_ns, changes = builder.rate_changes.setdefault(queue, (m[queue + f.Q_NEXT], []))
    changes.append((time_ns, first_ns if rate else f.NEVER, *period_of(kind, rate)))
    changes.sort(key=lambda change: change[0])  # those of one moment stay in order: the last one holds
    m[queue + f.Q_ARRIVALS], m[queue + f.Q_NEXT] = f.CHANGING, start_ns
    if kind == "poisson" and not m[queue + f.Q_RNG]:
        m[queue + f.Q_RNG] = m.stream(builder.numbered("arrivals that change"))
    m[queue + f.Q_TIMES], m[queue + f.Q_TIMES_LEFT] = m.put([word for change in changes for word in change]), len(changes)
    if start_ns == f.NEVER:  # nothing comes before the first change: begin with it
        _, m[queue + f.Q_NEXT], *period = changes[0]
        m[queue + f.Q_PERIOD], m[queue + f.Q_PERIOD_FRACTION], m[queue + f.Q_PERIOD_WHOLE] = period
        m[queue + f.Q_TIMES] += f.CHANGE_SIZE
        m[queue + f.Q_TIMES_LEFT] -= 1
