"""The network stack above NAPI, laid out: what is above a queue, sockets with their readers, backlogs, room for packets.

net/core/dev.c net_dev_init, net/core/net-sysfs.c, net/core/sysctl_net_core.c: a table of flows has a power of two of entries. A
packet has a record as long as it is between ring and reader; there are as many as all queues, backlogs and sockets can hold.
"""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.ground.program import Assembler
from tophalf.model.net import stackfields as s
from tophalf.model.net import stackops

NO_DEVICE = "(no_device)"  # what trace_napi_poll says of a backlog
PACKETS_MAX = 1 << 23
BACKLOG_ADDRESS = 0xFFFF_8881_0000_0000


def begin_stack(builder, max_backlog=1000, dev_weight=64, sock_flow_entries=0, flow_limit_cpus=()):
    """What the machine has, once, before any queue has a stack. flow_limit_cpus: numbers; sock_flow_entries: 0 for no RFS."""
    m = builder.memory
    stack = m[f.G_STACK] = m.take(s.ST_SIZE)
    m[stack + s.ST_MAX_BACKLOG], m[stack + s.ST_DEV_WEIGHT] = max_backlog, dev_weight
    if sock_flow_entries:
        size = power_of_two(sock_flow_entries)
        m[stack + s.ST_SOCK_TABLE], m[stack + s.ST_SOCK_MASK] = m.put([s.RPS_NO_CPU] * size), size - 1
        m[stack + s.ST_CPU_MASK] = power_of_two(len(builder.cpus)) - 1
    builder.stack_routines = routines = _routines().place(m)
    m[stack + s.ST_RECEIVE] = routines["receive"]
    builder.flow_limit_cpus = tuple(flow_limit_cpus)


def power_of_two(count):
    """The next one from `count` on."""
    return 1 << (count - 1).bit_length()


def _routines():
    code = Assembler()
    code.label("receive")  # netif_receive_skb_list_internal
    code(stackops.OP_STEER)
    code(stackops.OP_RECEIVE)
    code(ops.OP_RET)
    code.label("flush")  # __napi_poll, after a full poll
    code(stackops.OP_GRO_FLUSH)
    code(ops.OP_RET_REG, f.F_R5)
    code.label("backlog")  # process_backlog
    code(stackops.OP_PROCESS_BACKLOG)
    code(ops.OP_RET_REG, f.F_R1)
    code.label("rps_trigger")  # rps_trigger_softirq
    code(stackops.OP_RPS_TRIGGER)
    code(ops.OP_RET)
    return code


def add_sink(builder, queue, hashes, protocol_cost, steer_cost, mixed=0, segments=1, truesize=768, rps=(), flow_count=0):
    """What is above a queue. Its packets go through `stacked_napi`.

    Args: hashes: the flow's hash of each packet of one turn; mixed: 0, or a number that has them come in no order. segments: how
    many packets GRO makes one of, 1: none. truesize: what a packet counts for in a socket, bytes. rps: numbers of CPUs, rps_cpus;
    flow_count: rps_flow_cnt. Costs are addresses. Returns: its address.
    """
    m = builder.memory
    sink = m[queue + f.Q_SINK] = m.take(s.SINK_SIZE)
    m[sink + s.X_FLOWS], m[sink + s.X_TURN], m[sink + s.X_MIXED] = m.put(list(hashes)), len(hashes), mixed
    m[sink + s.X_PROTOCOL_COST], m[sink + s.X_STEER_COST] = protocol_cost, steer_cost
    m[sink + s.X_GRO_SEGMENTS], m[sink + s.X_TRUESIZE] = segments, truesize
    if rps:
        m[sink + s.X_RPS_MAP], m[sink + s.X_RPS_LEN] = m.put(list(rps)), len(rps)
    if flow_count:
        size = power_of_two(flow_count)
        m[sink + s.X_FLOW_TABLE], m[sink + s.X_FLOW_MASK] = m.put([s.RPS_NO_CPU, 0] * size), size - 1
    builder.stacked.append(queue)
    return sink


def stacked_napi(builder, name, queue, poll_cost, weight=64, staged=False):
    """The NAPI instance of a queue that has a sink. staged: of the packets that a handler has taken (OP_RX_STAGE)."""
    m = builder.memory

    def write_poll(code):
        code(ops.OP_SPEND, poll_cost)
        code(stackops.OP_STACK_RX, weight)
        code(stackops.OP_GRO_COMPLETE)
        code(ops.OP_NAPI_COMPLETE, int(staged))
        code(ops.OP_RET_REG, f.F_R1)

    napi = builder._napi(name, queue, write_poll, weight)
    m[m[queue + f.Q_SINK] + s.X_IS_STAGED] = int(staged)
    gro = m[napi + f.N_STACK] = m.take(s.GRO_SIZE)
    m[gro + s.Y_FLUSH] = builder.stack_routines["flush"]
    return napi


