"""irq_poll against a slow twin, and a disk whose completions it polls.

Twin of: irqpoll.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, run, times_of
from test_model_block import COMPLETE, CQE, HANDLER, job, machine
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.block import blockfields as b
from tophalf.model.block.buildblock import add_disk, add_job, add_queue, polled_irq_handler
from tophalf.model.build import Builder
from tophalf.model.simulate import simulate
from tophalf.scenario.load import read_scenario

SERVICE_NS, JIFFY_NS = 700_000, 1_000_000


class Polls:
    """lib/irq_poll.c in a list: instances have items to take, a weight and what an item takes. ends: [(time, instance, taken)]."""

    def __init__(self, instances):
        self.left = [one["items"] for one in instances]
        self.instances, self.now, self.waiting, self.ends, self.runs = instances, 0, [], [], 0

    def scheduled(self, time, numbers):
        self.now, self.waiting = time, list(numbers)
        self.softirq()
        if len(numbers) > 1 and not self.waiting:
            self.runs += 1  # the other interrupts came into the first run and raised it again, for nothing
        while self.waiting:
            self.softirq()

    def softirq(self):
        self.runs += 1
        budget, began = 256, self.now // JIFFY_NS
        while self.waiting and budget > 0 and self.now // JIFFY_NS <= began:
            number = self.waiting.pop(0)
            one = self.instances[number]
            took = min(self.left[number], one["weight"])
            self.left[number] -= took
            self.now += took * one["item_ns"]
            self.ends.append((self.now, number, took))
            budget -= took
            if took == one["weight"]:
                self.waiting.append(number)


INSTANCES = st.lists(
    st.fixed_dictionaries({"items": st.integers(1, 500), "weight": st.integers(1, 130), "item_ns": st.integers(0, 3000)}),
    min_size=1, max_size=4,
)  # fmt: skip


def model_of(instances):
    """(builder, disks): all requests are done at one moment, in the middle of another device's handler."""
    builder, disks = Builder(1, hz=1000), []
    at_times(builder, 99, [SERVICE_NS - 100], (ops.OP_SPEND_NS, 200))
    for number, one in enumerate(instances):
        disk = add_disk(builder, f"sd{number}", builder.cost(SERVICE_NS, f"service {number}"), 1000,
                        cqe_cost=builder.cost(one["item_ns"], f"item {number}"))  # fmt: skip
        desc = builder.irq(40 + number)
        hctx = add_queue(builder, disk, (0,), desc)
        builder.action(desc, f"sd{number}", polled_irq_handler(builder, hctx, one["weight"]))
        add_job(builder, disk, f"job{number}", 0, one["items"], arrivals=("times", [0] * one["items"]))
        disks.append(disk)
    return builder, disks


@settings(max_examples=30)
@given(INSTANCES)
def test_who_is_polled_when_and_how_much(instances):
    builder, disks = model_of(instances)
    world = builder.world()
    m = world.memory
    vectors = {number: int(m[builder.irqs[40 + number] + f.D_VECTOR]) for number in range(len(instances))}
    twin = Polls(instances)
    twin.scheduled(SERVICE_NS + 100, sorted(vectors, key=vectors.get, reverse=True))
    world.run(20_000_000)
    for number, disk in enumerate(disks):
        ends = [(time, took) for time, which, took in twin.ends if which == number and took]
        assert int(m[disk.address + b.B_COMPLETED]) == instances[number]["items"]
        assert int(m[disk.address + b.B_LATENCY_SUM]) == sum(time * took for time, took in ends)
        assert int(m[disk.address + b.B_LATENCY_MAX]) == max(time for time, _ in ends)
    assert int(m[builder.cpus[0] + f.C_SOFTIRQS + vocab.IRQ_POLL]) == twin.runs
    assert sum(int(m[builder.irqs[40 + number] + f.D_COUNT]) for number in range(len(instances))) == len(instances)


def test_a_poll_takes_what_its_interrupt_left():
    """As in test_model_block, but the handler only schedules: from 22,200 to 22,350; exit 100, softirq 50, then the poll."""
    builder, disk = machine(queues=[])
    desc = builder.irq(40)
    handler = polled_irq_handler(builder, add_queue(builder, disk, (0,), desc), 64, builder.cost(HANDLER, "handler"))
    builder.action(desc, "sda", handler)
    job(builder, disk)
    _, table = run(builder, 23_500)
    assert times_of(table, vocab.IRQ_HANDLER_EXIT, a=40) == [22_350]
    assert times_of(table, vocab.SOFTIRQ_ENTRY, a=vocab.IRQ_POLL) == [22_500]
    assert times_of(table, vocab.SCHED_WAKING) == [22_500 + CQE + COMPLETE]


def test_a_disk_of_a_scenario_polls():
    toml = '[[disk]]\nqueues = 1\nirq_poll = true\n[[job]]\ndepth = 8\n'
    run_ = simulate(read_scenario(toml, "disks.toml"), seconds=0.005)
    softirqs = run_.world.memory[run_.world.builder.cpus[0] + f.C_SOFTIRQS + vocab.IRQ_POLL]
    assert softirqs > 100
    assert run_.as_dict()["disks"][0]["completed"] > 400
