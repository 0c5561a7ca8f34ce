"""What else a driver of [[nic]] does: adaptive moderation, sent packets."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.net import driverfields as d
from tophalf.model.net import driverops as o
from tophalf.model.net.buildmoderation import add_moderation
from tophalf.model.net.buildtx import add_tx
from tophalf.scenario.sections.nic import RATE_MAX

CHOSEN_BY_IT = ("rx_usecs", "rx_frames")


def check(nic):
    """Raises: TophalfError for what does not go together."""
    if sends(nic) and nic.mode not in ("napi", "handler"):
        raise TophalfError(f"mode = {nic.mode} sends nothing", nic.where("tx_rate" if nic.tx_rate else "forward"), "choose another")
    if nic.tx_rate > RATE_MAX * nic.queues:
        do = f"at most {RATE_MAX:,} a second and queue"
        raise TophalfError(f"{nic.tx_rate:,} packets a second are too many", nic.where("tx_rate"), do)
    if nic.forward and nic.mode != "napi":
        raise TophalfError("only a poll sends on what it received", nic.where("forward"), 'leave it out, or say mode = "napi"')
    if nic.adaptive == "off":
        return
    if nic.mode != "napi":
        raise TophalfError(f"mode = {nic.mode} moderates nothing", nic.where("adaptive"), "leave adaptive out, or mode")
    for key in CHOSEN_BY_IT if nic.adaptive.startswith("dim") else ("interval",):
        if key in nic.given:
            raise TophalfError(f"adaptive = {nic.adaptive} chooses it", nic.where(key), "leave one of them out")


def sends(nic):
    """Whether the device sends."""
    return nic.tx_rate > 0 or nic.forward > 0


def add_to_queue(builder, nic, number, queue):
    """The moderation of one queue, and what it sends."""
    napi, name = builder.memory[queue + f.Q_NAPI], f"{nic.name}-rx-{number}"
    if nic.adaptive != "off":
        cost = builder.cost(nic.dim_cost, f"dim of {name}") if nic.adaptive.startswith("dim") else 0
        add_moderation(builder, napi, nic.adaptive, nic.packet_bytes, cost)
    if sends(nic):
        _add_tx(builder, nic, number, queue, name)


def _add_tx(builder, nic, number, queue, name):
    rate = nic.tx_rate // nic.queues + (number < nic.tx_rate % nic.queues)
    clean, free = builder.cost(nic.tx_cost, f"tx of {name}"), builder.cost(nic.tx_free_cost, f"tx freed of {name}")
    add_tx(
        builder, queue, name, clean, nic.tx_wire, nic.ring, nic.tx_work_limit, (nic.tx_arrivals, rate) if rate else None,
        nic.forward * 10, nic.tx_usecs * 1000, nic.tx_frames, free if nic.mode == "handler" else 0,
    )  # fmt: skip


def begin_handler(builder, code, queue):
    """What the interrupt handler does first. Returns its send queue where it cleans that, else 0."""
    napi = builder.memory[queue + f.Q_NAPI]
    if napi and builder.memory[napi + f.N_DIM]:
        code(o.OP_DRIVER_EVENT, builder.memory[napi + f.N_DIM])
    if napi or not builder.sending or builder.memory[builder.sending[-1] + d.TX_QUEUE] != queue:
        return 0
    code(o.OP_TX_CLEAN, builder.sending[-1])
    code(o.OP_TX_FREE, builder.sending[-1])
    return builder.sending[-1]
