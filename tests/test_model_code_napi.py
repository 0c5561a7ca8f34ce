"""Drivers in Python that poll: NAPI in the model's NET_RX against a slow twin, exact figures, and what the kernel would warn of.

Twin of: drivernapi.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import times_of
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.check.reports import reports_of
from tophalf.model.code import codefields as k
from tophalf.model.simulate import make_world
from tophalf.model.table import event_table
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
FREE = "[costs]\n" + "".join(f"{name} = 0\n" for name in (
    "irq_entry", "irq_exit", "context_switch", "softirq_entry", "ipi", "timer_tick", "cache_cold",
))  # fmt: skip
GRID = 1024  # what is spent is a multiple of it, each arrival has a residue of its own: no two things at one moment
WEIGHT = 64
DRIVER = """
MASK, HEAD, DONE = 4, 8, 12
RING = 128

def handler(irq, dev):
    write_reg(dev, MASK, MASKS)
    dev.calls += 1
    spend(HANDLER)
    dev.fresh += napi_schedule(dev.napi)
    return IRQ_HANDLED

def poll(napi, budget):
    dev = container_of(napi)
    work = 0
    spend(POLL)
    while work < budget and read_reg(dev, HEAD) != dev.tail:
        work += 1
        dev.tail = (dev.tail + 1) % RING
        spend(PACKET)
    write_reg(dev, DONE, dev.tail)
    spend(REST)
    if work < budget and napi_complete_done(napi, work):
        dev.complete += 1
        write_reg(dev, MASK, 0)
    return work

def probe(dev):
    netif_napi_add(dev.napi, poll)
    napi_enable(dev.napi)
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
KEYS = "mask = 4\nproduced = 8\nconsumed = 12\ndepth = 128\n"


def world_of(tmp_path, text, keys, until_ns, rows=5000):
    path = tmp_path / "driver.py"
    path.write_text(text)
    toml = f'{FREE}[[driver]]\nname = "dev"\nfile = "driver.py"\nirq = 24\n{keys}'
    world = make_world(read_scenario(toml, "it.toml", str(tmp_path / "it.toml")), 0, rows)
    world.run(until_ns)
    return world


def word(world, name):
    return int(world.memory[world.builder.coded[0].words[name]])


class Slow:
    """The driver above and its device on one idle CPU. polls: (time, work) of each as it ends."""

    def __init__(self, came, masks, handler_ns, poll_ns, packet_ns, rest_ns):
        self.came, self.masks = list(came), masks
        self.handler_ns, self.poll_ns, self.packet_ns, self.rest_ns = handler_ns, poll_ns, packet_ns, rest_ns
        self.now, self.masked, self.latched, self.waiting, self.untold, self.dropped = 0, False, False, 0, 0, 0
        self.scheduled, self.missed, self.listed = False, False, False
        self.calls, self.fresh, self.complete, self.polls = 0, 0, 0, []

    def run(self):
        while self.came:
            self.now = self.came[0]
            self.admit()
            self.interrupt()
            while self.listed:
                self.listed = False
                self.poll()
        return self

    def admit(self):
        """waiting: in the ring for the driver; untold: read, but the device does not know."""
        self.came.pop(0)
        if self.waiting + self.untold == 127:
            self.dropped += 1
            return
        self.waiting += 1
        self.latched |= not self.masked

    def burn(self, ns, interrupts=True):
        end = self.now + ns
        while self.came and self.came[0] < end:
            self.now = self.came[0]
            self.admit()
            if interrupts and self.latched:
                before = self.now
                self.interrupt()
                end += self.now - before
        self.now = end

    def interrupt(self):
        while self.latched:
            self.latched, self.masked = False, self.masks
            self.calls += 1
            self.burn(self.handler_ns, interrupts=False)
            self.missed |= self.scheduled
            self.fresh += not self.scheduled
            self.listed |= not self.scheduled
            self.scheduled = True

    def poll(self):
        work = 0
        self.burn(self.poll_ns)
        while work < WEIGHT and self.waiting:
            self.waiting, self.untold, work = self.waiting - 1, self.untold + 1, work + 1
            self.burn(self.packet_ns)
        self.untold = 0
        self.burn(self.rest_ns)
        if work == WEIGHT or self.missed:
            self.listed, self.missed = True, self.missed and work == WEIGHT
        else:
            self.scheduled, self.masked = False, False
            self.complete += 1
            self.latched |= self.masks and self.waiting > 0
            self.interrupt()
        self.polls.append((self.now, work))


times = st.lists(st.integers(0, 500), min_size=1, max_size=300)
spent = st.integers(0, 4).map(lambda count: count * GRID)


