"""A slow twin of the network stack above NAPI on one CPU: GRO, steering to its own backlog, the flow limit, sockets with readers.

Above napitwin's polls. A packet is a list of what GRO merged; a chain, a backlog and a socket are lists. Written after
net/core/dev.c, net/core/gro.c, net/ipv4/udp.c.

Twin of: netstack, gro, packets, udpsocket.
"""

from modelprograms import program
from napitwin import FIRST_QUEUE_IRQ, NapiTwin, Queue
from softirqtwin import Task, model_of
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.net.buildstack import BACKLOG_ADDRESS, add_reader, add_sink, add_socket, begin_stack, connect, stacked_napi


class Part:
    """One packet as it came."""

    def __init__(self, queue, arrival, hashed):
        self.queue, self.arrival, self.hash = queue, arrival, hashed


class Packet:
    """What crosses the protocols as one; age: the jiffy at which GRO began to hold it."""

    def __init__(self, part, age):
        self.parts, self.age, self.hash, self.queue = [part], age, part.hash, part.queue


class StackQueue(Queue):
    """given: a Queue's, and hashes, segments, truesize, protocol, steer (ns), rps (to its own CPU), rfs (entries, 0: none)."""

    def __init__(self, number, given):
        super().__init__(number, given)
        self.chains, self.up, self.timed = [[] for _ in range(8)], [], False
        self.hashes, self.offered, self.backlog_lost, self.socket_lost, self.flows = [], 0, 0, 0, {}

    def admit(self, now):
        while self.coming and self.coming[0] <= now:
            hashed = self.given["hashes"][self.offered % len(self.given["hashes"])]
            self.offered += 1
            before = len(self.ring)
            time = self.coming.pop(0)
            if before < self.given["ring"]:
                self.ring.append(time)
                self.hashes.append(hashed)
            else:
                self.lost += 1

    def take(self):
        return Part(self, self.ring.pop(0), self.hashes.pop(0))


class Backlog:
    def __init__(self, weight):
        self.given, self.scheduled, self.waiting, self.taken, self.head, self.tail = {"weight": weight}, False, [], [], 0, 0
        self.dropped = self.limited = 0
        self.thread = None
        self.history, self.at, self.buckets = [0] * 128, 0, [0] * 4096


class Socket:
    """given: rcvbuf, recv, run, batch, priority."""

    def __init__(self, given):
        self.given, self.queue, self.mine, self.memory, self.kept_back, self.waiter = given, [], [], 0, 0, None
        self.read = self.errors = 0


