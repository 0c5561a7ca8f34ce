"""The part of Python that a driver may be written in, and what to write instead of the rest.

Integers, names, attributes of a device, calls; if, while, for over range; functions that do not recurse. Compiled code on a kernel
has no exceptions, no heap behind each value and no closures: what needs those is refused where it stands, never misread.
"""

import ast
import difflib
import os

from tophalf.driver.api import CALLS, CONSTANTS, VARIABLES, WORKQUEUES
from tophalf.driver.arguments import check_call
from tophalf.errors import TophalfError

MODULE = "tophalf.kernel"
SCENARIO = "SCENARIO"
NESTED_MAX = 100  # levels of statements and expressions
REMEDIES = {  # what stands there: what to write instead
    ast.JoinedStr: ("an f-string", "a driver has no texts to make; count in an attribute of the device"),
    ast.Lambda: ("a lambda", "define a function at the top of the file"),
    ast.List: ("a list", "use an attribute of the device for each value"),
    ast.Tuple: ("a tuple", "use a name for each value"),
    ast.Dict: ("a dict", "use an attribute of the device for each value"),
    ast.Set: ("a set", "use the bits of an integer"),
    ast.ListComp: ("a comprehension", "write a for loop over range"),
    ast.SetComp: ("a comprehension", "write a for loop over range"),
    ast.DictComp: ("a comprehension", "write a for loop over range"),
    ast.GeneratorExp: ("a generator", "write a for loop over range"),
    ast.Subscript: ("an index", "use an attribute of the device for each value"),
    ast.Starred: ("a starred value", "write each argument"),
    ast.NamedExpr: ("an assignment inside an expression", "assign on a line of its own"),
    ast.Await: ("await", "call wait_event or wait_for_completion"),
    ast.Yield: ("yield", "a handler runs to its end; queue a work for what comes later"),
    ast.YieldFrom: ("yield", "a handler runs to its end; queue a work for what comes later"),
    ast.FunctionDef: ("a function inside a function", "define it at the top of the file"),
    ast.AsyncFunctionDef: ("an async function", "define a plain function"),
    ast.ClassDef: ("a class", "keep state in attributes of the device"),
    ast.Try: ("try", "the kernel has no exceptions; look at what the call returned"),
    ast.Raise: ("raise", "the kernel has no exceptions; return a negative errno, as -EINVAL"),
    ast.With: ("with", "call the lock's own functions, as spin_lock(dev.lock) and spin_unlock(dev.lock)"),
    ast.Assert: ("assert", "return a negative errno, as -EINVAL"),
    ast.Delete: ("del", "names end with their function"),
    ast.Global: ("global", "keep state in attributes of the device"),
    ast.Nonlocal: ("nonlocal", "keep state in attributes of the device"),
    ast.Import: ("an import", f"a driver has the kernel's names only: from {MODULE} import *"),
    ast.ImportFrom: ("an import", f"a driver has the kernel's names only: from {MODULE} import *"),
    ast.Match: ("match", "write if and elif"),
    ast.AnnAssign: ("an annotation", "leave the annotation out: all values are integers"),
}
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
COMPARISONS = {ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not"}


class Driver:
    """functions: {name: ast.FunctionDef}; constants: {name: int}; faults: TophalfErrors in order of their lines; path: the file."""

    def __init__(self, path):
        self.path, self.functions, self.constants, self.faults = path, {}, dict(CONSTANTS), []

    def fault(self, node, what, do):
        self.faults.append(TophalfError(what, f"{self.path}:{node.lineno}", do))


def read_driver(path):
    """A Driver. Raises: TophalfError for what is no file or no Python, or the first thing that is outside the subset."""
    driver = parse_driver(path)
    if driver.faults:
        raise driver.faults[0]
    return driver


def parse_driver(path):
    """As read_driver, but faults of the subset are kept in the Driver. Raises: TophalfError for what is no file or no Python."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        tree = ast.parse(text, path)
    except OSError as error:
        raise TophalfError(error.strerror, str(path), "give a driver's Python file") from None
    except SyntaxError as error:
        raise TophalfError(f"not Python: {error.msg}", f"{path}:{error.lineno or 1}", "correct it") from None
    except ValueError as error:  # NUL bytes, or not UTF-8
        raise TophalfError(f"not Python: {error}", str(path), "give a driver's Python file") from None
    except (RecursionError, MemoryError):  # of Python's own parser
        raise TophalfError("this nests too deep to be read", str(path), "make several statements of it") from None
    _refuse_depth(tree, path)
    driver = Driver(os.fspath(path))
    _read_top(driver, tree)
    for function in driver.functions.values():
        Checker(driver, function).check()
    _refuse_recursion(driver)
    driver.faults.sort(key=lambda fault: int(fault.where.rsplit(":", 1)[1]))
    return driver


def _refuse_depth(tree, path):
    """Raises: TophalfError for what nests deeper than NESTED_MAX: what reads it calls itself for each level."""
    level, depth = [tree], 0
    while level and depth < NESTED_MAX:
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    if level:
        line = next((node.lineno for node in level if hasattr(node, "lineno")), 1)
        raise TophalfError("this nests too deep to be read", f"{path}:{line}", "make several statements of it")


def _read_top(driver, tree):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            _add_function(driver, node)
        elif isinstance(node, ast.Assign):
            if not _is_scenario(node):
                _add_constant(driver, node)
        elif not _is_docstring(node) and not _is_our_import(node):
            what, do = REMEDIES.get(type(node), ("a statement outside of functions", "put it into a function, as probe(dev)"))
            driver.fault(node, f"{what} is outside the subset that drivers are written in", do)


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_scenario(node):
    """The one text that a driver's file may hold: the machine that it runs on, in TOML."""
    value, targets = node.value, node.targets
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return is_text and len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == SCENARIO


def _is_our_import(node):
    return isinstance(node, ast.ImportFrom) and node.module == MODULE


def _add_function(driver, node):
    arguments = node.args
    if node.decorator_list:
        driver.fault(node, "a decorator", "write the function without one")
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults or arguments.posonlyargs:
        driver.fault(node, f"{node.name} has arguments that are not plain", "name each argument, without a default")
    if node.name in driver.functions:
        driver.fault(node, f"{node.name} is defined twice", "give it another name")
    if node.name in CALLS:
        driver.fault(node, f"{node.name} is a function of the kernel", "give yours another name")
    driver.functions[node.name] = node


def _add_constant(driver, node):
    """NAME = an integer, or one made of those before; also A, B = 1, 2."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        pairs = list(zip(target.elts, value.elts, strict=True))
    else:
        pairs = [(target, value) for target in node.targets]
    for target, value in pairs:
        value = constant_value(value, driver.constants)
        if not isinstance(target, ast.Name) or value is None:
            driver.fault(node, "a value at the top of a file must be an integer constant", "write it out, as READY = 0x1")
        elif target.id in CALLS:
            driver.fault(node, f"{target.id} is a function of the kernel", "give yours another name")
        else:
            driver.constants[target.id] = value


def constant_value(node, constants):
    """The integer that an expression of constants comes to, None for any other."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return int(node.value)
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert)):
        value = constant_value(node.operand, constants)
        return None if value is None else -value if isinstance(node.op, ast.USub) else ~value
    if isinstance(node, ast.BinOp) and isinstance(node.op, OPERATORS):
        return operate(node.op, constant_value(node.left, constants), constant_value(node.right, constants))
    return None


