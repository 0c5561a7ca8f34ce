"""Where and when requests are finished, against a slow twin of a machine whose CPUs take no time.

The twin has one list of events and a few dictionaries. Only the device and IPIs take time in it, so a request is finished at the
moment its interrupt comes, or one IPI later. Two things of one moment on different CPUs it leaves open.

Twin of: block.
"""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.block import blockfields as b
from tophalf.model.block.buildblock import add_disk, add_job, add_queue, irq_handler
from tophalf.model.build import Builder

END_NS = 400_000


class DiskTwin:
    """scenario: cpus, caches [of each CPU], lines [(CPUs of the queue, CPU of its line)], channels, rq_affinity, service, ipi, jobs
    [(CPU, depth, start)], kernel, threads."""

    def __init__(self, given_):
        self.given, self.now, self.events, self.undecided = given_, 0, [], False
        self.free, self.waiting, self.done = given_["channels"], [], {cpu: [] for cpu in range(given_["cpus"])}
        self.latencies, self.where, self.softirqs, self.interrupts = [], {"place": 0, "softirq": 0, "ipi": 0}, {}, {}
        self.queue_of = {cpu: queue for queue, (cpus, _) in enumerate(given_["lines"]) for cpu in cpus}
        self.room = {cpu: depth for cpu, depth, _ in given_["jobs"]}
        self.asleep, self.resched, self.sent = set(), set(), {}
        for cpu, _, start in given_["jobs"]:
            self.later(start, "submit", cpu)

    def later(self, time, *what):
        if time <= END_NS:
            self.events.append((time, *what))

    def run(self):
        while self.events:
            self.now = min(event[0] for event in self.events)
            found = [event for event in self.events if event[0] == self.now]
            self.undecided |= len(found) > 1 and not self.alike(found)
            event = found[0]
            self.events.remove(event)
            getattr(self, event[1])(*event[2:])
        return self

    def alike(self, events):
        """Completions of one CPU's requests at one moment: whoever is first, the same comes of it."""
        return {event[1] for event in events} == {"served"} and len({event[2] for event in events}) == 1

    def submit(self, cpu):
        """A job submits all it can, then sleeps."""
        while self.room[cpu]:
            self.room[cpu] -= 1
            self.waiting.append((cpu, self.now))
            self.start_next()
        self.asleep.add(cpu)

    def send(self, cpu, what):
        """What is sent while another message is on its way comes with that one."""
        if cpu not in self.sent:
            self.sent[cpu] = set()
            self.later(self.now + self.given["ipi"], "message", cpu)
        self.sent[cpu].add(what)

    def message(self, cpu):
        sent = self.sent.pop(cpu)
        if "call" in sent:
            self.softirq(cpu)
        self.leave(cpu)

    def leave(self, cpu):
        """The end of an interrupt: whoever was woken here by another CPU need not wait for its message."""
        if cpu in self.resched:
            self.resched.remove(cpu)
            self.submit(cpu)

    def start_next(self):
        if self.free and self.waiting:
            self.free -= 1
            self.later(self.now + self.given["service"], "served", *self.waiting.pop(0))

    def served(self, submitter, since):
        self.free += 1
        self.start_next()
        members, cpu = self.given["lines"][self.queue_of[submitter]]
        self.interrupts[cpu] = self.interrupts.get(cpu, 0) + 1
        alone = len(members) == 1 and (submitter == cpu or self.given["kernel"] == "6.1")
        if not alone and self.wants_ipi(cpu, submitter):
            self.where["ipi"] += 1
            if not self.done[submitter]:
                self.send(submitter, "call")
            self.done[submitter].append((submitter, since))
        elif not alone and len(self.given["lines"]) == 1:
            self.where["softirq"] += 1
            self.done[cpu].append((submitter, since))
            self.softirq(cpu)
        else:
            self.where["place"] += 1
            self.finish(submitter, since)
            self.wake(cpu, [submitter])
        self.leave(cpu)

    def wants_ipi(self, cpu, submitter):
        affinity = self.given["rq_affinity"]
        if self.given["threads"] or cpu == submitter:
            return False
        return affinity == 2 or affinity == 1 and self.given["caches"][cpu] != self.given["caches"][submitter]

    def softirq(self, cpu):
        self.softirqs[cpu] = self.softirqs.get(cpu, 0) + 1
        finished, self.done[cpu] = self.done[cpu], []
        for request in finished:
            self.finish(*request)
        self.wake(cpu, [submitter for submitter, _ in finished])

    def finish(self, submitter, since):
        self.latencies.append(self.now - since)
        self.room[submitter] += 1

    def wake(self, cpu, submitters):
        """A job of this CPU goes on when its interrupt is over; another CPU is told."""
        for submitter in dict.fromkeys(submitters):
            if submitter in self.asleep:
                self.asleep.remove(submitter)
                self.resched.add(submitter)
                if submitter != cpu:
                    self.send(submitter, "reschedule")
        self.leave(cpu)