@settings(max_examples=100, deadline=None)
@given(times, st.booleans(), st.tuples(spent, spent, spent.map(lambda ns: ns + GRID), spent))
def test_each_poll_is_the_twins(tmp_path_factory, at, masks, costs):
    came = sorted(GRID * time + number for number, time in enumerate(at))
    slow = Slow(came, masks, *costs).run()
    constants = dict(zip(("HANDLER", "POLL", "PACKET", "REST"), costs, strict=True), MASKS=int(masks))
    text = "".join(f"{name} = {value}\n" for name, value in constants.items()) + DRIVER
    world = world_of(tmp_path_factory.mktemp("d"), text, f'{KEYS}arrivals = "times"\ntimes = {came}\n', 10**8)
    table = event_table(world)
    polls = table.kind == vocab.NAPI_POLL
    assert list(zip(table.time_ns[polls].tolist(), table.b[polls].tolist(), strict=True)) == slow.polls
    assert [word(world, name) for name in ("calls", "fresh", "complete")] == [slow.calls, slow.fresh, slow.complete]
    assert int(world.memory[world.builder.coded[0].registers + k.R_DROPPED]) == slow.dropped


def test_a_poll_has_its_trace_event_with_work_budget_and_the_devices_name(tmp_path):
    text = "HANDLER = 0\nPOLL = 0\nPACKET = 300\nREST = 0\nMASKS = 1\n" + DRIVER
    world = world_of(tmp_path, text, f'{KEYS}arrivals = "times"\ntimes = {[1000] + [1100 + at for at in range(99)]}\n', 10**6)
    table = event_table(world)
    polls = table.kind == vocab.NAPI_POLL
    # The first poll finds one packet and 99 more while it takes that and the next: 64, then 36 of the whole weight
    assert table.time_ns[polls].tolist() == [1000 + 64 * 300, 1000 + 100 * 300]
    assert table.b[polls].tolist() == [64, 36] and table.c[polls].tolist() == [64, 64]
    assert {table.strings[number] for number in table.name[polls].tolist()} == {"dev"}
    assert len(times_of(table, vocab.IRQ_HANDLER_ENTRY)) == 1 and word(world, "complete") == 1


def reported(tmp_path, body, more=""):
    """[(line, title)] of what is found in a driver whose poll does `body`."""
    text = f"""
def handler(irq, dev):
    write_reg(dev, 0, 1)
    napi_schedule(dev.napi)
    return IRQ_HANDLED

def poll(napi, budget):
    dev = container_of(napi)
    dev.polls += 1
    spend(1000)
{body}
def probe(dev):
    netif_napi_add(dev.napi, poll)
    napi_enable(dev.napi)
    return request_irq(dev.irq, handler, 0, "dev", dev)
{more}"""
    world = world_of(tmp_path, text, 'arrivals = "times"\ntimes = ["1us", "100us"]\n', 10**6)
    return [(report.line, report.title) for report in reports_of(world)], word(world, "polls")


def test_more_than_the_budget_is_told_and_polled_again(tmp_path):
    body = "    if dev.polls < 4:\n        return budget + 1\n    napi_complete_done(napi, 1)\n    return 1\n"
    assert reported(tmp_path, body) == ([(7, "NAPI poll function poll returned 65, exceeding its budget of 64")], 5)


def test_a_negative_number_is_told(tmp_path):
    body = "    napi_complete_done(napi, 0)\n    return -5\n"
    found, polls = reported(tmp_path, body)
    assert found == [(7, "NAPI poll function poll returned -5, which is no number of packets; its budget is 64")] and polls == 2


def test_the_whole_budget_after_completion_is_told_and_the_instance_is_in_one_list(tmp_path):
    body = "    napi_complete_done(napi, budget)\n    return budget\n"
    found, polls = reported(tmp_path, body)
    assert found == [(7, "NAPI poll function poll returned its whole budget after napi_complete_done")] and polls == 2
    found, polls = reported(tmp_path, body.replace("    return", "    napi_schedule(napi)\n    return").replace(
        "    napi_complete", "    if dev.polls > 3:\n        return 0\n    napi_complete"))  # fmt: skip
    assert [line for line, _ in found] == [7] and polls == 4


def test_completing_twice_is_warned_of(tmp_path):
    body = "    napi_complete_done(napi, 1)\n    napi_complete_done(napi, 1)\n    return 1\n"
    assert reported(tmp_path, body) == ([(12, "WARNING: napi_complete_done of an instance that is not scheduled")], 2)


