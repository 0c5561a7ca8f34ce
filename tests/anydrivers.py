"""[[driver]] sections for random machines beside `anyscenario`: devices of every kind, and drivers that serve them in every way.

A driver quiets its device in the top half, or masks it and polls; what it defers runs in each bottom half. Each takes some time, so
that none goes round and round at one moment. Their texts lie in files as long as the tests run, named after what they hold.
"""

import hashlib
import os
import tempfile

from hypothesis import strategies as st

from tophalf.model import fields as f
from tophalf.model.code import codefields as k

FOLDER = tempfile.TemporaryDirectory(prefix="anydrivers")
HEAD = """from tophalf.kernel import *

STATUS, DATA, HEAD, DONE, MASK, START = 0, 4, 8, 12, 16, 20
DEPTH = {depth}


def later(dev):
    flags = spin_lock_irqsave(dev.lock)
    dev.deferred += 1
    spin_unlock_irqrestore(dev.lock, flags)
    spend({later})
{start}

def handler(irq, dev):
    if not read_reg(dev, STATUS) & ~read_reg(dev, MASK) & 1:
        return IRQ_NONE
    spend({top})
    atomic_inc(dev.seen)
    this_cpu_inc(dev.here)
{quiet}{defer}

"""
QUIET = {
    "latch": "    write_reg(dev, STATUS, 1)\n",
    "fifo": "    while read_reg(dev, STATUS) & 1:\n        dev.sum += read_reg(dev, DATA)\n        dev.taken += 1\n",
    "ring": "    dev.tail = read_reg(dev, HEAD)\n    write_reg(dev, DONE, dev.tail)\n",
    "napi": "    write_reg(dev, MASK, 1)\n",
}
RING = {"produced": 8, "consumed": 12}
KEYS = {"latch": {}, "fifo": {"data": 4}, "ring": RING, "napi": RING | {"mask": 16}}
HANDLED = "    return IRQ_HANDLED\n"
REQUEST = "    return request_irq(dev.irq, handler, {flags}, '{name}', dev)\n"
# How the rest is deferred: the end of the handler, functions, the end of probe
DEFER = {
    "nothing": (HANDLED, "", REQUEST),
    "thread": ("    return IRQ_WAKE_THREAD\n",
               "def bottom(irq, dev):\n    later(dev)\n    usleep_range(20, 50)\n    return IRQ_HANDLED\n",
               "    return request_threaded_irq(dev.irq, handler, bottom, {flags}, '{name}', dev)\n"),
    "tasklet": ("    tasklet_schedule(dev.bh)\n" + HANDLED, "def bottom(t):\n    later(from_tasklet(t))\n",
                "    tasklet_setup(dev.bh, bottom)\n" + REQUEST),
    "work": ("    queue_work(system_wq, dev.bh)\n" + HANDLED,
             "def bottom(work):\n    dev = container_of(work)\n    later(dev)\n    msleep(1)\n",
             "    INIT_WORK(dev.bh, bottom)\n" + REQUEST),
    "bh_work": ("    queue_work(system_bh_wq, dev.bh)\n" + HANDLED, "def bottom(work):\n    later(container_of(work))\n",
                "    INIT_WORK(dev.bh, bottom)\n" + REQUEST),
    "napi": ("    dev.fresh += napi_schedule(dev.bh)\n" + HANDLED, """def bottom(napi, budget):
    dev = container_of(napi)
    work = 0
    spend(200)
    while work < budget and read_reg(dev, HEAD) != dev.tail:
        dev.tail = (dev.tail + 1) % DEPTH
        work += 1
        spend({packet})
    write_reg(dev, DONE, dev.tail)
    later(dev)
    if work < budget and napi_complete_done(napi, work):
        write_reg(dev, MASK, 0)
    return work
""", "    netif_napi_add(dev.bh, bottom)\n    napi_enable(dev.bh)\n" + REQUEST),
}  # fmt: skip


@st.composite
def drivers(draw, cpus, kernel):
    """[{key: value}] of [[driver]] sections: the first two may share a line."""
    return [draw(_driver(number, cpus, kernel)) for number in range(draw(st.integers(0, 3)))]


@st.composite
def _driver(draw, number, cpus, kernel):
    kind = draw(st.sampled_from(tuple(KEYS)))
    ways = DEFER.keys() - {"napi"} - ({"bh_work"} if kernel == "6.1" else set())
    defer = "napi" if kind == "napi" else draw(st.sampled_from(sorted(ways)))
    shared = number < 2 and defer != "thread"
    starts = kind != "latch" and draw(st.booleans())
    depth = draw(st.integers(2, 80))
    keys = {"name": f"any{number}", "irq": 130 if shared else 131 + number, "cpu": 0 if shared else draw(st.integers(0, cpus - 1)),
            "flow": "level" if shared else draw(st.sampled_from(("edge", "level", "fasteoi"))), **KEYS[kind]}  # fmt: skip
    keys |= {"rate": draw(st.integers(1, 100_000)), "arrivals": draw(st.sampled_from(("constant", "poisson")))}
    if kind != "latch":
        keys["depth"] = depth
    if starts:
        latency = draw(st.sampled_from((1000, 30_000, "exponential 20us", "lognormal 40us 0.5")))
        keys |= {"start": 20, "latency": latency, "units": draw(st.integers(1, 4))}
    flags = "IRQF_SHARED" if shared else "IRQF_ONESHOT" if defer == "thread" else "0"
    ends, functions, probe = DEFER[defer]
    given = {"depth": depth, "later": draw(st.integers(1, 20_000)), "top": draw(st.integers(100, 5000)), "quiet": QUIET[kind],
             "start": "    write_reg(dev, START, 1)" if starts else "", "defer": ends}  # fmt: skip
    probe = f"def probe(dev):\n    spin_lock_init(dev.lock)\n{probe.format(flags=flags, name=keys['name'])}"
    text = HEAD.format(**given) + functions.replace("{packet}", str(draw(st.integers(100, 2000))))
    return keys | {"file": _file(f"{text}\n\n{probe}")}


def _file(text):
    path = os.path.join(FOLDER.name, f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def devices_are_conserved(world):
    """What arrived was dropped, taken or waits; what was started is done, or under way; lines are held by who says so."""
    m, held = world.memory, {}
    for device in world.builder.coded:
        r = device.registers
        arrived, dropped, waits, started, completed, busy = (int(m[r + field]) for field in (
            k.R_ARRIVED, k.R_DROPPED, k.R_WAITS, k.R_STARTED, k.R_COMPLETED, k.R_BUSY))  # fmt: skip
        assert 0 <= waits <= m[r + k.R_ROOM] and 0 <= dropped <= arrived
        assert busy == min(started - completed, m[r + k.R_UNIT_COUNT])
        if m[r + k.R_FIFO]:
            assert int(m[device.words["taken"]]) == arrived - dropped - waits
        line = device.line
        held[line] = held.get(line, 0) + int(m[device.hardware + f.V_LEVEL] and m[device.hardware + f.V_ASSERTED])
        assert m[device.hardware + f.V_FIRED] == arrived
    assert all(int(m[line + f.D_LINE]) == count for line, count in held.items())
