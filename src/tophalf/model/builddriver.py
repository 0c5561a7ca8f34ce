"""Threads of NAPI and readers that busy poll, of a world that is being built."""

from tophalf.model import driverfields as d
from tophalf.model import fields as f
from tophalf.model.pollcode import busy_poll_routine, read_routine
from tophalf.model.program import Assembler

FIRST_NAPI_ID = 8193  # MIN_NAPI_ID: above NR_CPUS, which is 8192 in distributions' kernels
COMM_SIZE = 15
BUSY_POLL_BUDGET = 8
USECS_MAX = 1 << 40


def napi_id(builder, napi):
    """The number under which user space knows an instance."""
    return FIRST_NAPI_ID + builder.napis.index(napi)


def add_napi_thread(builder, napi, cpu, fifo=0):
    """dev_set_threaded: napi/DEVICE-ID polls the instance, on CPU number `cpu`. fifo: 1 to 99, as chrt -f gives it; 0: fair.

    Returns the task.
    """
    m = builder.memory
    name = f"napi/{m.strings[m[napi + f.N_NAME]]}-{napi_id(builder, napi)}"[:COMM_SIZE]
    policy = f.FIFO if fifo else f.FAIR
    task = builder.task(name, cpu, "napi_thread", policy=policy, priority=fifo, kernel_thread=True, asleep=True)
    m[m[task + f.K_FRAME] + f.F_ARG] = napi
    m[napi + f.N_THREAD] = task
    return task


def add_busy_reader(builder, napi, data, poll_cost, loop_cost, usecs=USECS_MAX, prefer=False, budget=BUSY_POLL_BUDGET):
    """A socket whose reader busy polls `napi` (SO_BUSY_POLL or net.core.busy_read: usecs; SO_PREFER_BUSY_POLL).

    data: address of the word that counts what has come, of which the reader has taken B_TAKEN. poll_cost, loop_cost: addresses
    of the costs of a poll and of a round of the loop without one. Returns the reader, the argument of "napi_busy_loop".
    """
    m = builder.memory
    reader = m.take(d.READER_SIZE)
    code = Assembler()
    code.label("poll")
    busy_poll_routine(code, poll_cost, budget)
    m[reader + d.B_NAPI], m[reader + d.B_POLL], m[reader + d.B_BUDGET] = napi, builder.program(code)["poll"], budget
    m[reader + d.B_USECS], m[reader + d.B_PREFER], m[reader + d.B_DATA] = usecs, int(prefer), data
    m[reader + d.B_LOOP_COST] = loop_cost
    return reader


def read_program(builder, reader):
    """What a task calls (OP_SYSCALL) to wait for data of a reader. Returns its address."""
    code = Assembler()
    code.label("read")
    read_routine(code, builder.routines["napi_busy_loop"], reader)
    return builder.program(code)["read"]
