"""Send queues of a world that is being built: what is sent, its driver's part of the poll or of the handler."""

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.net import driverfields as d
from tophalf.model.net import driverops as o
from tophalf.model.net.buildmoderation import let_driver_complete


def add_tx(builder, queue, name, clean_cost, wire_ns, ring=1024, limit=256, arrivals=None, share=0, usecs_ns=0, frames=0,
           free_cost=0):  # fmt: skip
    """The send queue beside a receive queue, on its line, cleaned by its NAPI instance if it has one.

    Args: clean_cost, free_cost: addresses of the costs of a packet cleaned, and freed by NET_TX where an interrupt cleans; wire_ns:
    how long the device sends a packet; limit: packets cleaned a poll at the most. arrivals: when others send, as
    Builder.set_arrivals takes it; share: of received packets, in thousandths, that are sent on. Returns its address.
    """
    m = builder.memory
    tx = m.take(d.TX_SIZE)
    m[tx + d.TX_QUEUE], m[tx + d.TX_SHARE], m[tx + d.TX_WIRE_NS], m[tx + d.TX_RING] = queue, share, wire_ns, ring
    m[tx + d.TX_USECS_NS], m[tx + d.TX_FRAMES], m[tx + d.TX_COST] = usecs_ns, frames, clean_cost
    m[tx + d.TX_SLOTS] = m.take(ring)
    m[tx + d.TX_LIMIT], m[tx + d.TX_FREE_COST] = limit, free_cost
    builder.timer(tx + d.TX_TIMER, f.ON_TX, tx)
    if arrivals:
        m[tx + d.TX_SOURCE] = m.take(f.QUEUE_SIZE)
        builder.set_arrivals(m[tx + d.TX_SOURCE], f"sent by {name}", *arrivals)
    builder.sending.append(tx)
    m[m[f.G_ACTIONS] + vocab.NET_TX] = builder.routines["net_tx"]
    if m[queue + f.Q_NAPI]:
        _clean_in_poll(builder, m[queue + f.Q_NAPI], tx)
    return tx


def _clean_in_poll(builder, napi, tx):
    """The driver's poll again, with the send queue first. The cost of a poll is its first instruction."""
    m, begins = builder.memory, builder.memory[napi + f.N_POLL]
    assert m[begins] == ops.OP_SPEND, "a poll of packets that a handler has taken cleans nothing"
    if not m[napi + f.N_DIM]:
        let_driver_complete(builder, napi)
    code = Assembler()
    code.label("poll")
    code(ops.OP_SPEND, m[begins + 1])
    code(o.OP_TX_CLEAN, tx)
    code(ops.OP_JUMP, begins + ops.STRIDE)
    m[napi + f.N_POLL], m[napi + f.N_TX] = builder.program(code)["poll"], tx
