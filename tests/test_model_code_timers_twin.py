"""Hrtimers of drivers against a slow twin: a list of timers that is searched for the earliest, one callback after another.

Twin of: codetimers, beyond.
One CPU and costs of 0. The task's moments end in 3, those of timers in 8, so that no two things happen at once.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_model_code_drivers import HEAD
from tophalf.driver.subset import read_driver
from tophalf.model.build import Builder
from tophalf.model.code.buildhardware import add_registers, register
from tophalf.model.code.codefields import REGISTER_WORD
from tophalf.model.code.generate import Generator
from tophalf.model.code.objects import Device
from tophalf.model.code.probe import Probe
from tophalf.model.irq.builddevices import add_device

pytestmark = pytest.mark.kernels
TIMERS, END_NS = 3, 1_000_000


class Slow:
    """expires, order: of each timer, None where it is not pending; ran: (timer, when it ran, its overruns)."""

    def __init__(self, costs, periods, rounds):
        self.costs, self.periods, self.left = costs, periods, list(rounds)
        self.now, self.seq, self.ran, self.answers = 3, 0, [], []
        self.expires, self.order, self.last = [None] * TIMERS, [None] * TIMERS, [0] * TIMERS

    def start(self, timer, expires):
        self.seq += 1
        self.expires[timer], self.order[timer] = expires, (max(expires, self.now), self.seq)
        self.last[timer] = expires

    def interrupts(self):
        """All that has expired."""
        while True:
            due = [timer for timer in range(TIMERS) if self.expires[timer] is not None and self.expires[timer] <= self.now]
            if not due:
                return
            self.run(min(due, key=lambda timer: self.order[timer]))

    def run(self, timer):
        began, expires = self.now, self.expires[timer]
        self.expires[timer] = None
        self.now += self.costs[timer]
        overruns = 0
        if self.left[timer]:
            self.left[timer] -= 1
            while expires <= self.now:
                expires += self.periods[timer]
                overruns += 1
            self.start(timer, expires)
        self.ran.append((timer, began, overruns))

    def spend(self, ns):
        """The task's time, in which interrupts come."""
        while True:
            first = min((each for each in self.expires if each is not None), default=None)
            if first is None or first > self.now + ns:
                self.now += ns
                return
            if first > self.now:
                ns -= first - self.now
                self.now = first
            self.interrupts()

    def step(self, what, timer, ns):
        if what == "spend":
            self.spend(ns)
        elif what == "cancel":
            self.answers.append(int(self.expires[timer] is not None))
            self.expires[timer] = None
        elif what == "forward":
            self.answers.append(self.forward(timer, ns))
        else:
            self.start(timer, ns + 5 + self.now if what == "rel" else ns + 8)  # one that is late comes when time passes

    def forward(self, timer, ns):
        """From the task: only one that is not pending moves, and only from a time that is over."""
        if self.expires[timer] is not None or self.last[timer] > self.now:
            return 0
        overruns = 0
        while self.last[timer] <= self.now:
            self.last[timer] += ns
            overruns += 1
        return overruns


def driver_text(steps, costs, periods, rounds):
    text = ""
    for timer in range(TIMERS):
        text += f"""
def ring{timer}(t):
    dev = from_timer(t)
    note(dev, {timer})
    spend({costs[timer]})
    if dev.rounds{timer} == {rounds[timer]}:
        return HRTIMER_NORESTART
    dev.rounds{timer} += 1
    note(dev, hrtimer_forward_now(t, {periods[timer]}))
    return HRTIMER_RESTART
"""
    lines = []
    for what, timer, ns in steps:
        lines += {
            "spend": [f"spend({ns})"], "cancel": [f"answer(dev, hrtimer_cancel(dev.t{timer}))"],
            "forward": [f"answer(dev, hrtimer_forward_now(dev.t{timer}, {ns}))"],
            "rel": [f"hrtimer_start(dev.t{timer}, {ns + 5}, HRTIMER_MODE_REL)"],
            "abs": [f"hrtimer_start(dev.t{timer}, {ns + 8}, HRTIMER_MODE_ABS)"],
        }[what]  # fmt: skip
    setup = "    hrtimer_setup(dev.t{0}, ring{0}, CLOCK_MONOTONIC, HRTIMER_MODE_REL)\n"
    setups = "".join(setup.format(timer) for timer in range(TIMERS))
    body = "".join(f"    {line}\n" for line in lines)
    return f"""{HEAD}
def note(dev, value):
    write_reg(dev, dev.noted, ktime_get() * 1000 + value)
    dev.noted += 1

def answer(dev, value):
    write_reg(dev, 900 + dev.answered, value)
    dev.answered += 1
{text}
def work(dev):
    spend(3)
{body}    return 0

def probe(dev):
{setups}    kthread_run(work, dev, "work")
    return 0
"""


def run(path, text):
    """(what was noted, what was answered)."""
    path.write_text(text)
    driver, builder = read_driver(path), Builder()
    registers = add_registers(builder, add_device(builder, "dev", builder.irq(24)), 1000, None)
    device = Device(builder, driver, "dev", registers=registers)
    Probe(Generator(builder, driver)).run(device)
    world = builder.world()
    world.run(END_NS)
    words = [int(world.memory[register(registers, number) + REGISTER_WORD]) for number in range(1000)]
    count = {name: int(world.memory[device.words[name]]) for name in ("noted", "answered") if name in device.words}
    return words[: count.get("noted", 0)], words[900 : 900 + count.get("answered", 0)]


tens = st.integers(1, 40).map(lambda n: 10 * n)
STEPS = st.lists(
    st.tuples(st.sampled_from(["spend", "spend", "rel", "abs", "cancel", "forward"]), st.integers(0, TIMERS - 1), tens),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(STEPS, st.tuples(*[st.integers(0, 12).map(lambda n: 10 * n)] * TIMERS), st.tuples(*[tens] * TIMERS),
       st.tuples(*[st.integers(0, 3)] * TIMERS))  # fmt: skip
def test_hrtimers_against_a_list_of_them(tmp_path_factory, steps, costs, periods, rounds):
    slow = Slow(costs, periods, rounds)
    for step in steps:
        slow.step(*step)
    slow.spend(END_NS // 2)
    noted, answers = run(tmp_path_factory.mktemp("twin") / "driver.py", driver_text(steps, costs, periods, rounds))
    expected = []
    for timer, began, overruns in slow.ran:
        expected.append(began * 1000 + timer)
        if overruns:
            expected.append((began + costs[timer]) * 1000 + overruns)
    assert noted == expected
    assert answers == slow.answers
