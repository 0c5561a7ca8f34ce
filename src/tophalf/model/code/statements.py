"""Statements of a driver's function into instructions: assignment, if, while, for over range, return."""

import ast

from tophalf.model.check.checkcalls import end_entry, write_step
from tophalf.model.check.crash import STEP_OF_ZERO
from tophalf.model.code import codeops as c
from tophalf.model.code.expressions import BINARY, WORD_MAX, WORD_MIN, Expressions
from tophalf.model.code.objects import Device, Local, Object
from tophalf.model.ops import OP_JUMP, OP_RET


class Statements(Expressions):
    """Part of a Function (`generate`)."""

    def __init__(self, generator, function, statics):
        super().__init__(generator, function, statics)
        self.numbers = {argument.arg for argument in function.args.args} - self.statics.keys()
        self.kept, self.loops = len(self.slots), []  # locals below `kept` are in use; (where continue, where break goes)
        self.role, self.entered = 0, None  # see `checkcalls.begin_entry`

    def body(self, statements):
        for node in statements:
            self.statement(node)

    def statement(self, node):
        self.line, self.used = node.lineno, self.kept
        if not isinstance(node, ast.Pass):
            write_step(self, node)
        writer = WRITERS.get(type(node))
        if writer:
            writer(self, node)

    def expression_statement(self, node):
        if not isinstance(node.value, ast.Constant):
            self.value(node.value)

    # Assignment

    def assign(self, node):
        target = node.targets[0]
        if isinstance(target, ast.Name):
            slot = self.slots.get(target.id)
            self.bind(node, target.id, slot, self.value(node.value, slot))
        else:
            self.store(target, self.value(node.value))

    def bind(self, node, name, slot, value):
        """A name is a number in a local, or one device or object for good."""
        if isinstance(value, (Device, Object)):
            if self.statics.setdefault(name, value) is not value or name in self.numbers:
                self.refuse(node, f"{name} is now this, now that", "use a name for each device or object")
        elif name in self.statics:
            self.refuse(node, f"{name} is now this, now that", "use a name for each device or object")
        else:
            self.numbers.add(name)
            self.put(node.value, slot, value)

    def augmented(self, node):
        """Read, then the right side, then written, as Python does."""
        target, op = node.target, BINARY[type(node.op)]
        if isinstance(target, ast.Name):
            slot = self.slots.get(target.id)
            left = self.value(target)
            self.bind(node, target.id, slot, self.operate(node, op, left, self.value(node.value), slot))
        else:
            left = self.value(target)
            self.store(target, self.operate(node, op, left, self.value(node.value), self.room()))

    def store(self, target, value):
        """Into an attribute of a device."""
        device = self.device(target.value)
        if isinstance(value, Object) and value.kind == "task":
            return self.write(c.CODE_STORE, device.object(target.attr, "task").address, self.slot(target, value.address))
        if isinstance(value, Object) and value.kind == "workqueue" and device.takes(target.attr, value):
            return None
        if target.attr == "irq" or target.attr in device.kinds or isinstance(value, (Device, Object)):
            self.refuse(target, f"{ast.unparse(target)} is set while the driver runs", "set it in probe; here only numbers change")
        return self.write(c.CODE_STORE, device.word(target.attr), self.slot(target, value))

    # Branches and loops

    def if_(self, node):
        other = self.new_label()
        self.unless(node.test, other)
        self.body(node.body)
        if node.orelse:
            end = self.new_label()
            self.write(OP_JUMP, end)
            self.label(other)
            self.body(node.orelse)
            self.label(end)
        else:
            self.label(other)

    def while_(self, node):
        begin, end = self.new_label(), self.new_label()
        self.label(begin)
        self.unless(node.test, end)
        self.inside(node.body, begin, end)
        self.write(OP_JUMP, begin)
        self.label(end)

    def inside(self, body, begin, end):
        """The body of a loop; what it was told before stays where it is."""
        kept, self.kept = self.kept, self.used
        self.loops.append((begin, end))
        self.body(body)
        self.loops.pop()
        self.kept = kept

    def for_(self, node):
        """for over range: what the body does to the name changes nothing about how often it runs."""
        arguments = [self.value(argument) for argument in node.iter.args]
        first, stop, step = {1: (0, *arguments, 1), 2: (*arguments, 1), 3: tuple(arguments)}[len(arguments)]
        counter = self.room()
        self.put(node.iter, counter, first)
        stop = self.own_copy(node.iter, stop)
        step = self.own_copy(node.iter, step)
        begin, again, end = self.new_label(), self.new_label(), self.new_label()
        self.refuse_step_of_zero(node, step)
        self.label(begin)
        self.leave_at(node, counter, stop, step, end)
        self.bind_counter(node, counter)
        self.inside(node.body, again, end)
        self.label(again)
        self.line, self.used = node.lineno, max(self.kept, self.used)
        self.operate(node, c.CODE_ADD, Local(slot=counter), step, counter)
        self.write(OP_JUMP, begin)
        self.label(end)

    def own_copy(self, node, value):
        """Of a range's argument: what becomes of the name later changes nothing."""
        if isinstance(value, int) or isinstance(value, Local) and value.slot >= self.kept:
            return value
        copy = self.room()
        self.put(node, copy, value)
        return Local(slot=copy)

    def bind_counter(self, node, counter):
        name = node.target.id
        if name in self.statics:
            self.refuse(node, f"{name} is now this, now that", "use a name for each device or object")
        self.numbers.add(name)
        self.write(c.CODE_COPY, self.slots[name], counter)

    def refuse_step_of_zero(self, node, step):
        if isinstance(step, int) and step:
            return
        fine = self.new_label()
        self.write(c.CODE_NONZERO, self.slot(node, step), fine)
        self.write(c.CODE_FAIL, STEP_OF_ZERO)
        self.label(fine)

    def leave_at(self, node, counter, stop, step, end):
        """Where range is at its end: the counter is at or beyond `stop`, in the direction of the step."""
        counter = Local(slot=counter)
        if isinstance(step, int):
            done = self.operate(node, c.CODE_GE if step > 0 else c.CODE_LE, counter, stop, self.room())
            self.write(c.CODE_NONZERO, done.slot, end)
            return
        test, down, on = self.room(), self.new_label(), self.new_label()
        self.write(c.CODE_ZERO, self.operate(node, c.CODE_GT, step, 0, test).slot, down)
        self.write(c.CODE_NONZERO, self.operate(node, c.CODE_GE, counter, stop, test).slot, end)
        self.write(OP_JUMP, on)
        self.label(down)
        self.write(c.CODE_NONZERO, self.operate(node, c.CODE_LE, counter, stop, test).slot, end)
        self.label(on)

    def break_(self, node):
        self.write(OP_JUMP, self.loops[-1][1])

    def continue_(self, node):
        self.write(OP_JUMP, self.loops[-1][0])

    def return_(self, node):
        self.leave(node.value, 0 if node.value is None else self.value(node.value))

    def leave(self, node, value):
        """Return a value, of an expression `node`."""
        if self.role:
            value = end_entry(self, node, value)
        if isinstance(value, int) and WORD_MIN <= value <= WORD_MAX:
            self.write(OP_RET, value)
        else:
            self.write(c.CODE_RETURN, self.slot(node, value))


WRITERS = {
    ast.Expr: Statements.expression_statement, ast.Assign: Statements.assign, ast.AugAssign: Statements.augmented,
    ast.If: Statements.if_, ast.While: Statements.while_, ast.For: Statements.for_, ast.Break: Statements.break_,
    ast.Continue: Statements.continue_, ast.Return: Statements.return_,
}  # fmt: skip
