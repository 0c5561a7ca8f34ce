"""What else a driver of [[nic]] does: adaptive moderation."""

from tophalf.errors import TophalfError
from tophalf.model import driverops as o
from tophalf.model import fields as f
from tophalf.model.buildmoderation import add_moderation

CHOSEN_BY_IT = ("rx_usecs", "rx_frames")


def check(nic):
    """Raises: TophalfError for what does not go together."""
    if nic.adaptive == "off":
        return
    if nic.mode != "napi":
        raise TophalfError(f"mode = {nic.mode} moderates nothing", nic.where("adaptive"), "leave adaptive out, or mode")
    for key in CHOSEN_BY_IT if nic.adaptive.startswith("dim") else ("interval",):
        if key in nic.given:
            raise TophalfError(f"adaptive = {nic.adaptive} chooses it", nic.where(key), "leave one of them out")


def add_to_queue(builder, nic, name, napi):
    """The moderation of one queue."""
    if nic.adaptive != "off":
        cost = builder.cost(nic.dim_cost, f"dim of {name}") if nic.adaptive.startswith("dim") else 0
        add_moderation(builder, napi, nic.adaptive, nic.packet_bytes, cost)


def begin_handler(builder, code, napi):
    """What the interrupt handler does before it schedules NAPI."""
    if builder.memory[napi + f.N_DIM]:
        code(o.OP_DRIVER_EVENT, builder.memory[napi + f.N_DIM])