def test_what_is_not_enabled_is_never_polled_and_waits_until_it_is(tmp_path):
    text = """
def handler(irq, dev):
    write_reg(dev, 0, 1)
    dev.fresh += napi_schedule(dev.napi)
    return IRQ_HANDLED

def poll(napi, budget):
    dev = container_of(napi)
    dev.polls += 1
    dev.last = ktime_get()
    spend(1000)
    napi_complete_done(napi, 0)
    return 0

def thread(dev):
    usleep_range(100, 150)
    napi_enable(dev.napi)
    usleep_range(100, 150)
    spend(1500)
    napi_disable(dev.napi)
    dev.disabled = ktime_get()
    return 0

def probe(dev):
    netif_napi_add(dev.napi, poll)
    kthread_run(thread, dev, "worker")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    keys = 'arrivals = "times"\ntimes = ["10us", "200us", "301us", "400us"]\n'
    world = world_of(tmp_path, text, keys, 10**6)
    # 10 us: missed for good, as it is not enabled. 200 us: polled, and once more for that. 301 us: at once, in the thread's spend.
    assert [word(world, name) for name in ("fresh", "polls", "last", "disabled")] == [2, 3, 301_000, 302_500]


def test_disabling_waits_for_a_poll_that_goes_on(tmp_path):
    text = """
def handler(irq, dev):
    write_reg(dev, 0, 1)
    dev.fresh += napi_schedule(dev.napi)
    return IRQ_HANDLED

def poll(napi, budget):
    dev = container_of(napi)
    dev.polls += 1
    spend(50000)
    return budget

def thread(dev):
    usleep_range(100, 120)
    napi_disable(dev.napi)
    dev.disabled = ktime_get()
    return 0

def probe(dev):
    netif_napi_add(dev.napi, poll)
    napi_enable(dev.napi)
    kthread_run(thread, dev, "worker")
    return request_irq(dev.irq, handler, 0, "dev", dev)
"""
    toml = 'arrivals = "times"\ntimes = ["10us", "900us"]\naffinity = "1"\n[machine]\ncpus = 2\n'
    world = world_of(tmp_path, text, toml, 10**6)
    # polls on CPU 1 from 10 us on, 50 us each, until one ends with napi_disable pending: from 120 us on, the third, at 160 us
    assert [word(world, name) for name in ("fresh", "polls", "disabled")] == [1, 3, 320_000]


def test_enabling_twice_ends_the_run(tmp_path):
    text = DRIVER.replace("    dev.calls += 1", "    napi_enable(dev.napi)")
    text = "HANDLER = 0\nPOLL = 0\nPACKET = 300\nREST = 0\nMASKS = 1\n" + text
    with pytest.raises(TophalfError, match="driver.py:12, in handler.* enables a NAPI instance that is not disabled"):
        world_of(tmp_path, text, f"{KEYS}rate = 1000\n", 10**6)
    with pytest.raises(TophalfError, match="napi_enable of what is enabled"):
        enabled = "    napi_enable(dev.napi)\n"
        world_of(tmp_path, text.replace(f"{enabled}    return", f"{enabled}{enabled}    return"), f"{KEYS}rate = 1000\n", 10**6)


def test_packets_of_a_driver_are_in_the_counts_of_polls_alone(tmp_path):
    text = "HANDLER = 0\nPOLL = 0\nPACKET = 300\nREST = 0\nMASKS = 1\n" + DRIVER
    world = world_of(tmp_path, text, f"{KEYS}rate = 100000\n", 10**6)
    napi = world.builder.napis[0]
    assert int(world.memory[napi + f.N_PACKETS]) == 100 == word(world, "tail")


def test_a_driver_that_is_unloaded_and_loaded_again_goes_on_polling(tmp_path):
    text = "HANDLER = 0\nPOLL = 0\nPACKET = 300\nREST = 0\nMASKS = 1\n" + DRIVER
    text = text.replace('    return request_irq(dev.irq, handler, 0, "dev", dev)', """
    write_reg(dev, MASK, 0)
    return request_irq(dev.irq, handler, 0, "dev", dev)

def remove(dev):
    write_reg(dev, MASK, 1)
    napi_disable(dev.napi)
    free_irq(dev.irq, dev)""")
    times = [f"{at}us" for at in (100, 200, 1300, 1400, 2100, 2200)]
    orders = '[[at]]\ntime = "1ms"\nrmmod = "dev"\n[[at]]\ntime = "2ms"\ninsmod = "dev"\n'
    world = world_of(tmp_path, text, f'{KEYS}arrivals = "times"\ntimes = {times}\n{orders}', 3_000_000)
    # What came while nobody was there is polled at once: the message of the unmasked device waits until the line is let through
    table = event_table(world)
    assert table.b[table.kind == vocab.NAPI_POLL].tolist() == [1, 1, 2, 1, 1]
    assert not reports_of(world)
