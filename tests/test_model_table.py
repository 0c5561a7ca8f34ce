"""The model's event table: what every instrument reads is what the tracepoints told."""

import numpy as np
import pytest

from modelprograms import at_times, run
from modelworlds import mixed
from tophalf import vocab
from tophalf.events import COLUMNS
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_function, add_tasklet
from tophalf.model.table import Functions, event_table

pytestmark = pytest.mark.kernels


@pytest.fixture(scope="module")
def table():
    world = mixed().world(trace_rows=700)
    world.run(10_000_000)
    return event_table(world)


def test_columns_are_those_of_the_event_table_in_order_of_time_and_cpu(table):
    assert all(getattr(table, name).dtype == dtype for name, dtype in COLUMNS)
    keys = list(zip(table.time_ns.tolist(), table.cpu.tolist(), strict=True))
    assert keys == sorted(keys)
    assert (table.clock, table.lost, table.cpus) == ("mono", {}, (0, 1))


def test_tasks_have_their_names(table):
    assert table.tasks[0] == "<idle>"
    assert {"ksoftirqd/0", "ksoftirqd/1", "app", "nice", "irq/31-sensor"} <= set(table.tasks.values())
    assert set(table.pid.tolist()) <= set(table.tasks)
    switches = table.kind == vocab.SCHED_SWITCH
    for pid, name in zip(table.a[switches].tolist(), table.name[switches].tolist(), strict=True):
        assert table.text(name) == (table.tasks[pid] if pid else table.text(name)) != ""


def test_handlers_and_devices_have_their_names(table):
    handlers = {table.text(name) for name in table.name[table.kind == vocab.IRQ_HANDLER_ENTRY].tolist()}
    assert handlers == {"level0", "level1", "sensor", "edge", "eth0-33", "eth1-34"}
    assert {table.text(name) for name in table.name[table.kind == vocab.NAPI_POLL].tolist()} == {"eth0", "eth1"}


def test_functions_are_found_by_the_address_that_the_trace_shows(table):
    rows = table.kind == vocab.TASKLET_ENTRY
    assert {table.function(int(address)) for address in table.b[rows]} == {"edge_tasklet"}
    assert (table.a[rows].astype(np.uint64) >= 0xFFFF_8880_0000_0000).all()


def test_an_unknown_function_is_an_address():
    functions = Functions({0xFFFF_FFFF_C000_0000: "one"})
    assert functions.name(0xFFFF_FFFF_C000_0000 - (1 << 64)) == functions.name(0xFFFF_FFFF_C000_0000) == "one"
    assert functions.name(12) is None


def test_a_function_has_one_address():
    builder = Builder(1)
    assert add_function(builder, "one") == add_function(builder, "one") != add_function(builder, "other")


def test_a_world_that_traced_nothing_gives_an_empty_table():
    world = Builder(1).world(trace_rows=10)
    world.run(1_000_000)
    assert len(event_table(world)) == 0


def test_each_kind_says_what_vocab_says_it_holds():
    builder = Builder(1)
    spend = builder.program(_returns(builder))["start"]
    one = add_tasklet(builder, "mine", spend)
    at_times(builder, 24, [1000], (ops.OP_TASKLET_SCHEDULE, one, vocab.TASKLET))
    _, table = run(builder, 10_000)
    told = [(vocab.EVENT_NAMES[kind], a) for kind, a in zip(table.kind.tolist(), table.a.tolist(), strict=True)]
    address = builder.memory[one + f.TL_ADDRESS]
    assert told == [
        ("irq_handler_entry", 24), ("softirq_raise", vocab.TASKLET), ("irq_handler_exit", 24), ("softirq_entry", vocab.TASKLET),
        ("tasklet_entry", address), ("tasklet_exit", address), ("softirq_exit", vocab.TASKLET),
    ]  # fmt: skip


def _returns(builder):
    from tophalf.model.ground.program import Assembler

    code = Assembler()
    code.label("start")
    code(ops.OP_RET)
    return code
