"""A slow twin of RPS and RFS across CPUs that are idle otherwise: who is steered where, who tells whom when, whose backlog drops.

Each CPU is a stack of generators that say how long they want to go on; an interrupt is put on top. No tasks: packets are delivered
when the protocols are done with them. RFS is told from outside who read what. Written after net/core/dev.c and kernel/smp.c.

Twin of: rps, rpsipi.
"""

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder, napi_address
from tophalf.model.cpu.ipi import CALL_FUNCTION_SINGLE_VECTOR
from tophalf.model.ground.program import Assembler
from tophalf.model.net.buildstack import BACKLOG_ADDRESS, add_sink, begin_stack, stacked_napi

FIRST_IRQ = 24



class Queue:
    """given: cpu, bursts, hashes, packet, protocol, steer, spend, weight, rps (CPUs), rfs (entries, 0: none)."""

    def __init__(self, number, given):
        self.number, self.given, self.armed, self.scheduled = number, given, True, False
        self.coming = [time for time, count in given["bursts"] for _ in range(count)]
        self.ring, self.up, self.came, self.latencies, self.lost = [], [], 0, [], 0
        self.at, self.last = {}, {}  # RFS: by entry the CPU, and where the flow's last packet stands in that CPU's backlog

    def admit(self, now):
        while self.coming and self.coming[0] <= now:
            self.ring.append((self, self.coming.pop(0), self.given["hashes"][self.came % len(self.given["hashes"])]))
            self.came += 1


class Cpu:
    def __init__(self, number):
        self.number, self.running, self.latched, self.off, self.serving, self.end = number, [], set(), False, False, None
        self.pending, self.poll_list, self.in_net_rx, self.calls, self.to_tell = False, [], False, [], []
        self.waiting, self.taken, self.scheduled, self.head, self.tail = [], [], False, 0, 0
        self.dropped = self.received = self.processed = self.limited = 0
        self.history, self.seen = [0] * 128, {}


