"""A driver's probe: done in Python before the run, as that of a driver that is loaded at boot.

What the kernel refuses is the negative errno that it returns. It takes no time. A probe that does more than register, as queueing
work, is a task's as the run begins (orders/modules.py).
"""

import ast

from tophalf.driver.api import CALLS, OBJECTS, VARIABLES
from tophalf.driver.subset import constant_value, operate
from tophalf.errors import TophalfError
from tophalf.model.code.objects import Device, Object
from tophalf.model.code.registering import REGISTRARS

ROUNDS_MAX = 100_000  # of loops in probe
COMPARED = {ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b,
            ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b}  # fmt: skip

UNARY = {ast.Not: lambda a: int(not a), ast.USub: lambda a: -a, ast.Invert: lambda a: ~a, ast.UAdd: lambda a: a}


def is_registering_only(driver):
    """Whether probe, and what it calls, does only what can be done before the run. A task does the others as the run begins."""
    todo, known = ["probe"], set()
    while todo:
        name = todo.pop()
        known.add(name)
        for node in ast.walk(driver.functions.get(name, ast.Pass())):
            called = node.func.id if isinstance(node, ast.Call) else None
            if called in CALLS and called not in REGISTRARS:
                return False
            if called in driver.functions and called not in known:
                todo.append(called)
    return True


class Leave(Exception):
    """How a statement ends what it stands in. kind: "break", "continue" or "return"; value: what is returned."""

    def __init__(self, kind, value=0):
        super().__init__(kind)
        self.kind, self.value = kind, value


class Refused(TophalfError):
    """The kernel refuses what probe asks for, and probe returns that. line_number: of the call."""

    def __init__(self, error, path, line_number):
        """error: what refused it."""
        super().__init__(error.what, f"{path}:{line_number}, {error.where}", error.do)
        self.path, self.line_number = path, line_number


