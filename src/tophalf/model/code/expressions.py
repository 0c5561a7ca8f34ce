"""Expressions of a driver's function into instructions.

A value is an int that is known now, a Local, a Device or an Object. Order and results are Python's, `and` and `or` included.
"""

import ast

from tophalf.driver.api import CALLS, VARIABLES, WORKQUEUES
from tophalf.driver.subset import constant_value
from tophalf.errors import TophalfError
from tophalf.model.code import codeops as c
from tophalf.model.code.codefields import LOCALS_MAX
from tophalf.model.code.objects import Device, Local, Object
from tophalf.model.ops import OP_JUMP

BINARY = {ast.Add: c.CODE_ADD, ast.Sub: c.CODE_SUB, ast.Mult: c.CODE_MUL, ast.FloorDiv: c.CODE_DIV, ast.Mod: c.CODE_MOD,
          ast.BitAnd: c.CODE_AND, ast.BitOr: c.CODE_OR, ast.BitXor: c.CODE_XOR, ast.LShift: c.CODE_SHL,
          ast.RShift: c.CODE_SHR}  # fmt: skip
COMPARISONS = {ast.Eq: c.CODE_EQ, ast.NotEq: c.CODE_NE, ast.Lt: c.CODE_LT, ast.LtE: c.CODE_LE, ast.Gt: c.CODE_GT,
               ast.GtE: c.CODE_GE}  # fmt: skip
# What a unary operator is with a constant: -x = x * -1, ~x = x ^ -1, not x = (x == 0), +x = x + 0
UNARY = {ast.USub: (c.CODE_MUL, -1), ast.Invert: (c.CODE_XOR, -1), ast.Not: (c.CODE_EQ, 0), ast.UAdd: (c.CODE_ADD, 0)}
WORD_MIN, WORD_MAX = -(1 << 63), (1 << 63) - 1


