"""Where what the network stack above NAPI keeps lies; see `fields`."""

from tophalf.model.fields import CSD_SIZE, NAPI_SIZE

# At G_STACK: what the whole machine has. ST_FREE: packets' records that are free; ST_RECEIVE: the program that takes what GRO
# gives; ST_SOCK_TABLE, ST_SOCK_MASK: rps_sock_flow_table, 0 without RFS; ST_CPU_MASK: net_hotdata.rps_cpu_mask
ST_FREE, ST_RECEIVE, ST_MAX_BACKLOG, ST_DEV_WEIGHT, ST_SOCK_TABLE, ST_SOCK_MASK, ST_CPU_MASK, ST_SIZE = range(8)

# At Q_SINK: what is above a receive queue. X_FLOWS: the hash of each packet of one turn, X_TURN of them; X_MIXED: in no order.
# X_SOCKETS: addresses of X_SOCKET_COUNT sockets; with none a packet is delivered when the protocols are done with it
(
    X_FLOWS, X_TURN, X_MIXED, X_RPS_MAP, X_RPS_LEN, X_FLOW_TABLE, X_FLOW_MASK, X_STEER_COST, X_PROTOCOL_COST, X_GRO_SEGMENTS,
    X_SOCKETS, X_SOCKET_COUNT, X_TRUESIZE, X_BACKLOG_DROPPED, X_SOCKET_DROPPED, X_IS_STAGED, SINK_SIZE,
) = range(17)  # fmt: skip
RFLOW_CPU, RFLOW_LAST_QTAIL, RFLOW_SIZE = range(3)  # struct rps_dev_flow
RPS_NO_CPU = 0xFFFF

# At N_STACK: what GRO holds. Y_FLUSH: the program after a full poll; Y_TIMED: something was held when the poll was complete, and
# gro_flush_timeout bounds it. Y_CHAINS: for each bucket the newest held, and how many are
Y_FLUSH, Y_RX, Y_RX_TAIL, Y_RX_COUNT, Y_HELD, Y_TIMED, Y_CHAINS = range(7)
GRO_HASH_BUCKETS, MAX_GRO_SKBS = 8, 8  # include/linux/netdevice.h, net/core/gro.c
GRO_SIZE = Y_CHAINS + 2 * GRO_HASH_BUCKETS
GRO_NORMAL_BATCH = 8  # net/core/hotdata.c

# A packet: P_PARTS, P_LAST: those that GRO merged into it, linked by P_NEXT; P_SEGMENTS: with itself; P_AGE: a jiffy
P_NEXT, P_QUEUE, P_HASH, P_ARRIVAL, P_SEGMENTS, P_PARTS, P_LAST, P_AGE, PACKET_SIZE = range(9)

# At C_STACK: struct softnet_data as far as RPS goes. SD_HEAD, SD_TAIL: input_queue_head, input_queue_tail; SD_BACKLOG: a NAPI
# instance; SD_HISTORY: of the flow limit, 0 where it is off, its buckets behind it
(
    SD_CPU, SD_INPUT, SD_INPUT_TAIL, SD_INPUT_LEN, SD_PROCESS, SD_PROCESS_TAIL, SD_PROCESS_LEN, SD_HEAD, SD_TAIL, SD_IPI_LIST,
    SD_IPI_NEXT, SD_DROPPED, SD_RECEIVED_RPS, SD_LIMITED, SD_HISTORY, SD_HISTORY_AT, SD_IN_THREADED_POLL,
    SD_CSD,
) = range(18)  # fmt: skip
SD_BACKLOG = SD_CSD + CSD_SIZE
SOFTNET_SIZE = SD_BACKLOG + NAPI_SIZE
FLOW_LIMIT_HISTORY, FLOW_LIMIT_BUCKETS = 128, 1 << 12  # include/linux/netdevice.h, net/core/dev.c

# A UDP socket. S_WAITER: the task that sleeps on it; S_READER: reader_queue, what its reader has taken over at once;
# S_BATCH: packets a system call; S_BUSY: the reader that busy polls for it (driverfields), 0 for none
(
    S_QUEUE, S_QUEUE_TAIL, S_READER, S_READER_TAIL, S_RMEM, S_DEFICIT, S_RCVBUF, S_WAITER, S_IN_DATAGRAMS, S_RCVBUF_ERRORS,
    S_RECV_COST, S_BATCH, S_BUSY, SOCKET_SIZE,
) = range(14)  # fmt: skip
