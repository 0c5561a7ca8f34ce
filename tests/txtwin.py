"""A slow twin of a send queue: a list of packets, each with the moment at which the device is done with it; and of polls that
clean such queues, above napitwin.

Twin of: txring.
"""

from napitwin import NapiTwin, Queue, napi_model_of
from tophalf.model.net.buildtx import add_tx

NEVER = 1 << 62


class SendQueue:
    """times: when others send; wire, ring, usecs, frames as add_tx takes them."""

    def __init__(self, times, wire, ring, usecs, frames):
        self.coming, self.wire, self.ring, self.usecs, self.frames = sorted(times), wire, ring, usecs, frames
        self.waits = []  # done at, of those that are not cleaned
        self.cleaned = self.stopped = self.last = 0

    def send(self, time):
        if len(self.waits) == self.ring:
            self.stopped += 1
            return
        self.last = max(time, self.last) + self.wire
        self.waits.append(self.last)

    def look(self, now):
        """Those that are done by now."""
        while self.coming and self.coming[0] <= now:
            self.send(self.coming.pop(0))
        return [time for time in self.waits if time <= now]

    def clean(self, now, count):
        for _ in range(min(count, len(self.look(now)))):
            self.waits.pop(0)
            self.cleaned += 1

    def next_done(self, now):
        """When the next is done that is not."""
        self.look(now)
        coming = [time for time in self.waits if time > now] or [max(time, self.last) + self.wire for time in self.coming[:1]]
        return min(coming, default=NEVER)

    def signals_at(self, now):
        """When to look: the time of the signal, or of a packet that may bring it about."""
        done = self.look(now)
        following = self.next_done(now)
        if self.frames > 1 and len(done) >= self.frames or self.frames <= 1 and not self.usecs and done:
            return now
        if done:
            first = done[0] + self.usecs if self.usecs else NEVER
            return min(first, following) if self.frames > 1 else first
        return following + (self.usecs if self.frames <= 1 and following < NEVER else 0)


class TxQueue(Queue):
    """A receive queue with a send queue on its line. given: as napitwin's, and tx, as tx_model_of takes it."""

    def __init__(self, number, given, twin):
        super().__init__(number, given)
        tx = given["tx"]
        self.sent, self.twin = SendQueue(tx["times"], tx["wire"], tx["ring"], tx["usecs"], tx["frames"]), twin

    def signals_at(self):
        received, tx = super().signals_at(), self.given["tx"]
        done = self.sent.look(self.twin.now)
        if not self.armed or not done:
            return received
        time = done[0] + tx["usecs"] if tx["usecs"] else NEVER
        if tx["frames"] > 1 and len(done) >= tx["frames"] or tx["frames"] <= 1 and not tx["usecs"]:
            time = 0
        if self.given["itr"] and time < NEVER:
            time = max(time, self.last + self.given["itr"])
        return min(received, time)

    def next_event(self):
        return min(super().next_event(), self.sent.next_done(self.twin.now) if self.armed else NEVER)


class TxNapiTwin(NapiTwin):
    """Polls that clean what was sent first."""

    def __init__(self, scenario):
        super().__init__(scenario)
        self.queues = [TxQueue(queue.number, queue.given, self) for queue in self.queues]

    def unmask(self, queue):
        """What waits signals as soon as time passes: nothing comes in between what takes none."""
        queue.armed = True

    def burn(self, ns):
        if ns:
            super().burn(ns)

    def poll(self, queue):
        given, tx, work, cleaned = queue.given, queue.given["tx"], 0, 0
        self.burn(given["poll"])
        while True:
            count = min(len(queue.sent.look(self.now)), tx["limit"] - cleaned)
            if not count:
                break
            self.burn(count * tx["cost"])
            queue.sent.clean(self.now, count)
            cleaned += count
        incomplete = cleaned == tx["limit"]
        while queue.ring and work < given["weight"]:
            self.burn(given["packet"])
            queue.latencies.append(self.now - queue.ring.pop(0))
            work += 1
        if work < given["weight"] and incomplete:
            return given["weight"]
        if work < given["weight"] and self.complete(queue, work):
            self.unmask(queue)
        return work


def tx_model_of(scenario):
    """The Builder of the same scenario, and its queues."""
    builder, queues = napi_model_of(scenario)
    for number, (queue, given) in enumerate(zip(queues, scenario["queues"], strict=True)):
        tx = given["tx"]
        add_tx(builder, queue, f"eth{number}", builder.cost(tx["cost"], f"tx {number}"), tx["wire"], tx["ring"], tx["limit"],
               ("times", tx["times"]), usecs_ns=tx["usecs"], frames=tx["frames"])  # fmt: skip
    return builder, queues
