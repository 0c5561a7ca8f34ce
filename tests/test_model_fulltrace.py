"""What happens at one moment is told in full, however little room the trace has; and nothing is written beyond it."""

import pytest

from modelprograms import program
from tophalf import vocab
from tophalf.compiled import jit_is_enabled
from tophalf.errors import TophalfError
from tophalf.model import engine, ops
from tophalf.model import fields as f
from tophalf.model.assemble.world import assemble
from tophalf.model.build import Builder
from tophalf.model.summary import digest
from tophalf.model.table import event_table
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
# A poll of one packet costs nothing: 400 of them, each told, in one softirq at one moment; the other CPU's interrupts the same
CROWDED = """
[machine]
cpus = 2
tick = "never"
netdev_budget = 1000
[costs]
irq_entry = 50
irq_exit = 0
softirq_entry = 0
[[nic]]
queues = 2
arrivals = "bursts"
burst = 400
gap = 100_000
rate = 100_000_000
weight = 1
ring = 512
rx_usecs = 20
handler_cost = 0
poll_cost = 0
packet_cost = 0
"""


def crowded(rows):
    world = assemble(read_scenario(CROWDED, "crowded.toml"), 1).world(trace_rows=rows)
    world.run(250_000)
    return world


def test_a_crowded_moment_is_told_in_full_whatever_room_the_trace_has():
    expected = crowded(20_000)
    table = event_table(expected)
    polls = table.time_ns[table.kind == vocab.NAPI_POLL].tolist()
    assert max(map(polls.count, set(polls))) >= 400
    for rows in (1, 2, 63, 300):
        world = crowded(rows)
        assert event_table(world).digest() == table.digest()
        assert digest(world) == digest(expected) == digest(crowded(0))
        assert max(map(len, world.rows)) < (rows + 256) * 9


def test_time_that_stands_still_is_found_also_where_it_fills_the_trace_again_and_again(monkeypatch):
    if not jit_is_enabled():
        monkeypatch.setattr(engine, "STILL_STEPS_MAX", 10_000)
    builder = Builder(1)
    nothing = [(ops.OP_SET, f.F_R0, 0)] * 60
    body = [(ops.OP_BH_OFF,), "again", (ops.OP_RAISE, vocab.TASKLET), *nothing, (ops.OP_JUMP, "again")]
    builder.task("app", 0, program(builder, *body))
    with pytest.raises(TophalfError, match="time does not pass"):
        builder.world(trace_rows=20 if not jit_is_enabled() else 4096).run(1000)