class Probe:
    """generator: of the driver. refused: the last error of the kernel, or None."""

    def __init__(self, generator):
        self.generator, self.driver, self.memory = generator, generator.driver, generator.builder.memory
        self.refused, self.rounds = None, 0

    def refusal(self, error, line_number):
        """A Refused, of a call at a line."""
        return Refused(error, self.driver.path, line_number)

    def run(self, device):
        """probe(device). Raises: TophalfError when there is none, or it returns an error."""
        function = self.driver.functions.get("probe")
        if function is None or len(function.args.args) != 1:
            raise TophalfError("there is no probe(dev)", self.driver.path, "add one that registers the handler")
        result = self.call_own(function, [device])
        if isinstance(result, int) and result < 0:
            where = f"{self.driver.path}:{function.lineno}"
            raise self.refused or TophalfError(f"probe returned {result}", where, "see which call failed")

    def call_own(self, function, arguments):
        names = dict(zip((argument.arg for argument in function.args.args), arguments, strict=True))
        try:
            self.body(function.body, names)
        except Leave as left:
            return left.value
        return 0

    def refuse(self, node, what, do):
        """Raises: TophalfError for what probe cannot do here."""
        raise TophalfError(what, f"{self.driver.path}:{node.lineno}", do)

    # Statements

    def body(self, statements, names):
        for node in statements:
            self.statement(node, names)

    def statement(self, node, names):
        if isinstance(node, ast.Expr):
            self.value(node.value, names)
        elif isinstance(node, ast.Assign):
            self.store(node.targets[0], self.value(node.value, names), names)
        elif isinstance(node, ast.AugAssign):
            self.store(node.target, self.value(ast.BinOp(node.target, node.op, node.value, lineno=node.lineno), names), names)
        elif isinstance(node, ast.If):
            self.body(node.body if self.value(node.test, names) else node.orelse, names)
        elif isinstance(node, ast.While):
            self.loop(node, names, iter(lambda: bool(self.value(node.test, names)), False))
        elif isinstance(node, ast.For):
            self.loop(node, names, range(*(self.value(argument, names) for argument in node.iter.args)))
        elif isinstance(node, ast.Return):
            raise Leave("return", 0 if node.value is None else self.value(node.value, names))
        elif isinstance(node, (ast.Break, ast.Continue)):
            raise Leave("break" if isinstance(node, ast.Break) else "continue")

    def loop(self, node, names, rounds):
        for each in rounds:
            self.rounds += 1
            if self.rounds > ROUNDS_MAX:
                self.refuse(node, "probe goes round and round", f"let it end after at most {ROUNDS_MAX:,} rounds")
            if isinstance(node, ast.For):
                names[node.target.id] = each
            try:
                self.body(node.body, names)
            except Leave as left:
                if left.kind == "break":
                    break
                if left.kind == "return":
                    raise

    def store(self, target, value, names):
        if isinstance(target, ast.Name):
            names[target.id] = value
            return
        device = self.device(target.value, names)
        if isinstance(value, Object) and value.kind == "task":
            self.memory[device.object(target.attr, "task").address] = value.address
        elif not isinstance(value, int):
            device.objects[target.attr] = value
        elif target.attr == "irq" or target.attr in device.kinds:
            self.refuse(target, f"{ast.unparse(target)} is no number of the driver's own", "use another name")
        else:
            self.memory[device.word(target.attr)] = value

    # Expressions

    def device(self, node, names):
        device = self.value(node, names)
        return device if isinstance(device, Device) else self.refuse(node, f"{ast.unparse(node)} is no device", "write dev.it")

    def value(self, node, names):
        """An int, a Device or an Object."""
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        known = constant_value(node, {name: value for name, value in self.driver.constants.items() if name not in names})
        if known is not None:
            return known
        if isinstance(node, ast.Constant):
            return 0
        if isinstance(node, ast.Name):
            return self.generator.variable(None, node.id) if node.id in VARIABLES else self.generator.workqueue(node.id)
        if isinstance(node, ast.Attribute):
            return self.attribute(node, names)
        if isinstance(node, ast.Call):
            return self.call(node, names)
        return self.calculated(node, names)

    def attribute(self, node, names):
        device = self.device(node.value, names)
        if node.attr == "irq":
            return device.number
        if node.attr in device.kinds or node.attr in device.objects:
            return device.object(node.attr, device.kinds.get(node.attr))
        return self.memory[device.word(node.attr)]

    def calculated(self, node, names):
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                value = self.value(part, names)
                if bool(value) != isinstance(node.op, ast.And):
                    return value
            return value
        if isinstance(node, ast.IfExp):
            return self.value(node.body if self.value(node.test, names) else node.orelse, names)
        if isinstance(node, ast.Compare):
            return int(COMPARED[type(node.ops[0])](self.value(node.left, names), self.value(node.comparators[0], names)))
        if isinstance(node, ast.UnaryOp):
            return UNARY[type(node.op)](self.value(node.operand, names))
        value = operate(node.op, self.value(node.left, names), self.value(node.right, names))
        return value if value is not None else self.refuse(node, "this divides by 0, or shifts too far", "see its operands")

    def call(self, node, names):
        name = node.func.id
        if name not in CALLS:
            return self.call_own(self.driver.functions[name], [self.value(argument, names) for argument in node.args])
        arguments = [self.argument(kind, argument, names) for kind, argument in zip(CALLS[name].params, node.args, strict=True)]
        return REGISTRARS[name](self, node, *arguments)

    def argument(self, kind, node, names):
        """Texts and functions by name, all else by its value."""
        if kind == "name":
            return node.value
        if isinstance(node, ast.Name) and node.id in self.driver.functions:
            return node.id
        value = self.value(node, names)
        if not isinstance(value, Object if kind in OBJECTS else (Device, int) if kind == "dev" else int):
            what = f"a {kind}" if kind in (*OBJECTS, "dev") else "a number"
            self.refuse(node, f"{ast.unparse(node)} is not known to be {what} here", "name it as an attribute of dev")
        return value
