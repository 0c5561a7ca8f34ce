"""The model's events against a twin's, one by one."""

from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.table import event_table


def same_events(world, twin, expected):
    """Assert that a world of one CPU has told what a twin says, and that the CPU's time went where the twin has it."""
    table = event_table(world)
    columns = (table.time_ns, table.kind, table.pid, table.flags, table.preempt, table.a, table.b, table.c)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    for at, (mine, twins) in enumerate(zip(found, expected, strict=False)):
        before = [words(event) for event in expected[max(0, at - 8) : at]]
        assert words(mine) == words(twins), f"event {at}, after {before}"
    assert len(found) == len(expected)
    times = world.builder.cpus[0] + f.C_TIMES
    assert [int(world.memory[times + part]) for part in range(f.CLASSES)] == twin.times


def run_beside(twin, model_of, scenario):
    """Assert that the model of a scenario, run in its pieces, tells what the twin does.

    Returns (world, what model_of made: a builder, or one and more); None where the twin leaves open which of two things at one
    moment comes first.
    """
    expected = twin.run()
    if twin.undecided:
        return None
    made = model_of(scenario)
    world = (made[0] if isinstance(made, tuple) else made).world(trace_rows=3000)
    for end_ns in (*scenario.get("cuts", ()), scenario["until_ns"]):
        world.run(end_ns)
    same_events(world, twin, expected)
    return world, made


def same_ticks(world, twin):
    """Assert that ticks met what the twin says they did."""
    ticks = world.builder.cpus[0] + f.C_TICKS
    assert [int(world.memory[ticks + column]) for column in range(f.TICK_COLUMNS)] == twin.ticks


def words(event):
    """An event with its kind by name."""
    return (event[0], vocab.EVENT_NAMES[event[1]], *event[2:])
