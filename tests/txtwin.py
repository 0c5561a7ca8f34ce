"""A slow twin of a send queue: a list of packets, each with the moment at which the device is done with it.

Twin of: txring.
"""

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

    def signals_at(self, now):
        """When to look: the time of the signal, or of a packet that may bring it about."""
        done = self.look(now)
        coming = [time for time in self.waits if time > now] or [max(time, self.last) + self.wire for time in self.coming[:1]]
        following = coming[0] if coming else NEVER
        if self.frames > 1 and len(done) >= self.frames or self.frames <= 1 and not self.usecs and done:
            return now
        if done:
            first = done[0] + self.usecs if self.usecs else NEVER
            return min(first, following) if self.frames > 1 else first
        return following + (self.usecs if self.frames <= 1 and following < NEVER else 0)
