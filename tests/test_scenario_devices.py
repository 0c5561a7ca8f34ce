"""[[driver]]: what a driver's device is made of, in exact figures on a machine whose interrupts cost nothing; refused keys."""

import json

import pytest

from tophalf.cli.main import main
from tophalf.errors import TophalfError
from tophalf.model.code import codefields as k
from tophalf.model.simulate import make_world
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
FREE = "[costs]\n" + "".join(f"{name} = 0\n" for name in ("irq_entry", "irq_exit", "context_switch", "softirq_entry", "ipi"))
PROBE = "\ndef probe(dev):\n    return request_irq(dev.irq, handler, 0, 'dev', dev)\n"
NOTHING = "def handler(irq, dev):\n    write_reg(dev, 0, 1)\n    return IRQ_HANDLED\n" + PROBE
COUNTS = {"arrived": k.R_ARRIVED, "dropped": k.R_DROPPED, "completed": k.R_COMPLETED, "refused": k.R_REFUSED}


def found(tmp_path, text, keys, until_ns=10**7):
    """{name: number} of a device's attributes and counts after a run."""
    (tmp_path / "driver.py").write_text(text)
    toml = f'{FREE}[[driver]]\nname = "dev"\nfile = "driver.py"\nirq = 24\n{keys}'
    world = make_world(read_scenario(toml, "it.toml", str(tmp_path / "it.toml")), 0)
    world.run(until_ns)
    device = world.builder.coded[0]
    counts = {name: int(world.memory[device.registers + field]) for name, field in COUNTS.items()}
    return {name: int(world.memory[address]) for name, address in device.words.items()} | counts


def test_a_fifo_overruns_while_nobody_reads_it_and_its_level_line_falls_when_it_is_empty(tmp_path):
    text = """
def handler(irq, dev):
    spend(50000)
    while read_reg(dev, 0) & 1:
        dev.sum += read_reg(dev, 4)
        dev.received += 1
    dev.calls += 1
    return IRQ_HANDLED
"""
    times = [f"{at}us" for at in range(1, 11)]
    is_level = f'flow = "level"\ndata = 4\ndepth = 4\narrivals = "times"\ntimes = {times}\n'
    expected = {"sum": 1 + 2 + 3 + 4, "received": 4, "calls": 1, "arrived": 10, "dropped": 6, "completed": 0, "refused": 0}
    assert found(tmp_path, text + PROBE, is_level) == expected


def test_a_transmitter_interrupts_while_it_is_idle_and_enabled(tmp_path):
    text = """
DATA, ENABLE = 4, 8
EMPTY = 2

def handler(irq, dev):
    if dev.sent < 5:
        write_reg(dev, DATA, dev.sent)
        dev.sent += 1
        dev.last = ktime_get()
    else:
        write_reg(dev, ENABLE, 0)
        dev.ended = ktime_get()
    return IRQ_HANDLED

def probe(dev):
    write_reg(dev, ENABLE, EMPTY)
    return request_irq(dev.irq, handler, 0, "uart", dev)
"""
    for flow in ("level", "edge"):
        keys = f'flow = "{flow}"\ndata = 4\nstart = 4\nenable = 8\nidle = 2\nlatency = "1ms"\nrate = 5000\ndepth = 16\n'
        seen = found(tmp_path, text, keys)
        # not enabled for what arrives: 5000 a second fill the FIFO within 10 ms, and nobody is told
        assert (seen["sent"], seen["last"], seen["ended"], seen["completed"]) == (5, 4_000_000, 5_000_000, 5)
        assert (seen["arrived"], seen["dropped"]) == (50, 34)


def test_a_ring_counts_on_while_it_is_masked_and_what_is_too_much_is_dropped(tmp_path):
    text = """
HEAD, DONE, MASK = 4, 8, 12
RING = 8

def handler(irq, dev):
    write_reg(dev, MASK, 1)
    dev.calls += 1
    if dev.calls == 1:
        spend(95000)  # 9 more come in this time; 7 of the 10 find a place
    while read_reg(dev, HEAD) != dev.tail:
        dev.tail = (dev.tail + 1) % RING
        dev.packets += 1
    write_reg(dev, DONE, dev.tail)
    write_reg(dev, MASK, 0)
    return IRQ_HANDLED
"""
    times = [f"{at * 10 + 5}us" for at in range(11)] + ["200us"]
    keys = f'produced = 4\nconsumed = 8\nmask = 12\ndepth = 8\narrivals = "times"\ntimes = {times}\n'
    seen = found(tmp_path, text + PROBE, keys)
    assert (seen["calls"], seen["packets"], seen["tail"], seen["arrived"], seen["dropped"]) == (3, 9, 1, 12, 3)