def add_socket(builder, rcvbuf=212_992, recv_cost=0):
    """A UDP socket. rcvbuf: sk_rcvbuf, bytes; recv_cost: address of what copying a packet out costs. Returns its address."""
    m = builder.memory
    socket = m.take(s.SOCKET_SIZE)
    m[socket + s.S_RCVBUF], m[socket + s.S_RECV_COST] = rcvbuf, recv_cost or builder.cost(0, f"recv {len(builder.sockets)}")
    builder.sockets.append(socket)
    return socket


def connect(builder, queue, sockets):
    """A queue's packets are for these sockets, by their flow (SO_REUSEPORT)."""
    m = builder.memory
    sink = m[queue + f.Q_SINK]
    m[sink + s.X_SOCKETS], m[sink + s.X_SOCKET_COUNT] = m.put(list(sockets)), len(sockets)


def add_reader(builder, name, cpu, socket, run_cost, batch=1, **how):
    """A task on CPU number `cpu` that reads a socket: up to `batch` packets a system call, then run_cost (an address) for each."""
    code = Assembler()
    code.label("start")
    code(ops.OP_SYSCALL, "recv")
    code.label("work")
    code(ops.OP_SPEND, run_cost)
    code(ops.OP_ADD, f.F_R0, -1)
    code(ops.OP_JUMP_POSITIVE, f.F_R0, "work")
    code(ops.OP_JUMP, "start")
    code.label("recv")
    code(ops.OP_BH_OFF)
    code(stackops.OP_RECV_TAKE, socket)
    code(ops.OP_BH_ON)
    code(stackops.OP_RECV_COPY, socket, "recv")
    code(stackops.OP_RECV_COPIED, socket, "recv")
    code(ops.OP_RET_REG, f.F_R1)
    builder.reader_cpus.add(cpu)
    builder.memory[socket + s.S_BATCH] = batch
    return builder.task(name, cpu, builder.program(code)["start"], **how)


def end_stack(builder):
    """Backlogs where anything is steered, and room for packets. Raises: TophalfError for more of them than memory should hold."""
    if not builder.stacked:
        return
    m = builder.memory
    sinks = [m[queue + f.Q_SINK] for queue in builder.stacked]
    targets = {m[m[sink + s.X_RPS_MAP] + at] for sink in sinks for at in range(m[sink + s.X_RPS_LEN])}
    if any(m[sink + s.X_FLOW_TABLE] for sink in sinks) and m[m[f.G_STACK] + s.ST_SOCK_TABLE]:
        targets |= builder.reader_cpus
    if targets:
        for number, cpu in enumerate(builder.cpus):
            _add_softnet(builder, number, cpu)
    _add_packets(builder, sinks, len(targets))


def _add_softnet(builder, number, cpu):
    m = builder.memory
    softnet = m[cpu + f.C_STACK] = m.take(s.SOFTNET_SIZE)
    m[softnet + s.SD_CPU], routines = number, builder.stack_routines
    m[softnet + s.SD_CSD + f.CSD_PROGRAM], m[softnet + s.SD_CSD + f.CSD_ARG] = routines["rps_trigger"], softnet
    napi = softnet + s.SD_BACKLOG
    m[napi + f.N_POLL], m[napi + f.N_WEIGHT], m[napi + f.N_NAME] = routines["backlog"], 64, m.name(NO_DEVICE)
    m[napi + f.N_ID] = BACKLOG_ADDRESS + number * 0x4_0000 - (1 << 64)
    if number in builder.flow_limit_cpus:
        m[softnet + s.SD_HISTORY] = m.take(s.FLOW_LIMIT_HISTORY + s.FLOW_LIMIT_BUCKETS)


def _add_packets(builder, sinks, targets):
    """Records for all that can be under way at once, free."""
    m = builder.memory
    most = max(m[sink + s.X_GRO_SEGMENTS] for sink in sinks)
    held = s.GRO_HASH_BUCKETS * s.MAX_GRO_SKBS * most if most > 1 else 0
    polls = sum(held + m[m[queue + f.Q_NAPI] + f.N_WEIGHT] + 2 * (s.GRO_NORMAL_BATCH + most) for queue in builder.stacked)
    backlogs = targets * (2 * (m[m[f.G_STACK] + s.ST_MAX_BACKLOG] + 1) + 1) * most
    truesize = min(m[sink + s.X_TRUESIZE] for sink in sinks)
    sockets = sum(m[socket + s.S_RCVBUF] // truesize + 2 * most + 1 for socket in builder.sockets)
    count = polls + backlogs + sockets
    if count > PACKETS_MAX:
        where, do = "backlogs of all CPUs that RPS names, and sockets", "make netdev_max_backlog, rcvbuf or gro_segments smaller"
        raise TophalfError(f"{count:,} packets can be under way, more than {PACKETS_MAX:,}", where, do)
    first = m.take(count * s.PACKET_SIZE)
    for at in range(count - 1):
        m[first + at * s.PACKET_SIZE + s.P_NEXT] = first + (at + 1) * s.PACKET_SIZE
    m[m[f.G_STACK] + s.ST_FREE] = first
