"""Instructions from ops.DRIVER_FROM on: to the module that knows them."""

from tophalf.model.busypoll import busy_complete, busy_flush, busy_rx, execute_busy_poll, reader_has, reader_takes
from tophalf.model.driverops import (
    OP_BUSY_COMPLETE,
    OP_BUSY_FLUSH,
    OP_BUSY_POLL,
    OP_BUSY_RX,
    OP_NAPI_THREAD,
    OP_READER_HAS,
    OP_READER_TAKE,
)
from tophalf.model.jit import compiled
from tophalf.model.napithread import execute_napi_thread


@compiled
def execute_driver(m, cpu, frame, op, x, y):
    """x, y: operands of the instruction."""
    if op == OP_NAPI_THREAD:
        execute_napi_thread(m, cpu, frame, x)
    elif op == OP_BUSY_POLL:
        execute_busy_poll(m, cpu, frame, x, y)
    elif op == OP_BUSY_RX:
        busy_rx(m, cpu, frame)
    elif op == OP_BUSY_FLUSH:
        busy_flush(m, cpu, frame)
    elif op == OP_BUSY_COMPLETE:
        busy_complete(m, cpu, frame)
    elif op == OP_READER_HAS:
        reader_has(m, frame, x, y)
    elif op == OP_READER_TAKE:
        reader_takes(m, frame, x)
