"""Worlds with a network stack above NAPI: one queue on CPU 0, what is above it as the test says."""

from modelprograms import program
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.net.buildstack import add_reader, add_sink, add_socket, begin_stack, connect, stacked_napi

PACKET, STEER, PROTOCOL, RECV, RUN = 100, 50, 1000, 300, 2000  # ns


def stack_world(times, hashes=(1,), machine=None, stack=None, readers=(), weight=64, ring=512, rcvbuf=212_992, flush=0, **sink):
    """(Builder, queue). machine: of Builder; stack: of begin_stack; readers: CPUs; flush: gro_flush_timeout; sink: of add_sink."""
    builder = Builder(1, **{"cpus": 2, **(machine or {})})
    begin_stack(builder, **(stack or {}))
    line = builder.irq(24)
    queue = builder.queue("eth0", line, f.MODE_NAPI, ring, builder.cost(PACKET, "packet"), ("times", list(times)))
    add_sink(builder, queue, hashes, builder.cost(PROTOCOL, "protocol"), builder.cost(STEER, "steer"), **sink)
    napi = stacked_napi(builder, "eth0", queue, builder.cost(0, "poll"), weight)
    builder.memory[napi + f.N_FLUSH_NS] = flush
    builder.action(line, "eth0-rx-0", program(builder, (ops.OP_NAPI_SCHEDULE, napi), (ops.OP_RET, f.IRQ_HANDLED)))
    sockets = [add_socket(builder, rcvbuf, builder.cost(RECV, f"recv {at}")) for at in range(len(readers))]
    for at, cpu in enumerate(readers):
        add_reader(builder, "server", cpu, sockets[at], builder.cost(RUN, f"run {at}"))
    if sockets:
        connect(builder, queue, sockets)
    return builder, queue


def latencies_of(world, queue):
    """{latency in ns: packets}; exact below 128 ns, else the lowest of its cell."""
    from tophalf.model.latencies import cell_bounds_ns

    first = int(world.memory[queue + f.Q_HISTOGRAM])
    counts = {cell_bounds_ns(cell)[0]: int(world.memory[first + cell]) for cell in range(f.HISTOGRAM_SIZE)}
    return {low: count for low, count in counts.items() if count}
