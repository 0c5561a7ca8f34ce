"""What was found wrong while drivers ran, in the kernel's words, with the line, the context stack and the locks that were held.

`complain` has kept the facts in the world's memory; here they are read and become driver.report.Reports. A file of words holds a
function for each kind, from a Case to (word, title, remedy), or to (word, title, remedy, address) with the address of the
instruction whose line is meant; without that it is the innermost one of a driver on the stack.
"""

from tophalf.driver.report import Report
from tophalf.model import fields as f
from tophalf.model.check import checkfields as k
from tophalf.model.check import checkkinds, checkwords, crashwords, devicewords, watchwords
from tophalf.model.check.complain import COMPLAINT_SIZE
from tophalf.model.check.lockfacts import judge_locks
from tophalf.model.ops import OP_JUMP, STRIDE
from tophalf.vocab import SOFTIRQS

WORDS = crashwords.WORDS | checkwords.WORDS | watchwords.WORDS | devicewords.WORDS
CONTEXTS = {f.IN_TASK: "task", f.IN_SYSCALL: "task", f.IN_SOFTIRQ: "softirq", f.IN_HARDIRQ: "hardirq", f.IN_NMI: "nmi"}


class Places:
    """Lines of a world's programs."""

    def __init__(self, builder):
        self.code, self.memory = builder.code_places, builder.memory

    def loop_of(self, address):
        """Where the innermost loop around an instruction begins, the instruction itself outside of loops."""
        for first, lines, *_ in self.code:
            if first <= address < first + STRIDE * len(lines):
                for jump in range(address, first + STRIDE * len(lines), STRIDE):
                    if self.memory[jump] == OP_JUMP and first <= self.memory[jump + 1] <= address:
                        return self.memory[jump + 1]
        return address

    def of(self, address):
        """(path, line, function) of an instruction, None outside of drivers."""
        for first, lines, path, function in self.code:
            if first <= address < first + STRIDE * len(lines):
                return path, lines[(address - first) // STRIDE], function
        return None


class Case:
    """One complaint. m: memory; about, other: its two words; place; strings; locks: names of locks by address."""

    def __init__(self, world, address):
        self.world, self.m, self.address = world, world.memory, address
        self.places, self.strings = Places(world.builder), world.builder.memory.strings
        self.kind, self.place, self.count, self.time_ns = (self[word] for word in range(k.RE_KIND, k.RE_CPU))
        self.cpu, self.task, self.preempt_count, self.irqs_off = (self[word] for word in range(k.RE_CPU, k.RE_ABOUT))
        self.about, self.other = self[k.RE_ABOUT], self[k.RE_OTHER]
        size, first = k.FRAME_WORDS, k.RE_STACK
        self.frames = [tuple(self[first + size * at + word] for word in range(size)) for at in range(self[k.RE_FRAMES])]
        size, first = k.HELD_SIZE, k.RE_STACK + f.FRAMES_MAX * k.FRAME_WORDS
        self.held = [tuple(self[first + size * at + word] for word in range(size)) for at in range(self[k.RE_HELD])]

    def __getitem__(self, field):
        return int(self.m[self.address + field])

    # What words are made of

    def name(self, address):
        """The text whose number lies at an address."""
        return self.strings[int(self.m[address])]

    def operand(self, number=1):
        """Of the instruction at the place: x, y or z."""
        return int(self.m[self.place + number])

    def operand_name(self):
        """The text that the instruction's x numbers; "" for none (0 is none: numbers from 1 on)."""
        number = self.operand()
        return self.strings[number - 1] if number else ""

    def lock_name(self, address):
        return self.world.builder.lock_names.get(address, "a lock")

    def function(self):
        """The innermost function of a driver, "" outside of them."""
        found = self._innermost()
        return found[2] if found else ""

    def outermost(self):
        """The function of a driver that the kernel called, "" for none."""
        found = [found for found in (self.places.of(pc - STRIDE) for pc, *_ in self.frames) if found]
        return found[0][2] if found else ""

    def irq(self):
        """The number of the line whose hardirq this is in, None for none."""
        descs = [frame[k.FRAME_ARG] for frame in self.frames if frame[k.FRAME_KIND] == f.IN_HARDIRQ]
        return int(self.m[descs[0] + f.D_IRQ]) if descs else None

    def context(self):
        """hardirq, softirq, task or nmi."""
        return CONTEXTS[self.frames[-1][k.FRAME_KIND]]

    def task_name(self):
        return f'the task "{self.name(self.task + f.K_NAME)}"' if self.m[self.task + f.K_PID] else "the idle task"

    # Where it was

    def _innermost(self):
        found = (self.places.of(pc - STRIDE) for pc, *_ in reversed(self.frames))
        return next(filter(None, found), None)

    def line(self, address=None):
        """(path, line) of an instruction, or of the innermost one of a driver; (name of a driver's file, None) outside of them."""
        found = (self.places.of(address) if address else None) or self._innermost()
        if found:
            return found[:2]
        return (self.places.code[0][2] if self.places.code else "", None)

    def stack(self):
        """The context stack in a line, the innermost first."""
        groups = []
        for frame in self.frames:
            context = CONTEXTS[frame[k.FRAME_KIND]]
            if not groups or groups[-1][0] != context:
                groups.append((context, []))
            groups[-1][1].append(frame)
        said = [(self._functions(frames), self._context(context, frames)) for context, frames in reversed(groups)]
        functions, first = said[0]
        over = "".join(f", over {each}{f' in {names}' if names else ''}" for names, each in said[1:])
        return f"in {functions}{', ' if functions else ''}{first} on CPU{self.cpu}{over}"

    def _functions(self, frames):
        """Those of drivers, the innermost first."""
        return " < ".join(found[2] for found in (self.places.of(pc - STRIDE) for pc, *_ in reversed(frames)) if found)

    def _context(self, context, frames):
        if context == "hardirq":
            desc = frames[0][k.FRAME_ARG]
            number = int(self.m[desc + f.D_IRQ])
            return f"hardirq of IRQ {number}" if number >= 0 else f"hardirq of {self.name(desc + f.D_NAME)}"
        if context == "softirq":
            return f"softirq {SOFTIRQS[frames[0][k.FRAME_VECTOR]]}"
        return self.task_name() if context == "task" else context

    def details(self):
        """Lines: the stack, and each lock with the line where it was taken."""
        flags = f"preempt_count {self.preempt_count:#x}, interrupts {'off' if self.irqs_off else 'on'}"
        lines = [f"{self.stack()}; {flags}"]
        for lock, pc, *_ in self.held:
            found = self.places.of(pc)
            lines.append(f"{self.lock_name(lock)} is held, taken at {f'line {found[1]} in {found[2]}' if found else 'boot'}")
        return lines


def cases(world):
    """Every Case of a world, in order of time."""
    checks, m = world.builder.checks, world.memory
    if not checks:
        return []
    first = int(m[checks + k.CK_FIRST])
    return [Case(world, first + COMPLAINT_SIZE * at) for at in range(int(m[checks + k.CK_COUNT]))]


def reports_lost(world):
    """How many complaints there was no room for: others had come, of other kinds or places."""
    checks = world.builder.checks
    return int(world.memory[checks + k.CK_LOST]) if checks else 0


def reports_of(world, replay=None):
    """[Report], in order of time; each kind once a line. replay: the command that comes to them again."""
    found, all_cases = {}, cases(world)
    told = [report_of(case, replay) for case in all_cases if case.kind < checkkinds.FACTS_FROM]
    for report in told + [_of_locks(replay, *one) for one in judge_locks(world, all_cases)]:
        found.setdefault((report.path, report.line, report.kind), report)
    return sorted(found.values(), key=lambda report: (report.time_ns, report.path, report.line or 0))


def report_of_refusal(error):
    """Of what ended a probe. error: probe.Refused."""
    title = f"request_irq is refused: {error.what}"
    return Report(path=error.path, line=error.line_number, kind="request-refused", title=title, details=(), do=error.do)


def report_of(case, replay=None):
    kind, title, do, *address = WORDS[case.kind](case)
    path, line = case.line(*address)
    return Report(path=path, line=line, kind=kind, title=title, details=tuple(case.details()), do=do, time_ns=case.time_ns,
                  count=case.count, replay=replay)  # fmt: skip


def _of_locks(replay, case, path, line, kind, title, details, do):
    return Report(path=path, line=line, kind=kind, title=title, details=(*details, *case.details()), do=do, time_ns=case.time_ns,
                  count=case.count, replay=replay)  # fmt: skip
