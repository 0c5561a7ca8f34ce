"""Laws of hardware interrupts: handlers of device lines, and the system vectors of x86.

Handlers of different lines may nest: a driver of an interrupt controller calls the handlers behind it from its own
(kernel/irq/irqdesc.c generic_handle_irq()). A line may also be handled outside hardirq context, where software replays it
(kernel/irq/resend.c resend_irqs(), a tasklet) or polls it (kernel/irq/spurious.c poll_spurious_irqs(), a timer).
"""

import numpy as np

from tophalf import vocab
from tophalf.judge.laws import pairs
from tophalf.judge.laws.ground import HARDIRQ
from tophalf.judge.laws.law import Law, verdict
from tophalf.judge.laws.verdicts import flag_verdict, irqs_off_verdict, pair_verdict
from tophalf.vocab import IRQ_HANDLER_ENTRY, IRQ_HANDLER_EXIT, VECTOR_ENTRY, VECTOR_EXIT

_RUN_ACTIONS = "kernel/irq/handle.c __handle_irq_event_percpu()"
_SYSVEC = "arch/x86/include/asm/idtentry.h DEFINE_IDTENTRY_SYSVEC()"

IRQ_PAIR = Law(
    name="irq-pair",
    statement="A handler's exit ends the handler entered last on that CPU, of the same interrupt, and before the hardirq ends",
    source=_RUN_ACTIONS,
)
IRQ_NOT_NESTED = Law(
    name="irq-not-nested",
    statement="The handlers of one interrupt run one after another on a CPU, never one inside another",
    source=_RUN_ACTIONS,
)
IRQ_IRQS_OFF = Law(
    name="irq-irqs-off", statement="A handler is entered with interrupts off", source="kernel/irq/handle.c handle_irq_event()"
)
IRQ_CONTEXT = Law(
    name="irq-context",
    statement="An interrupt that comes as a hardirq is handled in hardirq context, but for a replay in TASKLET and a poll in TIMER",
    source="kernel/irq/irqdesc.c handle_irq_desc()",
)
IRQ_RETURN = Law(
    name="irq-return",
    statement="A handler returns IRQ_NONE, IRQ_HANDLED, IRQ_WAKE_THREAD or the last two together",
    source="kernel/irq/spurious.c bad_action_ret()",
)
VECTOR_PAIR = Law(
    name="vector-pair",
    statement="A system vector's exit ends the vector entered last on that CPU, and none is entered inside itself",
    source=_SYSVEC,
)
VECTOR_CONTEXT = Law(
    name="vector-context", statement="A system vector is entered in hardirq context with interrupts off", source=_SYSVEC
)

LAWS = (IRQ_PAIR, IRQ_NOT_NESTED, IRQ_IRQS_OFF, IRQ_CONTEXT, IRQ_RETURN, VECTOR_PAIR, VECTOR_CONTEXT)
RETURN_MAX = 3  # include/linux/irqreturn.h: IRQ_HANDLED 1 | IRQ_WAKE_THREAD 2


def judge(ground, softirqs):
    """Verdicts of LAWS. softirqs: Pairs of the softirq vectors, to know what was being served."""
    return [*_judge_handlers(ground), *_judge_entries(ground, softirqs), _judge_return(ground), *_judge_vectors(ground)]


def _judge_handlers(ground):
    found = _pairs(ground, IRQ_HANDLER_ENTRY, IRQ_HANDLER_EXIT, ground.table.a)
    nested = found.code == pairs.NESTED
    opens = ground.kind == IRQ_HANDLER_ENTRY
    yield pair_verdict(IRQ_PAIR, ground, found, (found.judged == 1) & ~opens, (found.code != 0) & ~nested, _irq_words)
    yield pair_verdict(IRQ_NOT_NESTED, ground, found, (found.judged == 1) & opens, nested, _irq_words)


def _pairs(ground, opens, closes, ident):
    level = ground.level if ground.has_flags else np.zeros(ground.row_count, np.int64)
    return pairs.match_rows(ground, ground.window(opens, closes), opens, closes, ground.cpu, ident, level, nests=True)


def _irq_words(table, row):
    name = table.text(int(table.name[row])) if table.kind[row] == IRQ_HANDLER_ENTRY else None
    return f"the handler of irq {int(table.a[row])}" + (f" ({name})" if name else "")


def _judge_entries(ground, softirqs):
    """Laws that the flags of one event decide."""
    entries = ground.is_kind(IRQ_HANDLER_ENTRY)
    yield irqs_off_verdict(IRQ_IRQS_OFF, ground, entries, ~ground.irqs_off, "a handler was entered with interrupts on")
    irqs = ground.table.a
    as_hardirq = np.unique(irqs[entries & ground.in_hardirq])
    judged = entries & np.isin(irqs, as_hardirq)
    # UNKNOWN and NOTHING_OPEN: in a softirq of which the trace does not say the vector
    excused = ground.in_softirq & ((softirqs.inner < 0) | np.isin(softirqs.inner, (vocab.TIMER, vocab.TASKLET)))
    text = "an interrupt that comes as a hardirq was handled outside hardirq context"
    yield flag_verdict(IRQ_CONTEXT, ground, judged, ~ground.in_hardirq & ~excused, text)


def _judge_return(ground):
    table, exits = ground.table, ground.is_kind(IRQ_HANDLER_EXIT)
    rows = np.flatnonzero(exits & ((table.b < 0) | (table.b > RETURN_MAX)))

    def describe(at):
        return f"{_irq_words(table, rows[at])} returned {int(table.b[rows[at]])}, at most {RETURN_MAX} is a return value"

    return verdict(IRQ_RETURN, table, np.count_nonzero(exits), rows, describe)


def _judge_vectors(ground):
    ident = ground.table.a * 1024 + np.maximum(ground.table.name, 0)
    found = _pairs(ground, VECTOR_ENTRY, VECTOR_EXIT, ident)
    yield pair_verdict(VECTOR_PAIR, ground, found, (found.judged == 1), found.code != 0, _vector_words)
    entries = ground.is_kind(VECTOR_ENTRY)
    wrong = (ground.level < HARDIRQ) | ~ground.irqs_off
    yield irqs_off_verdict(VECTOR_CONTEXT, ground, entries, wrong, "a system vector outside hardirq context or with interrupts on")


def _vector_words(table, row):
    return f"vector {int(table.a[row])} ({table.text(int(table.name[row]))})"