class StackTwin(NapiTwin):
    """scenario: as napitwin's, its queues as StackQueue has them; and sockets, max_backlog, dev_weight, rfs, flow_limit."""

    def __init__(self, scenario):
        super().__init__(scenario)
        self.queues = [StackQueue(number, given) for number, given in enumerate(scenario["queues"])]
        self.backlog, self.sockets = Backlog(scenario["dev_weight"]), [Socket(given) for given in scenario["sockets"]]
        self.read_here = {}  # RFS: index of a hash: the hash that was read last
        for socket in self.sockets:
            task = Task(1002 + len(self.tasks), 99 - socket.given["priority"])
            task.awake, task.life = True, self.reader_life(task, socket)
            self.tasks.append(task)
        self.resched = bool(self.sockets)

    def burn(self, ns):
        if ns:
            super().burn(ns)

    def unmask(self, queue):
        """Packets may wait already, which came while others were in the protocols: the interrupt is seen when time goes on."""
        queue.armed = True

    def jiffy(self):
        return self.now // self.tick_ns

    # Polls

    def address_of(self, queue):
        return BACKLOG_ADDRESS - (1 << 64) if queue is self.backlog else super().address_of(queue)

    def polls_again(self, queue, work):
        """GRO lets go after a full poll was told, before the budget is looked at."""
        if queue is not self.backlog:
            self.flush(queue, self.tick_ns <= 1_000_000)
        return True

    def poll(self, queue):
        if queue is self.backlog:
            return self.process_backlog()
        given, work = queue.given, 0
        self.burn(given["poll"])
        while queue.ring and work < given["weight"]:
            self.burn(given["packet"])
            work += 1
            self.gro(queue, queue.take())
            self.go_up(queue, 8)
        if work < given["weight"]:
            held, defer = any(queue.chains), given["defer"] if work else queue.defer_left
            queue.timed = work > 0 and held
            self.flush(queue, given["flush"] > 0 and (queue.timed or defer > 0))
            self.complete(queue, work)
        return work

    def complete(self, queue, work):
        given, timeout, masked = queue.given, 0, False
        if work:
            queue.defer_left = given["defer"]
        if queue.timed:
            timeout = given["flush"]
        if queue.defer_left:
            queue.defer_left -= 1
            timeout = given["flush"]
            masked = timeout > 0
        if queue.missed:
            queue.missed = False
            self.join(queue)
            return
        queue.scheduled = False
        if timeout:
            queue.timer = self.now + timeout
        if not masked:
            self.unmask(queue)

    # GRO

    def gro(self, queue, part):
        most = queue.given["segments"]
        if most == 1:
            queue.up.append(Packet(part, None))
            return
        chain = queue.chains[part.hash % 8]
        same = [held for held in chain if held.hash == part.hash]
        if same and len(same[0].parts) < most:
            same[0].parts.append(part)
            return
        if same or len(chain) == 8:
            out = same[0] if same else chain[0]
            chain.remove(out)
            queue.up.append(out)
        chain.append(Packet(part, self.jiffy()))

    def flush(self, queue, old_only):
        for chain in queue.chains:
            while chain and not (old_only and chain[0].age == self.jiffy()):
                queue.up.append(chain.pop(0))
                self.go_up(queue, 8)
        self.go_up(queue, 1)

    def go_up(self, queue, many):
        if sum(len(packet.parts) for packet in queue.up) < many:
            return
        listed, queue.up = queue.up, []
        if queue.given["rps"] or queue.given["rfs"]:
            stay = []
            for packet in listed:
                self.burn(queue.given["steer"])
                if not self.steer(queue, packet):
                    stay.append(packet)
            listed = stay
        for packet in listed:
            self.burn(queue.given["protocol"])
            self.deliver(packet)

    # Steering: there is one CPU to steer to

    def steer(self, queue, packet):
        given, flow = queue.given, None
        if packet.hash == 0:
            return False
        if given["rfs"] and self.given["rfs"] and self.read_here.get(packet.hash % self.given["rfs"]) == packet.hash:
            flow = packet.hash % given["rfs"]
            queue.flows.setdefault(flow, None)
        if flow is None and not given["rps"]:
            return False
        if not self.enqueue(packet):
            queue.backlog_lost += len(packet.parts)
        return True

    def enqueue(self, packet):
        backlog = self.backlog
        if len(backlog.waiting) > self.given["max_backlog"] or self.is_limited(packet):
            backlog.dropped += 1
            return False
        if not backlog.waiting and not backlog.scheduled:
            backlog.scheduled = True
            self.join(backlog)
        backlog.waiting.append(packet)
        backlog.tail += 1
        return True

    def is_limited(self, packet):
        backlog = self.backlog
        if not self.given["flow_limit"] or len(backlog.waiting) < self.given["max_backlog"] // 2:
            return False
        old, backlog.history[backlog.at] = backlog.history[backlog.at], packet.hash % 4096
        backlog.at = (backlog.at + 1) % 128
        backlog.buckets[old] = max(backlog.buckets[old] - 1, 0)
        backlog.buckets[packet.hash % 4096] += 1
        limited = backlog.buckets[packet.hash % 4096] > 64
        backlog.limited += limited
        return limited

    def process_backlog(self):
        backlog, work = self.backlog, 0
        while work < backlog.given["weight"]:
            if not backlog.taken and not backlog.waiting:
                backlog.scheduled = False
                break
            if not backlog.taken:
                backlog.taken, backlog.waiting = backlog.waiting, []
            packet = backlog.taken.pop(0)
            self.burn(packet.queue.given["protocol"])
            self.deliver(packet)
            work += 1
            backlog.head += self.given["kernel"] == "6.1"
        backlog.head += work if self.given["kernel"] != "6.1" else 0
        return work

    # Sockets

    def deliver(self, packet):
        if not self.sockets:
            self.delivered(packet)
            return
        socket = self.sockets[packet.hash * len(self.sockets) // 2**32]
        if socket.memory > socket.given["rcvbuf"]:
            socket.errors += len(packet.parts)
            packet.queue.socket_lost += len(packet.parts)
            return
        socket.memory += packet.queue.given["truesize"] * len(packet.parts)
        socket.queue.append(packet)
        if socket.waiter:
            waiter, socket.waiter = socket.waiter, None
            self.wake(waiter)

    def delivered(self, packet):
        for part in packet.parts:
            part.queue.latencies.append(self.now - part.arrival)

    def take(self, socket):
        if not socket.mine:
            socket.mine, socket.queue = socket.queue, []
        if not socket.mine:
            return None
        packet = socket.mine.pop(0)
        socket.kept_back += packet.queue.given["truesize"] * len(packet.parts)
        if not socket.mine or socket.kept_back >= socket.given["rcvbuf"] // 4:
            socket.memory -= socket.kept_back
            socket.kept_back = 0
            socket.mine += socket.queue
            socket.queue = []
        return packet

    def reader_life(self, task, socket):
        while True:
            task.kernel, got, reads = True, 0, 0
            while reads < socket.given["batch"]:
                task.bh_off += 1
                packet = self.take(socket)
                self.bottom_halves_on(task)
                if self.resched and self.given["preempt"] == "full":
                    self.schedule(True)
                yield
                if packet is None and reads:
                    break
                if packet is None:
                    if not socket.queue:
                        socket.waiter, task.awake = task, False
                        self.schedule(False, state=1)
                        yield
                    continue
                if packet.hash and self.given["rfs"]:
                    self.read_here[packet.hash % self.given["rfs"]] = packet.hash
                task.left = socket.given["recv"]
                yield
                self.delivered(packet)
                socket.read += len(packet.parts)
                got, reads = got + len(packet.parts), reads + 1
            task.kernel = False
            yield
            for _ in range(got):
                task.left = socket.given["run"]
                yield


def stack_model_of(scenario):
    """The Builder of the same scenario, and its queues."""
    builder = model_of(scenario)
    builder.memory[f.G_NETDEV_BUDGET] = scenario["budget"]
    begin_stack(builder, scenario["max_backlog"], scenario["dev_weight"], scenario["rfs"], (0,) if scenario["flow_limit"] else ())
    queues = [_queue(builder, number, given) for number, given in enumerate(scenario["queues"])]
    sockets = []
    for number, given in enumerate(scenario["sockets"]):
        sockets.append(add_socket(builder, given["rcvbuf"], builder.cost(given["recv"], f"recv {number}")))
        run = builder.cost(given["run"], f"run {number}")
        add_reader(builder, "server", 0, sockets[-1], run, given["batch"], policy=f.FIFO, priority=given["priority"])
    for queue in queues if sockets else ():
        connect(builder, queue, sockets)
    return builder, queues


def _queue(builder, number, given):
    m, times = builder.memory, [time for time, count in given["bursts"] for _ in range(count)]
    desc = builder.irq(FIRST_QUEUE_IRQ + number)
    costs = {name: builder.cost(given[name], f"{name} {number}") for name in ("packet", "poll", "protocol", "steer")}
    queue = builder.queue(f"eth{number}", desc, f.MODE_NAPI, given["ring"], costs["packet"], ("times", times))
    m[queue + f.Q_USECS_NS], m[queue + f.Q_FRAMES], m[queue + f.Q_ITR_NS] = given["usecs"], given["frames"], given["itr"]
    add_sink(builder, queue, given["hashes"], costs["protocol"], costs["steer"], 0, given["segments"], given["truesize"],
             (0,) if given["rps"] else (), given["rfs"])  # fmt: skip
    napi = stacked_napi(builder, f"eth{number}", queue, costs["poll"], given["weight"])
    m[napi + f.N_DEFER], m[napi + f.N_FLUSH_NS] = given["defer"], given["flush"]
    body = [(ops.OP_SPEND_NS, given["spend"]), (ops.OP_NAPI_SCHEDULE, napi), (ops.OP_RET, f.IRQ_HANDLED)]
    builder.action(desc, f"eth{number}", program(builder, *body))
    return queue


