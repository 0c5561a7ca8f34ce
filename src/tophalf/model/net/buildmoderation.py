"""Adaptive interrupt moderation of a queue, in a world that is being built: its state, its driver's poll, the item that applies."""

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.net import dim, moderation
from tophalf.model.net import driverfields as d
from tophalf.model.net import driverops as o
from tophalf.model.work.buildwork import add_work, system_workqueue

KINDS = {"dim": dim.RX_EQE, "dim_cqe": dim.RX_CQE, "e1000e": moderation.CONSERVATIVE, "e1000e_dynamic": moderation.DYNAMIC}


def add_moderation(builder, napi, kind, packet_bytes, apply_cost=0):
    """Moderate the queue of an instance. kind: one of KINDS; apply_cost: address of what a new profile costs to apply (DIM).

    Returns the address of its state. The handler has to tell of each interrupt: OP_DRIVER_EVENT with that address.
    """
    m = builder.memory
    block = m[napi + f.N_DIM] = m.take(d.MODERATION_SIZE)
    queue = m[block + d.A_QUEUE] = m[napi + f.N_QUEUE]
    m[block + d.A_BYTES] = packet_bytes
    let_driver_complete(builder, napi)
    if kind.startswith("dim"):
        _begin_dim(builder, block, queue, KINDS[kind], apply_cost)
    else:
        m[block + d.A_KIND], m[block + d.A_PROFILE], m[block + d.A_TUNE] = d.BY_E1000E, KINDS[kind], moderation.ITR_START
        m[queue + f.Q_ITR_NS] = moderation.interval_ns(moderation.ITR_START)
    return block


def _begin_dim(builder, block, queue, profiles, apply_cost):
    m = builder.memory
    m[block + d.A_KIND], m[block + d.A_PROFILE] = d.BY_DIM, dim.DEFAULT_PROFILE
    m[block + d.A_PROFILES] = m.put([word for profile in profiles for word in profile])
    usecs, m[queue + f.Q_FRAMES] = profiles[dim.DEFAULT_PROFILE]
    m[queue + f.Q_USECS_NS] = usecs * 1000
    code = Assembler()
    code.label("rx_dim_work")
    if apply_cost:
        code(ops.OP_SPEND, apply_cost)
    code(o.OP_DIM_APPLY, block)
    code(ops.OP_RET)
    m[block + d.A_WORK] = add_work(builder, "rx_dim_work", builder.program(code)["rx_dim_work"])
    m[block + d.A_WQ] = system_workqueue(builder, "system_wq")


def let_driver_complete(builder, napi):
    """A driver that does more than unmask its queue at the end of a poll."""
    m, at = builder.memory, builder.memory[napi + f.N_POLL]
    while m[at] != ops.OP_NAPI_COMPLETE:
        at += ops.STRIDE
    m[at] = o.OP_DRIVER_COMPLETE