def operate(op, left, right):
    if left is None or right is None or isinstance(op, (ast.FloorDiv, ast.Mod)) and right == 0:
        return None
    if isinstance(op, (ast.LShift, ast.RShift)):
        if not 0 <= right < 64:
            return None
        return left << right if isinstance(op, ast.LShift) else left >> right
    return {
        ast.Add: lambda: left + right, ast.Sub: lambda: left - right, ast.Mult: lambda: left * right,
        ast.FloorDiv: lambda: left // right, ast.Mod: lambda: left % right, ast.BitAnd: lambda: left & right,
        ast.BitOr: lambda: left | right, ast.BitXor: lambda: left ^ right,
    }[type(op)]()  # fmt: skip


class Checker:
    """One function of a driver."""

    def __init__(self, driver, function):
        self.driver, self.function = driver, function
        self.names = {argument.arg for argument in function.args.args} | {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }

    def check(self):
        self.statements(self.function.body)
        returns = [node for node in ast.walk(self.function) if isinstance(node, ast.Return)]
        if any(node.value is not None for node in returns):
            bare = next((node for node in returns if node.value is None), None)
            if bare is not None:
                self.fault(bare, f"{self.function.name} returns a value elsewhere, and none here", "return a value here too")
            elif not ends(self.function.body):
                last = self.function.body[-1]
                self.fault(last, f"{self.function.name} returns a value, and ends without one", "return one on every path")

    def fault(self, node, what, do):
        self.driver.fault(node, what, do)

    def refuse(self, node):
        what, do = REMEDIES.get(type(node), (type(node).__name__, "see docs/drivers.md for what a driver may say"))
        self.fault(node, f"{what} is outside the subset that drivers are written in", do)

    def statements(self, body):
        for node in body:
            self.statement(node)

    def statement(self, node):
        if isinstance(node, (ast.Pass, ast.Break, ast.Continue)) or _is_docstring(node):
            return
        if isinstance(node, ast.Expr):
            self.expression(node.value)
        elif isinstance(node, ast.Return):
            if node.value is not None:
                self.expression(node.value)
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            self.assignment(node)
        elif isinstance(node, (ast.If, ast.While)):
            self.expression(node.test)
            self.statements(node.body)
            if isinstance(node, ast.While) and node.orelse:
                self.fault(node.orelse[0], "else of a loop", "put it after the loop")
            self.statements(node.orelse)
        elif isinstance(node, ast.For):
            self.loop(node)
        else:
            self.refuse(node)

    def assignment(self, node):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if isinstance(node, ast.AugAssign) and not isinstance(node.op, OPERATORS):
            self.operator(node)
        if len(targets) > 1:
            self.fault(node, "several targets", "assign each on a line of its own")
        for target in targets:
            if isinstance(target, ast.Attribute):
                self.expression(target.value)
            elif not isinstance(target, ast.Name):
                self.refuse(target)
            elif target.id in {*self.driver.constants, *CALLS, *VARIABLES, *self.driver.functions}:
                self.fault(node, f"{target.id} is a constant or a function", "give the value another name")
        self.expression(node.value)

    def loop(self, node):
        call = node.iter
        is_range = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"
        if not is_range or not 1 <= len(call.args) <= 3 or call.keywords:
            self.fault(node, "a for loop over something else than range", "write for i in range(n)")
        else:
            for argument in call.args:
                self.expression(argument)
        if not isinstance(node.target, ast.Name):
            self.refuse(node.target)
        if node.orelse:
            self.fault(node.orelse[0], "else of a loop", "put it after the loop")
        self.statements(node.body)

    def expression(self, node):
        if isinstance(node, ast.Constant):
            self.constant(node)
        elif isinstance(node, ast.Name):
            self.name(node)
        elif isinstance(node, ast.Attribute):
            self.expression(node.value)
        elif isinstance(node, ast.BinOp):
            if not isinstance(node.op, OPERATORS):
                self.operator(node)
            self.expression(node.left)
            self.expression(node.right)
        elif isinstance(node, ast.UnaryOp):
            self.expression(node.operand)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                self.expression(value)
        elif isinstance(node, ast.Compare):
            self.comparison(node)
        elif isinstance(node, ast.IfExp):
            for part in (node.test, node.body, node.orelse):
                self.expression(part)
        elif isinstance(node, ast.Call):
            check_call(self, node)
        else:
            self.refuse(node)

    def constant(self, node):
        if isinstance(node.value, (str, bytes)):
            self.fault(node, "a text", "texts stand only where the kernel takes a name, as in request_irq(..., \"sensor\", dev)")
        elif isinstance(node.value, (float, complex)):
            self.fault(node, f"the number {node.value} is no integer", "the kernel has no floating point: count in a smaller unit")
        elif node.value is Ellipsis:
            self.fault(node, "...", "write pass, or what it does")

    def operator(self, node):
        if isinstance(node.op, ast.Div):
            self.fault(node, "/ makes a floating-point number", "write //")
        else:
            power = isinstance(node.op, ast.Pow)
            do = "write a loop that multiplies, or a shift: 1 << n" if power else "use + - * // % & | ^ << >>"
            self.fault(node, "an operator that drivers do not have", do)

    def comparison(self, node):
        if len(node.ops) > 1:
            self.fault(node, "a chain of comparisons", "write a < b and b < c")
        for op in node.ops:
            if type(op) in COMPARISONS:
                self.fault(node, f"the comparison {COMPARISONS[type(op)]}", "write == or !=")
        for part in (node.left, *node.comparators):
            self.expression(part)

    def name(self, node):
        known = self.names | self.driver.constants.keys() | {*WORKQUEUES, *VARIABLES}
        if node.id in known:
            return
        if node.id in self.driver.functions or node.id in CALLS:
            do = "functions stand only where the kernel takes a handler, or are called"
            self.fault(node, f"the function {node.id} as a value", do)
            return
        self.unknown(node, node.id, known)

    def unknown(self, node, name, known):
        near = difflib.get_close_matches(name, known, 1)
        self.fault(node, f"unknown name {name}", f"do you mean {near[0]}?" if near else "define it at the top of the file")