class Expressions:
    """Part of a Function (`generate`): has its names and writes its instructions."""

    def __init__(self, generator, function, statics):
        """statics: what each argument is, None for one that is handed over in a local."""
        self.generator, self.function = generator, function
        self.path, self.instructions, self.labels = generator.driver.path, [], 0
        self.statics, self.slots, self.line = {}, {}, function.lineno
        for argument, static in zip(function.args.args, statics, strict=True):
            if static is None:
                self.slots[argument.arg] = len(self.slots)
            else:
                self.statics[argument.arg] = static
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        for name in sorted(names - self.statics.keys()):
            self.slots.setdefault(name, len(self.slots))
        own = self.slots.keys() | self.statics.keys()
        self.constants = {name: value for name, value in generator.driver.constants.items() if name not in own}
        self.used = len(self.slots)

    # What is written

    def write(self, op, x=0, y=0, z=0):
        self.instructions.append((op, x, y, z, self.line))

    def new_label(self):
        self.labels += 1
        return f"label {self.labels}"

    def label(self, name):
        self.instructions.append(name)

    def refuse(self, node, what, do):
        """Raises: TophalfError for what a driver may say and the model cannot run."""
        raise TophalfError(what, f"{self.path}:{node.lineno}", do)

    def room(self, count=1):
        """The first of `count` locals for what has no name."""
        first = self.used
        self.used += count
        if self.used > LOCALS_MAX:
            self.refuse(self.function, f"{self.function.name} needs more than {LOCALS_MAX} locals", "make two functions of it")
        return first

    # Values

    def slot(self, node, value):
        """The local in which a value is."""
        if isinstance(value, Local):
            return value.slot
        target = self.room()
        self.put(node, target, value)
        return target

    def put(self, node, target, value):
        """A value into a local."""
        if isinstance(value, int):
            if not WORD_MIN <= value <= WORD_MAX:
                self.refuse(node, f"{value} does not fit into 64 bits", "write a smaller number")
            self.write(c.CODE_SET, target, value)
        elif not isinstance(value, Local):
            self.refuse(node, f"{ast.unparse(node)} is no number", "use it only where the kernel takes it")
        elif value.slot != target:
            self.write(c.CODE_COPY, target, value.slot)

    def number(self, node):
        """The local with the value of an expression."""
        return self.slot(node, self.value(node))

    def value(self, node, target=None):
        """The value of an expression; where it takes an instruction the result is in local `target`, or one of no name."""
        known = constant_value(node, self.constants)
        if known is not None:
            return known
        if isinstance(node, ast.Constant):
            return 0  # None, the null pointer
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            return self.boolean(node) if isinstance(node, ast.BoolOp) else self.choice(node)
        before = self.used
        target = self.room() if target is None else target
        value = self.calculated(node, target)
        self.used = max(before, target + 1) if isinstance(value, Local) and target >= before else before
        return value

    def known(self, node):
        """What an expression is worth, without its instructions, which are written elsewhere. A Local: it takes some."""
        written, used = len(self.instructions), self.used
        value = self.value(node)
        del self.instructions[written:]
        self.used = used
        return value

    def calculated(self, node, target):
        """What takes an instruction, most often; what it needs for itself is free again after it."""
        if isinstance(node, ast.Attribute):
            return self.attribute(node, target)
        if isinstance(node, ast.BinOp):
            return self.operate(node, BINARY[type(node.op)], self.value(node.left), self.value(node.right), target)
        if isinstance(node, ast.Compare):
            op = COMPARISONS[type(node.ops[0])]
            return self.operate(node, op, self.value(node.left), self.value(node.comparators[0]), target)
        return self.unary(node, target) if isinstance(node, ast.UnaryOp) else self.call(node, target)

    def name(self, node):
        if node.id in self.statics:
            return self.statics[node.id]
        if node.id in self.slots:
            return Local(slot=self.slots[node.id])
        if node.id in WORKQUEUES:
            return self.generator.workqueue(node.id)
        if node.id in VARIABLES:
            return self.generator.variable(self, node.id)
        return self.refuse(node, f"{node.id} as a value", "call it, or name it where the kernel takes a function")

    def attribute(self, node, target):
        device = self.device(node.value)
        if node.attr == "irq":
            return device.number
        if node.attr in device.kinds or node.attr in device.objects:
            return device.object(node.attr, device.kinds.get(node.attr))
        self.write(c.CODE_LOAD, target, device.word(node.attr))
        return Local(slot=target)

    def device(self, node):
        """The Device that an expression means."""
        device = self.value(node)
        if not isinstance(device, Device):
            do = "write an attribute of what probe was given"
            self.refuse(node, f"{ast.unparse(node)} is not known to be a device here", do)
        return device

    def operate(self, node, op, left, right, target):
        """left op right, of values, into a local."""
        if isinstance(left, (Device, Object)) or isinstance(right, (Device, Object)):
            return self.same(node, op, left, right)
        left = self.slot(node, left)
        if isinstance(right, int) and WORD_MIN <= right <= WORD_MAX:
            self.write(op + c.CODE_CONSTANT, target, left, right)
        else:
            self.write(op, target, left, self.slot(node, right))
        return Local(slot=target)

    def same(self, node, op, left, right):
        """Pointers: only whether they are the same, which is known."""
        if op not in (c.CODE_EQ, c.CODE_NE) or isinstance(left, Local) or isinstance(right, Local):
            self.refuse(node, "only == and != go with devices and their objects", "compare an attribute")
        return int((left is right) == (op == c.CODE_EQ))

    def unary(self, node, target):
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            value = self.truth(value)
        op, constant = UNARY[type(node.op)]
        return self.operate(node, op, value, constant, target)

    def boolean(self, node):
        """The first value that decides, as in Python."""
        target, end = self.room(), self.new_label()
        jump = c.CODE_ZERO if isinstance(node.op, ast.And) else c.CODE_NONZERO
        for part in node.values:
            self.put(part, target, self.truth(self.value(part)))
            if part is not node.values[-1]:
                self.write(jump, target, end)
            self.used = target + 1
        self.label(end)
        return Local(slot=target)

    @staticmethod
    def truth(value):
        return 1 if isinstance(value, (Device, Object)) else value

    def choice(self, node):
        target, other, end = self.room(), self.new_label(), self.new_label()
        self.unless(node.test, other)
        self.used = target + 1
        self.put(node.body, target, self.value(node.body))
        self.write(OP_JUMP, end)
        self.label(other)
        self.used = target + 1
        self.put(node.orelse, target, self.value(node.orelse))
        self.label(end)
        self.used = target + 1
        return Local(slot=target)

    def unless(self, node, label):
        """Jump where a condition is not true."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            for part in node.values:
                self.unless(part, label)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.write(c.CODE_NONZERO, self.slot(node, self.truth(self.value(node.operand))), label)
        else:
            self.write(c.CODE_ZERO, self.slot(node, self.truth(self.value(node))), label)

    # Calls

    def call(self, node, target):
        if node.func.id in CALLS:
            return self.generator.kernel_call(self, node, target)
        function = self.generator.driver.functions[node.func.id]
        values = [self.value(argument) for argument in node.args]
        statics = tuple(value if isinstance(value, (Device, Object)) else None for value in values)
        handed = [pair for pair, static in zip(zip(node.args, values, strict=True), statics, strict=True) if static is None]
        first = self.room(max(len(handed), 1))
        for number, (argument, value) in enumerate(handed):
            self.put(argument, first + number, value)
        self.write(c.CODE_CALL, self.generator.function(function.name, statics), first, len(handed))
        return self.result(target)

    def result(self, target):
        """What the call before has returned."""
        self.write(c.CODE_RESULT, target)
        return Local(slot=target)