def test_a_doorbell_starts_what_it_says_and_two_units_work_at_a_time(tmp_path):
    text = """
DOORBELL, HEAD, DONE = 0, 4, 8

def handler(irq, dev):
    tail = read_reg(dev, HEAD)
    dev.done += (tail - dev.head) % 8
    dev.head = tail
    write_reg(dev, DONE, tail)
    dev.last = ktime_get()
    if dev.done == 5:
        write_reg(dev, DOORBELL, 2)  # from 5 on to 10
    return IRQ_HANDLED

def probe(dev):
    write_reg(dev, DOORBELL, 5)
    return request_irq(dev.irq, handler, 0, "nvme", dev)
"""
    keys = 'status = -1\ndoorbell = 0\nproduced = 4\nconsumed = 8\ndepth = 8\nunits = 2\nlatency = "10us"\n'
    seen = found(tmp_path, text, keys)
    assert (seen["done"], seen["completed"], seen["last"]) == (10, 10, 60_000)  # 3 rounds of at most two, twice


def test_a_conversion_that_is_asked_for_too_early_is_refused(tmp_path):
    text = """
START, RESULT, STATUS = 0, 4, 8

def handler(irq, dev):
    dev.result = read_reg(dev, RESULT)
    write_reg(dev, START, 1)
    write_reg(dev, START, 1)
    return IRQ_HANDLED

def probe(dev):
    write_reg(dev, START, 1)
    return request_irq(dev.irq, handler, 0, "adc", dev)
"""
    seen = found(tmp_path, text, 'start = 0\ndata = 4\nstatus = 8\ndepth = 1\nlatency = "1ms"\n', 5_500_000)
    assert (seen["result"], seen["completed"], seen["refused"], seen["dropped"]) == (5, 5, 5, 0)


def test_arrivals_come_from_a_file(tmp_path):
    (tmp_path / "recorded.txt").write_text("# when, what\n1000, rx\n\n2us\n0.5ms\n")
    text = "def handler(irq, dev):\n    write_reg(dev, 0, 1)\n    dev.sum += ktime_get()\n    return IRQ_HANDLED\n" + PROBE
    seen = found(tmp_path, text, 'recorded = "recorded.txt"\n')
    assert (seen["arrived"], seen["sum"]) == (3, 1000 + 2000 + 500_000)
    (tmp_path / "recorded.txt").write_text("1us\nsoon\n")
    with pytest.raises(TophalfError, match="recorded.txt:2"):
        found(tmp_path, text, 'recorded = "recorded.txt"\n')


@pytest.mark.parametrize("keys, where, what", [
    ("enable = 4\nmask = 8\n", "it.toml:12 [driver] mask", "exclude each other"),
    ("produced = 4\n", "it.toml:11 [driver] produced", "nothing ever leaves the ring"),
    ("consumed = 4\n", "it.toml:11 [driver] consumed", "there is no ring"),
    ("depth = 4\n", "it.toml:11 [driver] depth", "nothing that holds several"),
    ("latency = 4\n", "it.toml:11 [driver] latency", "nothing is ever started"),
    ("start = 4\ndoorbell = 8\n", "it.toml:12 [driver] doorbell", "exclude each other"),
    ("data = 0\n", "it.toml:11 [driver] data", "register 0x0 is status already"),
    ("data = 4\nenable = 4\n", "it.toml", "register 0x4 is"),
    ("data = 400\n", "it.toml:11 [driver] data", "there is no register 0x190"),
    ("produced = 4\nconsumed = 8\ndepth = 1\n", "it.toml:13 [driver] depth", "a ring of one place"),
    ("start = 4\nidle = 1\n", "it.toml:12 [driver] idle", "both ready and idle"),
    ('recorded = "none.txt"\n', "it.toml:11 [driver] recorded", "cannot read"),
    ('latency = "soon"\nstart = 4\n', "it.toml:11 [driver] latency", "soon"),
])  # fmt: skip
def test_what_does_not_go_together_is_said_with_its_line(tmp_path, keys, where, what):
    with pytest.raises(TophalfError) as caught:
        found(tmp_path, NOTHING, keys)
    assert where in str(caught.value) and what in str(caught.value)


def test_the_summary_has_the_devices_counts_and_the_drivers_numbers(tmp_path, capsys):
    text = """
def handler(irq, dev):
    dev.sum += read_reg(dev, 4)
    atomic_inc(dev.calls)
    this_cpu_inc(dev.mine)
    write_reg(dev, 8, 1)
    return IRQ_HANDLED
"""
    (tmp_path / "driver.py").write_text(text + PROBE)
    toml = tmp_path / "it.toml"
    keys = 'data = 4\nstart = 8\nlatency = "200us"\narrivals = "times"\ntimes = ["1ms", "3ms"]\n'
    toml.write_text(f'{FREE}[[driver]]\nname = "dev"\nfile = "driver.py"\nirq = 24\n{keys}')
    assert main(["run", str(toml), "--json", "--seconds", "0.0035"]) == 0
    # two come by themselves, and from 1.2 to 3.4 ms the unit is done with one each 200 us
    expected = {"name": "dev", "irq": 24, "arrived": 14, "dropped": 0, "waiting": 0,
                "operations": {"started": 14, "completed": 12, "refused": 0}, "napi": {"polls": 0, "work": 0},
                "numbers": {"calls": 14, "mine": 14, "sum": 105}}  # fmt: skip
    assert json.loads(capsys.readouterr().out)["drivers"] == [expected]
    assert main(["run", str(toml), "--seconds", "0.0035"]) == 0
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "dev 14 arrived, 0 dropped, 12 operations complete calls 14, mine 14, sum 105" in said
