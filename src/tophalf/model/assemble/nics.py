"""[[nic]] into queues with their lines, NAPI instances and handlers."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.assemble import driver, pollers, stack
from tophalf.model.assemble.flows import Spread
from tophalf.model.assemble.niclines import nic_lines, queue_name
from tophalf.model.build import Builder
from tophalf.model.ground.program import Assembler
from tophalf.model.net.buildstack import stacked_napi
from tophalf.model.net.driverops import OP_TX_WATCH

MODES = {"napi": f.MODE_NAPI, "handler": f.MODE_DRAIN, "each": f.MODE_EACH, "counted": f.MODE_COUNTED, "poll": f.MODE_POLL}


def add(builder, scenario, nic):
    """All queues of one NIC."""
    _check_rate(nic)
    pollers.check(nic)
    driver.check(nic)
    _describe(builder, scenario, nic)
    spread = Spread(builder.memory.seed, nic)
    has_stack = stack.begin(builder, scenario, nic)
    queues = []
    builder.about.setdefault("sources", {})[nic.name] = nic.arrivals, queues, spread.rates
    for number, desc in enumerate(nic_lines(builder, nic)):
        queue = _add_queue(builder, nic, number, desc, spread)
        queues.append(queue)
        if has_stack:
            stack.add_to_queue(builder, scenario, nic, number, queue, spread)
        _add_handler(builder, nic, number, desc, queue)


def _describe(builder, scenario, nic):
    """What only the files of the machine tell. Raises: TophalfError for a node that it does not have."""
    if nic.node >= max(len(scenario.one("machine").nodes), 1):
        raise TophalfError(f"there is no node {nic.node}", nic.where("node"), "name it in machine.nodes")
    for key, value in (("device_nodes", nic.node), ("drivers", nic.driver), ("queues_max", nic.queues_max)):
        builder.about.setdefault(key, {})[nic.name] = value


def _check_rate(nic):
    from tophalf.scenario.sections.nic import RATE_MAX

    if nic.rate > RATE_MAX * nic.queues:
        limit = f"at most {RATE_MAX:,} a second and queue"
        raise TophalfError(f"{nic.rate:,} packets a second are too many", nic.where("rate"), f"{limit}: the clock has nanoseconds")


def _add_queue(builder, nic, number, desc, spread):
    m, name = builder.memory, queue_name(nic, number)
    packet = _cost(builder, nic, "packet", name)
    queue = builder.queue(nic.name, desc, MODES[nic.mode], nic.ring, packet, spread.arrivals(number))
    if nic.arrivals == "constant" and nic.rate:
        m[queue + f.Q_NEXT] = 10**9 * number // nic.rate  # queues take turns
    m[queue + f.Q_USECS_NS], m[queue + f.Q_FRAMES] = nic.rx_usecs * 1000, nic.rx_frames
    m[queue + f.Q_ITR_NS], m[queue + f.Q_POLL_EVERY] = nic.interval, nic.poll_every
    return queue


def _add_handler(builder, nic, number, desc, queue):
    name = queue_name(nic, number)
    napi = _napi(builder, nic, name, queue)
    pollers.add_to_queue(builder, nic, number, napi)
    driver.add_to_queue(builder, nic, number, queue)
    builder.action(desc, name, _handler(builder, nic, name, queue, napi))


def _cost(builder, nic, what, name):
    """handler_cost, poll_cost or packet_cost, else what the table of costs says."""
    given = getattr(nic, f"{what}_cost")
    return builder.cost(builder.driver_costs[what] if given is None else given, f"{what} of {name}")


def _napi(builder, nic, name, queue):
    if nic.mode in ("handler", "poll"):
        return 0
    has_stack = builder.memory[queue + f.Q_SINK]
    if nic.mode != "napi" and has_stack:
        return stacked_napi(builder, nic.name, queue, builder.cost(0, f"poll of {name}"), nic.weight, staged=True)
    if nic.mode != "napi":
        return builder.staged_napi(nic.name, queue, nic.weight)
    poll_cost = _cost(builder, nic, "poll", name)
    napi = (stacked_napi if has_stack else Builder.napi)(builder, nic.name, queue, poll_cost, nic.weight)
    builder.memory[napi + f.N_DEFER], builder.memory[napi + f.N_FLUSH_NS] = nic.napi_defer_hard_irqs, nic.gro_flush_timeout
    return napi


def _handler(builder, nic, name, queue, napi):
    """The driver's interrupt handler: serves the ring itself, hands on what came, or leaves all to NAPI."""
    code = Assembler()
    code.label("handler")
    code(ops.OP_SPEND, _cost(builder, nic, "handler", name))
    tx = driver.begin_handler(builder, code, queue)
    if nic.mode in ("handler", "poll"):
        code(ops.OP_RX_DRAIN, queue)
        code(ops.OP_QUEUE_DONE, queue)
        if tx:
            code(OP_TX_WATCH, tx)
    elif nic.mode != "napi":
        code(ops.OP_RX_STAGE, queue, int(nic.mode == "each"))
    if napi:
        code(ops.OP_NAPI_SCHEDULE, napi)
    code(ops.OP_RET, f.IRQ_HANDLED)
    return builder.program(code)["handler"]
