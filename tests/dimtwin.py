"""A slow twin of DIM: the C of lib/dim/net_dim.c and dim.c, line by line, on objects; and of e1000e's e1000_set_itr.

Twin of: dim, moderation.
"""

EVENTS, STEPS = 64, 5


class Dim:
    """struct dim; `sample` is net_dim."""

    def __init__(self, profile=1):
        self.state, self.tune, self.profile = "start", "parking on top", profile
        self.steps = {"left": 0, "right": 0}
        self.tired = 0
        self.before = {"bytes": 0, "packets": 0, "events": 0}
        self.began = None

    def sample(self, time_ns, events, packets, size):
        """Whether a new profile is to be applied."""
        now = {"time": time_ns, "events": events % 2**16, "packets": packets % 2**32, "bytes": size % 2**32}
        if self.state == "apply":
            return False
        if self.state == "measure":
            passed_us = (time_ns - self.began["time"]) // 1000
            if (now["events"] - self.began["events"]) % 2**16 < EVENTS or not passed_us:
                return False
            gone = {what: (now[what] - self.began[what]) % 2**32 for what in ("bytes", "packets")} | {"events": EVENTS}
            found = {what: -(-count * 1000 // passed_us) for what, count in gone.items()}
            if self.decide(found):
                self.state = "apply"
                return True
        self.began, self.state = now, "measure"
        return False

    def applied(self):
        self.state = "start"

    def judge(self, found):
        """1: better than before, -1: worse, 0: the same."""
        for what, good in (("bytes", 1), ("packets", 1), ("events", -1)):
            before, now = self.before[what], found[what]
            if before == 0:
                return 1 if now and good > 0 else 0
            if abs(now - before) * 100 // before > 10:
                return good if now > before else -good
        return 0

    def decide(self, found):
        was, profile = self.tune, self.profile
        if was == "parking on top":
            if self.judge(found):
                self.leave()
        elif was == "parking tired":
            self.tired -= 1
            if not self.tired:
                self.leave()
        else:
            if self.judge(found) < 1:
                self.tune = "left" if was == "right" else "right"
                self.steps[self.tune] = 0
            back = {"left": "right", "right": "left"}[self.tune]
            if self.steps[back] > 1 and self.steps[self.tune] == 1:
                self.rest("parking on top")
            else:
                self.move()
        if (was, self.tune) != ("parking on top",) * 2:
            self.before = found
        return self.profile != profile

    def rest(self, tune):
        self.tune, self.steps = tune, {"left": 0, "right": 0}
        if tune == "parking on top":
            self.tired = 0

    def leave(self):
        self.tune = "left" if self.profile else "right"
        self.step()

    def move(self):
        stopped = self.step()
        if stopped:
            self.rest(stopped)

    def step(self):
        """How it ends, if it does."""
        if self.tired == 2 * STEPS:
            return "parking tired"
        if self.profile == (STEPS - 1 if self.tune == "right" else 0):
            return "parking on top"
        self.profile += 1 if self.tune == "right" else -1
        self.steps[self.tune] += 1
        self.tired += 1
        return None


class Throttle:
    """e1000e with InterruptThrottleRate 1 or 3."""

    def __init__(self, setting):
        self.setting, self.latency, self.itr = setting, "lowest", 20_000

    def completed(self, packets, size):
        """The interval in ns after an interrupt that brought so much."""
        if packets:
            self.latency = getattr(self, self.latency)(packets, size, size // packets)
        if self.setting == 3 and self.latency == "lowest":
            self.latency = "low"
        target = {"lowest": 70_000, "low": 20_000, "bulk": 4000}[self.latency]
        self.itr = min(self.itr + target // 4, target) if target > self.itr else target
        return 10**9 // (256 * self.itr) * 256

    def lowest(self, packets, size, each):
        if each > 8000:
            return "bulk"
        if packets < 5 and size > 512:
            return "low"
        return "lowest"

    def low(self, packets, size, each):
        if size > 10_000:
            if each > 8000:
                return "bulk"
            if packets < 10 or each > 1200:
                return "bulk"
            if packets > 35:
                return "lowest"
        elif each > 2000:
            return "bulk"
        elif packets <= 2 and size < 512:
            return "lowest"
        return "low"

    def bulk(self, packets, size, each):
        if size > 25_000:
            if packets > 35:
                return "low"
        elif size < 6000:
            return "low"
        return "bulk"
