"""NAPI instances of drivers in Python, of a world that is being built."""

from tophalf.model import fields as f
from tophalf.model.code import codeops as c
from tophalf.model.code import deviceops as d
from tophalf.model.code.codefields import NAPI_OF_DRIVER_SIZE
from tophalf.model.ground.program import Assembler

WEIGHT = 64  # NAPI_POLL_WEIGHT


def add_napi(builder, name):
    """An instance that is scheduled for good, as long as nobody has added and enabled it."""
    m = builder.memory
    napi = builder.bare_napi(name, WEIGHT, NAPI_OF_DRIVER_SIZE)
    m[napi + f.N_POLL], m[napi + f.N_STATE] = builder.routines["nothing"], f.NAPI_SCHED
    return napi


def poll_program(builder, napi, function):
    """What NET_RX enters: `function` is a program with the budget in its first local. Returns its address, and that of the
    instruction after the call."""
    code = Assembler()
    code.label("poll")
    code(d.CODE_NAPI_BEGINS, napi)
    code(c.CODE_SET, 0, WEIGHT)
    code(c.CODE_CALL, function, 0, 1)
    code.label("polled")
    code(d.CODE_NAPI_ENDS, napi)
    labels = builder.program(code)
    return labels["poll"], labels["polled"]
