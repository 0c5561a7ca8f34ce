"""The softirqs SCHED and RCU of a world that is being built."""

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.softirq import backgroundfields as g
from tophalf.model.softirq import vectorops


def begin_background(builder, load_balance=0, rcu_core=0, rcu_callback=0):
    """Let ticks raise SCHED and RCU. Each: the address of a cost, 0: never; rcu_callback: 0: a callback takes no time."""
    m = builder.memory
    block = m[f.G_BLOCK] = m.take(g.BACKGROUND_SIZE)
    m[block + g.BG_BALANCE_COST], m[block + g.BG_RCU_COST] = load_balance, rcu_core
    m[block + g.BG_CALLBACK_COST] = rcu_callback or m.cost_room(1)
    m[block + g.BG_ROWS] = m.take(g.BACKGROUND_ROW * len(builder.cpus))
    for number in range(len(builder.cpus)):
        m[m[block + g.BG_ROWS] + number * g.BACKGROUND_ROW + g.BP_INTERVAL] = len(builder.cpus)
    for vector, routine, asked in ((vocab.SCHED, _sched(), load_balance), (vocab.RCU, _rcu(), rcu_core)):
        if asked:
            m[m[f.G_ACTIONS] + vector] = builder.program(routine)["start"]


def _sched():
    code = Assembler()
    code.label("start")
    code(vectorops.OP_LOAD_BALANCE)
    code(ops.OP_RET)
    return code


def _rcu():
    code = Assembler()
    code.label("start")
    code(vectorops.OP_RCU_CORE)
    code(vectorops.OP_RCU_CALLBACK, "end")
    code.label("end")
    code(ops.OP_RET)
    return code


def row(builder, cpu):
    """The address of a CPU's row, by its number."""
    return builder.memory[builder.memory[f.G_BLOCK] + g.BG_ROWS] + cpu * g.BACKGROUND_ROW
