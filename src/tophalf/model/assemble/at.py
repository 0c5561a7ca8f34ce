"""[[at]] into orders, each at its moment."""

from tophalf.errors import TophalfError
from tophalf.model.orders import AHEAD, PREPARE
from tophalf.model.orders.order import add_order


def add(builder, scenario, entry):
    """One order. Raises: TophalfError unless it has one verb, and for a thing that is not there."""
    verbs = PREPARE | AHEAD
    given = [verb for verb in verbs if getattr(entry, verb) is not None]
    if len(given) != 1:
        what = "more than one order" if given else "no order"
        raise TophalfError(f"{what} at this moment", entry.where(), f"give one of {', '.join(verbs)}")
    when = (entry.time,) if given[0] in AHEAD else ()
    text, carry_out = verbs[given[0]](builder, getattr(entry, given[0]), entry.where(given[0]), *when)
    add_order(builder, entry.time, text, carry_out)
