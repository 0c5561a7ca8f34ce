"""Counters that interrupt with NMIs, in a world that is being built."""

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.irq import nmifields as n
from tophalf.model.softirq.vectorops import OP_NMI_END


def add_nmi(builder, cpu, period_ns, cost, first_ns=None):
    """A counter of CPU number `cpu` that interrupts every period_ns (first_ns: for the first time). cost: of the handler, an
    address. Returns the source's address."""
    m = builder.memory
    code = Assembler()
    code.label("start")
    code(ops.OP_SPEND, cost)
    code(OP_NMI_END)
    source = m.take(n.NMI_SOURCE_SIZE)
    builder.timer(source, f.ON_NMI, source)
    m[source + n.NM_CPU], m[source + n.NM_PERIOD] = builder.cpus[cpu], period_ns
    m[source + n.NM_FIRST] = period_ns if first_ns is None else first_ns
    m[source + n.NM_PROGRAM] = builder.program(code)["start"]
    builder.nmis[cpu] = source
    return source
