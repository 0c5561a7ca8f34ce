"""A slow twin of receive queues and NAPI on one CPU: when each queue signals, who is polled in which order, what is lost.

Above softirqtwin's interrupts, softirqs and ksoftirqd. A ring is a list of arrival times, the poll list a list of names. Written
after net/core/dev.c (net_rx_action, napi_poll, napi_complete_done, napi_watchdog) and the rules of rx-usecs, rx-frames and a
minimum interval, as docs of NICs give them.

Twin of: napi, nic, nicplan, nicring, nicrun, nicdraw, localtimer.
"""

from modelprograms import program
from softirqtwin import FIRST_IRQ, Twin, model_of
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import napi_address

NEVER = 1 << 62
FIRST_QUEUE_IRQ = 60  # above the plain lines: the engine gives vectors in order


class Queue:
    """given: bursts [(ns, packets), ...], ring, usecs, frames, itr (ns), spend, packet, weight, poll, defer, flush (ns)."""

    def __init__(self, number, given):
        self.number, self.given = number, given
        self.coming = [time for time, count in given["bursts"] for _ in range(count)]
        self.ring, self.lost, self.latencies = [], 0, []
        self.armed, self.last, self.scheduled, self.missed = True, 0, False, False
        self.defer_left, self.timer = 0, NEVER
        self.thread, self.for_thread, self.busy, self.prefer = None, False, False, False  # see pollertwin

    def admit(self, now):
        while self.coming and self.coming[0] <= now:
            time = self.coming.pop(0)
            if len(self.ring) < self.given["ring"]:
                self.ring.append(time)
            else:
                self.lost += 1

    def signals_at(self):
        """When it will signal if nothing else comes."""
        if not self.armed or not self.ring:
            return NEVER
        usecs, frames = self.given["usecs"], self.given["frames"]
        time = self.ring[0] + usecs if usecs else NEVER
        if frames > 1 and len(self.ring) >= frames or frames <= 1 and not usecs:
            time = 0
        return max(time, self.last + self.given["itr"]) if self.given["itr"] and time < NEVER else time

    def next_event(self):
        return min(self.coming[0] if self.coming else NEVER, self.signals_at(), self.timer)


