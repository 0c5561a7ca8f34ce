"""Instructions from ops.DRIVER_FROM on: to the module that knows them."""

from tophalf.model.fields import F_ARG, F_R5, N_WEIGHT
from tophalf.model.ground.jit import compiled
from tophalf.model.net.busypoll import busy_flush, busy_rx, execute_busy_poll, reader_has, reader_takes
from tophalf.model.net.driverops import (
    OP_BUSY_COMPLETE,
    OP_BUSY_FLUSH,
    OP_BUSY_POLL,
    OP_BUSY_RX,
    OP_DIM_APPLY,
    OP_DRIVER_COMPLETE,
    OP_DRIVER_EVENT,
    OP_NAPI_THREAD,
    OP_NET_TX,
    OP_READER_HAS,
    OP_READER_TAKE,
    OP_TX_CLEAN,
    OP_TX_FREE,
    OP_TX_WATCH,
)
from tophalf.model.net.moderation import dim_apply, driver_complete, driver_event
from tophalf.model.net.napithread import execute_napi_thread
from tophalf.model.net.txring import net_tx_action, tx_clean, tx_free_irq, tx_watch


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
        driver_complete(m, cpu, frame, m[frame + F_R5])
    elif op == OP_READER_HAS:
        reader_has(m, frame, x, y)
    elif op == OP_READER_TAKE:
        reader_takes(m, frame, x)
    elif op == OP_DRIVER_EVENT:
        driver_event(m, x)
    elif op == OP_DRIVER_COMPLETE:
        driver_complete(m, cpu, frame, m[m[frame + F_ARG] + N_WEIGHT])
    elif op == OP_DIM_APPLY:
        dim_apply(m, x)
    else:
        execute_tx(m, cpu, frame, op, x)


@compiled
def execute_tx(m, cpu, frame, op, x):
    """x: a send queue."""
    if op == OP_TX_CLEAN:
        tx_clean(m, frame, x)
    elif op == OP_TX_FREE:
        tx_free_irq(m, cpu, x)
    elif op == OP_TX_WATCH:
        tx_watch(m, x)
    elif op == OP_NET_TX:
        net_tx_action(m, cpu, frame)