def ends(body):
    """Whether no path comes to the end of these statements: each returns, or goes round for ever."""
    last = body[-1]
    if isinstance(last, ast.Return):
        return True
    if isinstance(last, ast.If):
        return bool(last.orelse) and ends(last.body) and ends(last.orelse)
    return is_endless(last)


def is_endless(node):
    """while True without a break."""
    if not isinstance(node, ast.While) or not isinstance(node.test, ast.Constant) or not node.test.value:
        return False
    return not any(isinstance(inner, ast.Break) for inner in _in_this_loop(node.body))


def _in_this_loop(body):
    for node in body:
        yield node
        for field in ("body", "orelse"):
            if not isinstance(node, (ast.While, ast.For)):
                yield from _in_this_loop(getattr(node, field, []))


def calls_in(node):
    """Names of what is called within."""
    return [inner.func.id for inner in ast.walk(node) if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name)]


def _refuse_recursion(driver):
    calls = {name: [each for each in calls_in(node) if each in driver.functions] for name, node in driver.functions.items()}
    for name, node in driver.functions.items():
        seen, todo = set(), list(calls[name])
        while todo:
            called = todo.pop()
            if called not in seen:
                seen.add(called)
                todo += calls[called]
        if name in seen:
            driver.fault(node, f"{name} calls itself, perhaps through others", "a kernel stack is 16 KiB: write a loop")