class NapiTwin(Twin):
    """scenario: as softirqtwin's, and queues, budget. A plain line's `schedules` is a queue that it schedules as well."""

    def __init__(self, scenario):
        super().__init__(scenario)
        self.queues = [Queue(number, given) for number, given in enumerate(scenario["queues"])]
        self.poll_list, self.in_net_rx, self.squeezed = [], False, 0
        self.expired = []

    # What the hardware does

    def next_event(self):
        return max(min([super().next_event(), *(queue.next_event() for queue in self.queues)]), self.now)

    def look_at_devices(self):
        before = len(self.latched - {"tick"}) + len(self.expired)
        if self.next_tick <= self.now and self.current is not self.idle and None not in self.expired:
            self.expired.append(None)
        super().look_at_devices()
        for queue in self.queues:
            queue.admit(self.now)
            if queue.signals_at() <= self.now:
                queue.armed, queue.last = False, self.now
                self.latched.add(len(self.given["lines"]) + queue.number)
            if queue.timer <= self.now:
                queue.timer = NEVER
                self.expired.append(queue)
                self.latched.add("tick")
        self.undecided |= len(self.latched - {"tick"}) + len(self.expired) > before + 1

    def unmask(self, queue):
        queue.armed = True
        if queue.signals_at() <= self.now:
            self.look_at_devices()
            self.take_interrupts()

    # Interrupts

    def tick(self):
        """Deferral timers, and the tick (None): also those that come before this is done."""
        self.emit(vocab.VECTOR_ENTRY, 0xEC)
        while self.expired:
            batch, self.expired = self.expired, []
            for queue in batch:
                self.watchdog(queue) if queue else self.one_tick()
        self.latched.discard("tick")
        self.emit(vocab.VECTOR_EXIT, 0xEC)

    def watchdog(self, queue):
        if not queue.scheduled:
            queue.scheduled, queue.prefer = True, False
            self.join(queue)

    def one_tick(self):
        if self.current is self.ksoftirqd and any(task.awake for task in self.tasks):
            self.resched = True
        self.count_tick()
        self.burn(self.costs["timer_tick"])

    def handle(self, line):
        if line < len(self.given["lines"]):
            super().handle(line)
            return
        queue = self.queues[line - len(self.given["lines"])]
        self.emit(vocab.IRQ_HANDLER_ENTRY, FIRST_QUEUE_IRQ + queue.number)
        self.burn(queue.given["spend"])
        self.schedule_napi(queue)
        self.emit(vocab.IRQ_HANDLER_EXIT, FIRST_QUEUE_IRQ + queue.number, 1)

    def raise_softirq(self, vector):
        """A number from 100 on stands for a queue that is scheduled."""
        if vector < 100:
            super().raise_softirq(vector)
        else:
            self.schedule_napi(self.queues[vector - 100])

    # NAPI

    def schedule_napi(self, queue):
        queue.missed |= queue.scheduled
        if not queue.scheduled:
            queue.scheduled = True
            self.join(queue)

    def join(self, queue):
        if queue.thread:
            queue.for_thread = True
            self.wake(queue.thread)
            return
        self.poll_list.append(queue)
        if self.given["kernel"] == "6.1" or not self.in_net_rx:
            self.mark_net_rx()

    def mark_net_rx(self):
        self.emit(vocab.SOFTIRQ_RAISE, vocab.NET_RX)
        self.pending.add(vocab.NET_RX)

    def action(self, vector):
        if vector == vocab.NET_RX:
            self.net_rx_action(self.given["budget"], self.now // self.tick_ns + 2)
        else:
            super().action(vector)

    def net_rx_action(self, budget, end):
        while True:
            self.in_net_rx = True
            todo, again, self.poll_list, punt = self.poll_list, [], [], False
            while todo and not punt:
                queue = todo.pop(0)
                work = self.poll(queue)
                self.emit(vocab.NAPI_POLL, self.address_of(queue), work, queue.given["weight"])
                again += [queue] * (work == queue.given["weight"] and self.polls_again(queue, work))
                budget -= work
                punt = budget <= 0 or self.now // self.tick_ns >= end
            self.squeezed += punt
            if punt or again:
                self.poll_list = todo + self.poll_list + again
                if self.poll_list:
                    self.mark_net_rx()
                else:
                    self.in_net_rx = False
                return
            self.in_net_rx = False
            if self.given["kernel"] == "6.1" or not self.poll_list:
                return

    def address_of(self, queue):
        return napi_address(queue.number)

    def poll(self, queue):
        given, work = queue.given, 0
        self.burn(given["poll"])
        while queue.ring and work < given["weight"]:
            self.burn(given["packet"])
            queue.latencies.append(self.now - queue.ring.pop(0))
            work += 1
        if work < given["weight"] and self.complete(queue, work):
            self.unmask(queue)
        return work

    def polls_again(self, queue, work):
        """After a whole weight: not where a task would rather poll."""
        if not queue.prefer:
            return True
        if self.complete(queue, work):
            self.schedule_napi(queue)
        return False

    def complete(self, queue, work):
        """napi_complete_done: whether the driver may unmask the queue."""
        given, timeout = queue.given, 0
        if queue.busy:
            return False
        if work:
            queue.defer_left = given["defer"]
        if queue.defer_left:
            queue.defer_left -= 1
            timeout = given["flush"]
        missed, queue.missed, queue.prefer, queue.for_thread = queue.missed, False, False, False
        if missed:
            self.join(queue)
            return False
        queue.scheduled = False
        if timeout:
            queue.timer = self.now + timeout
        return not timeout


def napi_model_of(scenario):
    """The Builder of the same scenario, and its queues."""
    plain = [line | {"raises": [vector for vector in line["raises"] if vector < 100]} for line in scenario["lines"]]
    builder = model_of(scenario | {"lines": plain})
    m, queues, napis = builder.memory, [], []
    m[f.G_NETDEV_BUDGET] = scenario["budget"]
    for number, given in enumerate(scenario["queues"]):
        times = [time for time, count in given["bursts"] for _ in range(count)]
        desc = builder.irq(FIRST_QUEUE_IRQ + number)
        packet, poll = builder.cost(given["packet"], f"packet {number}"), builder.cost(given["poll"], f"poll {number}")
        queue = builder.queue(f"eth{number}", desc, f.MODE_NAPI, given["ring"], packet, ("times", times))
        m[queue + f.Q_USECS_NS], m[queue + f.Q_FRAMES], m[queue + f.Q_ITR_NS] = given["usecs"], given["frames"], given["itr"]
        napi = builder.napi(f"eth{number}", queue, poll, given["weight"])
        m[napi + f.N_DEFER], m[napi + f.N_FLUSH_NS] = given["defer"], given["flush"]
        body = [(ops.OP_SPEND_NS, given["spend"]), (ops.OP_NAPI_SCHEDULE, napi), (ops.OP_RET, f.IRQ_HANDLED)]
        builder.action(desc, f"eth{number}", program(builder, *body))
        queues.append(queue)
        napis.append(napi)
    for number, given in enumerate(scenario["lines"]):
        _schedule_in_handler(builder, number, given, napis)
    return builder, queues


def _schedule_in_handler(builder, number, given, napis):
    """The handler of a plain line again, this time with the queues that it schedules."""
    body = [(ops.OP_SPEND_NS, given["spend"])]
    for vector in given["raises"]:
        body.append((ops.OP_RAISE, vector) if vector < 100 else (ops.OP_NAPI_SCHEDULE, napis[vector - 100]))
    if given["wakes"] is not None:
        task = [task for pid, task in builder.tasks.items() if pid >= 1000][given["wakes"]]
        body.append((ops.OP_WAKE, task))
    action = builder.memory[builder.irqs[FIRST_IRQ + number] + f.D_ACTIONS]
    builder.memory[action + f.A_HANDLER] = program(builder, *body, (ops.OP_RET, f.IRQ_HANDLED))
