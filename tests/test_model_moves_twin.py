"""Where interrupts land while masks are written, without interrupt remapping, against a list of what happens in order.

Twin of: migration, manage, masks.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from modelprograms import at_times, times_of
from modelworlds import TICKLESS
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.manage import SET_AFFINITY, command
from tophalf.model.irq.managefields import I_AFFINITY, I_PENDING_MASK, M_WANTED, SETAFFINITY_PENDING
from tophalf.model.table import event_table

CPUS = 4
STEP_NS = 50_000_000  # long enough for an old vector to be freed
masks = st.sets(st.integers(0, CPUS - 1), min_size=1)
histories = st.lists(st.one_of(st.none(), masks), min_size=1, max_size=14)  # None: an interrupt; a set: a mask is written


class Line:
    """A write waits for the next interrupt, which lands where the last ones did; the CPU with most free vectors is taken, of
    equals the first. Until an interrupt has come to the new CPU the old vector is not free, and no further move begins."""

    def __init__(self, cpu):
        self.cpu, self.old, self.wanted, self.landed = cpu, None, None, []

    def write(self, mask):
        self.wanted = mask

    def interrupt(self):
        self.landed.append(self.cpu)
        arrived, self.old = self.old is not None, None
        if self.wanted is None or arrived:
            return  # nothing to do, or the vector that was left is only given up now: try at the next one
        if self.cpu not in self.wanted:
            self.old, self.cpu = self.cpu, min(self.wanted)
        self.wanted = None


def set_affinity(world, desc, mask):
    m = world.memory
    m[m[m[f.G_MANAGE] + M_WANTED]] = sum(1 << cpu for cpu in mask)
    return command(m, SET_AFFINITY, desc)


def asked(world, desc):
    m = world.memory
    field = I_PENDING_MASK if m[desc + f.D_MOVING] & SETAFFINITY_PENDING else I_AFFINITY
    return {cpu for cpu in range(CPUS) if m[m[m[desc + f.D_MANAGE] + field]] >> cpu & 1}


@settings(max_examples=60, deadline=None)
@given(histories, st.integers(0, CPUS - 1))
def test_interrupts_land_where_the_list_says(history, first):
    times = [STEP_NS * at + STEP_NS // 2 for at, what in enumerate(history) if what is None]
    builder, line = Builder(1, cpus=CPUS, nohz=TICKLESS, interrupt_remapping=False), Line(first)
    desc = at_times(builder, 24, times, (ops.OP_SPEND_NS, 1000), cpu=first)
    world = builder.world(5000)
    for at, what in enumerate(history):
        if what is None:
            line.interrupt()
        else:
            line.write(what)
            assert set_affinity(world, desc, what) == 0
            assert asked(world, desc) == what  # reads back at once, as kernel/irq/proc.c show_irq_affinity shows what waits
        world.run(STEP_NS * (at + 1))
    table = event_table(world)
    landed = table.cpu[table.kind == vocab.IRQ_HANDLER_ENTRY].tolist()
    assert times_of(table, vocab.IRQ_HANDLER_ENTRY, a=24) == times
    assert landed == line.landed
    assert world.memory[desc + f.D_CPU] == builder.cpus[line.cpu]
