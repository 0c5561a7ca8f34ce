"""Locks in the contexts where they are taken, and in which order: what kernel/locking/lockdep.c would say of them.

A lock's class is its name. A class that an interrupt takes must never be taken with that interrupt on, nor stand before one that
is (safe to unsafe). Readers in interrupts, and with bottom halves off, are recursive: they wait for no writer that waits. Only
strong paths count, where no lock that such a reader takes is held by a reader for what follows. Left out: nesting annotations,
trylocks, completions.
"""

from collections import namedtuple

from tophalf.driver.roles import HARDIRQ, SOFTIRQ
from tophalf.driver.state import MUTEX

# form: the plain call that takes such a lock, spin_lock; "" where it is held and what it needs off is turned on
Taking = namedtuple("Taking", "line function text is_read form")
IRQ, BH = "hardirq", "softirq"
READ_TWICE = "read it once: a writer that comes in between waits for the first, and the second for the writer"
OFF = {IRQ: "interrupts", BH: "bottom halves"}


def form_of(name):
    """The plain form of a call that takes a lock: read_lock of read_lock_bh."""
    return name.removeprefix("raw_").removesuffix("_bh").removesuffix("_irqsave").removesuffix("_irq")


def remedy(kind, form):
    """What to do where a lock of that form is open to interrupts. The API has no irqsave form for readers and writers."""
    if not form:
        return f"leave {OFF[kind]} off until it is let go of"
    suffix = "bh" if kind == BH else "irqsave" if form == "spin_lock" else "irq"
    return f"take it with {form}_{suffix} here"


def is_recursive(state, is_read):
    """include/linux/lockdep.h read_lock_is_recursive."""
    return is_read and (state.bh > 0 or state.context in (HARDIRQ, SOFTIRQ))


class Locks:
    """within: {(class, IRQ or BH): [Taking in such a context]}; open: {likewise: [Taking with those on]}; after: {class: {class
    taken while it is held: {(whether the first is read, whether the second is, recursively): Taking}}}."""

    def __init__(self):
        self.within, self.open, self.after = {}, {}, {}

    def taken(self, path, node, state, lock):
        """A lock is about to be taken."""
        taking = Taking(node.lineno, path.stack[-1], lock.text, lock.is_read, form_of(node.func.id))
        for held in state.held:
            if held.key != lock.key:
                self.follows(held.key, lock.key, held.is_read, is_recursive(state, lock.is_read), taking)
        if lock.kind == MUTEX:
            return
        if state.context in (HARDIRQ, SOFTIRQ):
            self.within.setdefault((lock.key, IRQ if state.context == HARDIRQ else BH), []).append(taking)
        if not state.irqs_off and state.context != HARDIRQ:
            self.open.setdefault((lock.key, IRQ), []).append(taking)
        if state.softirqs_on:
            self.open.setdefault((lock.key, BH), []).append(taking)

    def follows(self, first, then, is_read, recursive, taking):
        """`then` is taken while `first` is held."""
        kinds = self.after.setdefault(first, {}).setdefault(then, {})
        kinds[is_read, recursive] = min(kinds.get((is_read, recursive), taking), taking)  # paths are walked in no order

    def judge(self, reports):
        """After every path has been walked."""
        bad = set()
        for (key, kind), takings in sorted(self.within.items()):
            for taken in self.open.get((key, kind), ()):
                inside = min((each for each in takings if not (each.is_read and taken.is_read)), default=None)
                if inside:
                    bad.add((key, kind))
                    self._inconsistent(reports, kind, taken, inside)
        self._chains(reports, bad)
        self._cycles(reports)

    def _inconsistent(self, reports, kind, taken, inside):
        details = [f"in {taken.function} with {kind}s on; in {inside.function} (line {inside.line}) within a {kind}",
                   f"a {kind} that comes while it is held waits for it for ever, on its own CPU"]  # fmt: skip
        title = f"inconsistent lock state: {taken.text} {{{kind.upper()}-ON}} and {{IN-{kind.upper()}}}"
        reports.add(taken.line, f"inconsistent-{kind}", title, details, remedy(kind, taken.form))

    def _chains(self, reports, bad):
        """An interrupt takes `key`; whoever holds that takes others; one of those is taken somewhere with the interrupt on."""
        for key, kind in sorted(self.within):
            inside = min(self.within[key, kind], key=lambda taking: (taking.is_read, taking))
            for other, ways in sorted(self.reached(key, inside.is_read).items()):
                opened = [taking for taking in self.open.get((other, kind), ()) if not taking.is_read or False in ways]
                if opened and (other, kind) not in bad and other != key:
                    taken, first = min(opened), ways[min(ways)]
                    details = [f"{inside.text} is taken within a {kind} (line {inside.line})",
                               f"{first.text} is taken while it is held (line {first.line})",
                               f"{taken.text} is taken with {kind}s on in {taken.function}"]  # fmt: skip
                    title = f"{kind}-safe to {kind}-unsafe lock order detected: {inside.text} to {taken.text}"
                    reports.add(taken.line, f"chain-{kind}", title, details, remedy(kind, taken.form))

    def reached(self, key, recursive=False):
        """{class: {whether it is taken as a recursive reader: the Taking that led there first}} of all that may be taken on strong
        paths while `key`, which was taken so, is held. kernel/locking/lockdep.c __bfs."""
        found, todo = {}, [(key, recursive)]
        while todo:
            at, was_recursive = todo.pop()
            for other, kinds in sorted(self.after.get(at, {}).items()):
                for (is_read, ends), taking in sorted(kinds.items()):
                    if not (was_recursive and is_read) and ends not in found.setdefault(other, {}):
                        found[other][ends] = taking
                        todo.append((other, ends))
        return {other: ways for other, ways in found.items() if ways}

    def _cycles(self, reports):
        for key in sorted(self.after):
            for other in sorted(self.after[key]):
                taking, back = self._round(key, other)
                if back and key < other:  # once for both ways round
                    details = [f"in {taking.function}, while {key} is held",
                               f"the other way round in {back.function} (line {back.line})"]  # fmt: skip
                    title = f"possible circular locking dependency detected: {other} after {key}, and {key} after {other}"
                    reports.add(taking.line, "order", title, details, "take them in one order everywhere")

    def _round(self, key, other):
        """(Taking of `other` under `key`, Taking of `key` on a strong way back), None for both."""
        for (is_read, recursive), taking in sorted(self.after[key][other].items()):
            for ends, back in sorted(self.reached(other, recursive).get(key, {}).items()):
                if not (ends and is_read):
                    return taking, back
        return None, None