class RpsTwin:
    """scenario: cpus, kernel, costs (irq_entry, irq_exit, softirq_entry, ipi), queues, max_backlog, dev_weight, rfs, limited: CPUs,
    reads: (ns, hash, CPU)."""

    def __init__(self, scenario):
        self.given, self.costs, self.now, self.log, self.undecided = scenario, scenario["costs"], 0, [], False
        self.cpus = [Cpu(number) for number in range(scenario["cpus"])]
        self.queues = [Queue(number, given) for number, given in enumerate(scenario["queues"])]
        self.flying, self.reads, self.readers = [], list(scenario["reads"]), {}

    def run(self):
        """[(time, cpu, kind, a, b, c)], in order."""
        while self.happens():
            pass
        return sorted(self.log, key=lambda event: event[:2])

    def happens(self):
        due = [(queue.coming[0], "packet", queue) for queue in self.queues if queue.coming]
        due += [(time, "ipi", cpu) for time, cpu in self.flying]
        due += [(cpu.end, "end", cpu) for cpu in self.cpus if cpu.end is not None]
        due += [(self.reads[0][0], "read", self.reads[0])] if self.reads else []
        self.now = min((one[0] for one in due), default=self.given["until_ns"])
        if self.now >= self.given["until_ns"]:
            return False
        first = [one for one in due if one[0] == self.now]
        self.undecided |= len(first) > 1
        _, what, whose = first[0]
        getattr(self, f"on_{what}")(whose)
        return True

    def on_packet(self, queue):
        queue.admit(self.now)
        cpu = self.cpus[queue.given["cpu"]]
        if self.signals(cpu):
            self.interrupt(cpu)

    def signals(self, cpu):
        """Whether a queue of the CPU that is not masked has packets."""
        for queue in self.queues:
            if queue.given["cpu"] == cpu.number and queue.armed and queue.ring:
                queue.armed = False
                cpu.latched.add(queue.number)
        return cpu.latched and not cpu.off

    def on_ipi(self, cpu):
        self.flying.remove((self.now, cpu))
        cpu.latched.add("call")
        self.interrupt(cpu)

    def on_end(self, cpu):
        cpu.end, cpu.running[-1][1] = None, 0
        self.advance(cpu)

    def on_read(self, read):
        _, hashed, cpu = self.reads.pop(0)
        self.readers[hashed % self.given["rfs"]] = (hashed, cpu)

    # A CPU

    def interrupt(self, cpu):
        if cpu.off:
            return
        if cpu.end is not None:
            cpu.running[-1][1], cpu.end = cpu.end - self.now, None
        self.advance(cpu)

    def advance(self, cpu):
        while True:
            goes_on = not cpu.running or cpu.running[-1][1]
            if cpu.latched and not cpu.off or goes_on and self.signals(cpu):
                which = "call" if "call" in cpu.latched else max(cpu.latched)
                cpu.latched.remove(which)
                cpu.running.append([self.hardirq(cpu, which), 0])
            if not cpu.running:
                break
            if cpu.running[-1][1]:
                cpu.end = self.now + cpu.running[-1][1]
                return
            try:
                cpu.running[-1][1] = next(cpu.running[-1][0])
            except StopIteration:
                cpu.running.pop()

    def emit(self, cpu, kind, a, b=0, c=0):
        self.log.append((self.now, cpu.number, kind, a, b, c))

    def hardirq(self, cpu, which):
        cpu.off = True
        yield self.costs["irq_entry"]
        if which == "call":
            self.emit(cpu, vocab.VECTOR_ENTRY, CALL_FUNCTION_SINGLE_VECTOR)
            calls, cpu.calls = cpu.calls, []
            for _ in calls:
                self.join(cpu, cpu)
                cpu.received += 1
            self.emit(cpu, vocab.VECTOR_EXIT, CALL_FUNCTION_SINGLE_VECTOR)
        else:
            queue = self.queues[which]
            self.emit(cpu, vocab.IRQ_HANDLER_ENTRY, FIRST_IRQ + which)
            yield queue.given["spend"]
            assert not queue.scheduled
            queue.scheduled = True
            self.join(cpu, queue)
            self.emit(cpu, vocab.IRQ_HANDLER_EXIT, FIRST_IRQ + which, 1)
        yield self.costs["irq_exit"]
        if cpu.pending and not cpu.serving:
            yield from self.softirqs(cpu)
        cpu.off = False

    def softirqs(self, cpu):
        yield self.costs["softirq_entry"]
        cpu.serving, passes = True, 0
        while cpu.pending:
            passes += 1
            self.undecided |= passes == 10  # ksoftirqd would go on
            cpu.pending, cpu.off = False, False
            yield 0
            self.emit(cpu, vocab.SOFTIRQ_ENTRY, vocab.NET_RX)
            yield from self.net_rx_action(cpu)
            self.emit(cpu, vocab.SOFTIRQ_EXIT, vocab.NET_RX)
            cpu.off = True
        cpu.serving = False

    # NAPI

    def join(self, cpu, one):
        cpu.poll_list.append(one)
        if not cpu.in_net_rx or self.given["kernel"] == "6.1":
            self.mark(cpu)

    def mark(self, cpu):
        self.emit(cpu, vocab.SOFTIRQ_RAISE, vocab.NET_RX)
        cpu.pending = True

    def net_rx_action(self, cpu):
        while True:
            cpu.in_net_rx = True
            todo, again, cpu.poll_list = cpu.poll_list, [], []
            for one in todo:
                weight = self.given["dev_weight"] if one is cpu else one.given["weight"]
                work = yield from self.backlog(cpu) if one is cpu else self.poll(cpu, one)
                address = BACKLOG_ADDRESS + cpu.number * 0x4_0000 - (1 << 64) if one is cpu else napi_address(one.number)
                self.emit(cpu, vocab.NAPI_POLL, address, work, weight)
                cpu.processed += work
                if work == weight:
                    again.append(one)
                    if one is not cpu:
                        yield from self.go_up(cpu, one, 1)
            if not again:
                cpu.in_net_rx = False
                if cpu.poll_list and self.given["kernel"] == "6.12":
                    continue
                if not cpu.to_tell:
                    return
            cpu.poll_list += again
            if cpu.poll_list:
                self.mark(cpu)
            else:
                cpu.in_net_rx = False
            self.tell(cpu)
            return

    def tell(self, cpu):
        for other in cpu.to_tell:
            if not other.calls and not any(whose is other for _, whose in self.flying):
                self.flying.append((self.now + self.costs["ipi"], other))
            other.calls.append(other)
        cpu.to_tell = []

    def poll(self, cpu, queue):
        work = 0
        while queue.ring and work < queue.given["weight"]:
            yield queue.given["packet"]
            work += 1
            queue.up.append(queue.ring.pop(0))
            yield from self.go_up(cpu, queue, 8)
        if work < queue.given["weight"]:
            yield from self.go_up(cpu, queue, 1)
            queue.scheduled, queue.armed = False, True
        return work

    def go_up(self, cpu, queue, many):
        if len(queue.up) < many:
            return
        listed, queue.up, stay = queue.up, [], []
        for packet in listed:
            if queue.given["rps"] or queue.given["rfs"]:
                yield queue.given["steer"]
                if not self.steer(cpu, *packet):
                    stay.append(packet)
            else:
                stay.append(packet)
        for packet in stay:
            yield queue.given["protocol"]
            queue.latencies.append(self.now - packet[1])

    def backlog(self, cpu):
        self.tell(cpu)
        work = 0
        while work < self.given["dev_weight"]:
            if not cpu.taken and not cpu.waiting:
                cpu.scheduled = False
                break
            if not cpu.taken:
                cpu.taken, cpu.waiting = cpu.waiting, []
            queue, arrival, _ = cpu.taken.pop(0)
            yield queue.given["protocol"]
            queue.latencies.append(self.now - arrival)
            work += 1
            cpu.head += self.given["kernel"] == "6.1"
        cpu.head += work * (self.given["kernel"] == "6.12")
        return work

    # Steering

    def steer(self, cpu, queue, arrival, hashed):
        entry, chosen = None, None
        if hashed and queue.given["rfs"] and self.given["rfs"]:
            read = self.readers.get(hashed % self.given["rfs"])
            if read is not None and read[0] == hashed:
                entry = hashed % queue.given["rfs"]
                at = queue.at.get(entry)
                if at != read[1] and (at is None or self.cpus[at].head >= queue.last[entry]):
                    queue.at[entry], queue.last[entry] = read[1], self.cpus[read[1]].head
                chosen = queue.at[entry]
        if hashed and chosen is None and queue.given["rps"]:
            chosen = queue.given["rps"][hashed * len(queue.given["rps"]) // 2**32]
        if chosen is None:
            return False
        self.enqueue(cpu, self.cpus[chosen], (queue, arrival, hashed), entry)
        return True

    def enqueue(self, cpu, other, packet, entry):
        queue, _, hashed = packet
        # what another CPU does at this very moment to this backlog is before or after, as the engine's queue has it
        self.undecided |= any(one.end == self.now for one in self.cpus if one is not cpu)
        if len(other.waiting) > self.given["max_backlog"] or self.is_limited(cpu, hashed, len(other.waiting)):
            other.dropped += 1
            queue.lost += 1
            return
        if not other.waiting and not other.scheduled:
            other.scheduled = True
            if other is cpu:
                self.join(cpu, cpu)
            else:
                cpu.to_tell.insert(0, other)
                if self.given["kernel"] == "6.1":
                    self.mark(cpu)
        other.waiting.append(packet)
        other.tail += 1
        if entry is not None:
            queue.last[entry] = other.tail

    def is_limited(self, cpu, hashed, waiting):
        if cpu.number not in self.given["limited"] or waiting < self.given["max_backlog"] // 2:
            return False
        flow = hashed % 4096
        old = cpu.history.pop(0)
        cpu.history.append(flow)
        if cpu.seen.get(old):
            cpu.seen[old] -= 1
        cpu.seen[flow] = cpu.seen.get(flow, 0) + 1
        cpu.limited += cpu.seen[flow] > 64
        return cpu.seen[flow] > 64


def rps_model_of(scenario):
    """The Builder of the same scenario."""
    builder = Builder(1, cpus=scenario["cpus"], kernel=scenario["kernel"], costs=scenario["costs"])
    begin_stack(builder, scenario["max_backlog"], scenario["dev_weight"], scenario["rfs"], scenario["limited"])
    builder.reader_cpus |= set(range(scenario["cpus"]))
    for number, given in enumerate(scenario["queues"]):
        times = [time for time, count in given["bursts"] for _ in range(count)]
        line = builder.irq(FIRST_IRQ + number, given["cpu"])
        costs = {name: builder.cost(given[name], f"{name} {number}") for name in ("packet", "protocol", "steer")}
        queue = builder.queue(f"eth{number}", line, f.MODE_NAPI, 4096, costs["packet"], ("times", times))
        add_sink(builder, queue, given["hashes"], costs["protocol"], costs["steer"], rps=given["rps"], flow_count=given["rfs"])
        napi = stacked_napi(builder, f"eth{number}", queue, builder.cost(0, f"poll {number}"), given["weight"])
        code = Assembler()
        code.label("start")
        code(ops.OP_SPEND_NS, given["spend"])
        code(ops.OP_NAPI_SCHEDULE, napi)
        code(ops.OP_RET, f.IRQ_HANDLED)
        builder.action(line, f"eth{number}", builder.program(code)["start"])
    return builder
