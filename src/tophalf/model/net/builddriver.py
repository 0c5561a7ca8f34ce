"""Threads of NAPI and readers that busy poll, of a world that is being built."""

from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.net import driverfields as d
from tophalf.model.net import stackfields as s
from tophalf.model.net.pollcode import busy_poll_routine, read_routine

FIRST_NAPI_ID = 8193  # MIN_NAPI_ID: above NR_CPUS, which is 8192 in distributions' kernels
COMM_SIZE = 15
BUSY_POLL_BUDGET = 8
USECS_MAX = 1 << 40


def napi_id(builder, napi):
    """The number under which user space knows an instance."""
    return FIRST_NAPI_ID + builder.napis.index(napi)


def add_napi_thread(builder, napi, cpu, fifo=0, floats=False):
    """dev_set_threaded: napi/DEVICE-ID polls the instance, on CPU number `cpu`; floats: and on any other, if that one is busy when
    it wakes. fifo: 1 to 99, as chrt -f gives it; 0: fair. Returns the task."""
    m = builder.memory
    name = f"napi/{m.strings[m[napi + f.N_NAME]]}-{napi_id(builder, napi)}"[:COMM_SIZE]
    policy = f.FIFO if fifo else f.FAIR
    task = builder.task(name, cpu, "napi_thread", policy=policy, priority=fifo, kernel_thread=True, asleep=True)
    m[m[task + f.K_FRAME] + f.F_ARG] = napi
    m[task + f.K_FLAGS] |= f.FLOATING if floats else 0
    m[napi + f.N_THREAD] = task
    return task


def add_busy_reader(builder, napi, data, loop_cost, usecs=USECS_MAX, prefer=False, budget=BUSY_POLL_BUDGET):
    """Somebody who busy polls (SO_BUSY_POLL or net.core.busy_read: usecs; SO_PREFER_BUSY_POLL; SO_BUSY_POLL_BUDGET).

    napi: the instance, 0 for that of the first packet that comes. data: address of the word that counts what has come, of which
    the reader has taken B_TAKEN. loop_cost: address of the cost of a round of the loop, beside the driver's poll. Returns the
    reader, which is the argument of "napi_busy_loop".
    """
    m = builder.memory
    for instance in builder.napis:
        _let_busy_poll(builder, instance)
    reader = m.take(d.READER_SIZE)
    m[reader + d.B_NAPI], m[reader + d.B_BUDGET], m[reader + d.B_USECS] = napi, budget, usecs
    m[reader + d.B_PREFER], m[reader + d.B_DATA], m[reader + d.B_LOOP_COST] = int(prefer), data, loop_cost
    m[reader + d.B_LOOP] = builder.routines["napi_busy_loop"]
    return reader


def _let_busy_poll(builder, napi):
    """The driver's poll in the form that readers call, at the same cost."""
    m = builder.memory
    begins, code = m[napi + f.N_POLL], Assembler()
    if m[napi + f.N_BUSY_POLL] or m[begins] != ops.OP_SPEND:  # which is its cost; one of packets that a handler took has none
        return
    code.label("poll")
    busy_poll_routine(code, m[begins + 1], m[napi + f.N_TX])
    m[napi + f.N_BUSY_POLL] = builder.program(code)["poll"]


def let_socket_busy_poll(builder, socket, loop_cost, usecs, prefer=False, budget=BUSY_POLL_BUDGET):
    """A socket whose reads poll the device for `usecs` before they sleep. Returns its reader."""
    m = builder.memory
    reader = m[socket + s.S_BUSY] = add_busy_reader(builder, 0, socket + s.S_QUEUE, loop_cost, usecs, prefer, budget)
    m[reader + d.B_MORE] = socket + s.S_READER
    return reader


def read_program(builder, reader):
    """What a task calls (OP_SYSCALL) to wait for data of a reader. Returns its address."""
    code = Assembler()
    code.label("read")
    read_routine(code, builder.routines["napi_busy_loop"], reader)
    return builder.program(code)["read"]