@st.composite
def scenarios(draw):
    cpus = draw(st.integers(1, 4))
    groups = draw(st.lists(st.integers(0, cpus - 1), min_size=cpus, max_size=cpus))
    lines = [tuple(cpu for cpu in range(cpus) if groups[cpu] == group) for group in sorted(set(groups))]
    numbers = draw(st.permutations(range(cpus)))
    return {
        "cpus": cpus, "caches": draw(st.lists(st.integers(0, 1), min_size=cpus, max_size=cpus)),
        "lines": [(members, draw(st.integers(0, cpus - 1))) for members in lines], "channels": draw(st.integers(1, 5)),
        "rq_affinity": draw(st.integers(0, 2)), "service": draw(st.integers(2000, 30_000)), "ipi": draw(st.integers(1, 5000)),
        "kernel": draw(st.sampled_from(("6.1", "6.12"))), "threads": draw(st.booleans()),
        "jobs": [(cpu, draw(st.integers(1, 3)), draw(st.integers(0, 5000))) for cpu in numbers[: draw(st.integers(1, cpus))]],
    }  # fmt: skip


def model_of(given_):
    """(builder, disk)."""
    builder = Builder(1, given_["cpus"], kernel=given_["kernel"], threadirqs=given_["threads"], costs={"ipi": given_["ipi"]})
    nodes = {node: tuple(cpu for cpu, cache in enumerate(given_["caches"]) if cache == node) for node in (0, 1)}
    builder.about["nodes"] = nodes
    service = builder.cost(given_["service"], "service")
    disk = add_disk(builder, "nvme0n1", service, given_["channels"], given_["rq_affinity"])
    for number, (members, cpu) in enumerate(given_["lines"]):
        desc = builder.irq(40 + number, cpu)
        # NO_THREAD: the twin's handlers are hardirqs, also where others are forced into threads
        builder.action(desc, f"q{number}", irq_handler(builder, add_queue(builder, disk, members, desc)), flags=f.IRQF_NO_THREAD)
    for number, (cpu, depth, start) in enumerate(given_["jobs"]):
        arrivals = ("times", [start] * depth + [start] * (END_NS // 100))
        add_job(builder, disk, f"job{number}", cpu, depth, arrivals=arrivals)
    return builder, disk


def told_by_model(world, disk):
    m, cpus = world.memory, world.builder.cpus
    first = int(m[disk.address + b.B_HISTOGRAM])
    lines = [desc for number, desc in world.builder.irqs.items() if number >= 40]
    interrupts = {number: sum(int(m[desc + f.D_COUNTS + number]) for desc in lines) for number in range(len(cpus))}
    softirqs = {number: int(m[cpu + f.C_SOFTIRQS + vocab.BLOCK]) for number, cpu in enumerate(cpus)}
    fields = (b.B_COMPLETED, b.B_LATENCY_SUM, b.B_LATENCY_MAX, b.B_IN_PLACE, b.B_BY_SOFTIRQ, b.B_BY_IPI)
    assert sum(int(count) for count in m[first : first + f.HISTOGRAM_SIZE]) == int(m[disk.address + b.B_COMPLETED])
    return [int(m[disk.address + field]) for field in fields], drop_zeros(softirqs), drop_zeros(interrupts)


def drop_zeros(counts):
    return {key: count for key, count in counts.items() if count}


@settings(max_examples=80)
@given(scenarios())
def test_requests_are_finished_where_and_when_the_twin_says(given_):
    twin = DiskTwin(given_).run()
    assume(not twin.undecided)
    builder, disk = model_of(given_)
    world = builder.world()
    world.run(END_NS + 1)
    found = [len(twin.latencies), sum(twin.latencies), max(twin.latencies, default=0), *(twin.where[way] for way in twin.where)]
    if given_["threads"]:  # what ksoftirqd runs, it runs as softirqs: only the counts by CPU can differ
        assert told_by_model(world, disk)[0] == found
    else:
        assert told_by_model(world, disk) == (found, twin.softirqs, twin.interrupts)
