"""[[at]] into orders, each at its moment."""

from tophalf.errors import TophalfError
from tophalf.model.orders import PREPARE
from tophalf.model.orders.order import add_order


def add(builder, scenario, entry):
    """One order. Raises: TophalfError unless it has one verb, and for a thing that is not there."""
    given = [verb for verb in PREPARE if getattr(entry, verb) is not None]
    if len(given) != 1:
        what = "more than one order" if given else "no order"
        raise TophalfError(f"{what} at this moment", entry.where(), f"give one of {', '.join(PREPARE)}")
    text, carry_out = PREPARE[given[0]](builder, getattr(entry, given[0]), entry.where(given[0]))
    add_order(builder, entry.time, text, carry_out)
