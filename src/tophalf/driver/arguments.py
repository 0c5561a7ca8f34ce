"""Calls of a driver: whether they fit the kernel's function, or the driver's own."""

import ast

from tophalf.driver.api import CALLS, FUNCTIONS, OBJECTS, WORKQUEUES


def check_call(checker, node):
    """One call. checker: subset.Checker, which is told of faults and of the expressions in it."""
    if not isinstance(node.func, ast.Name):
        checker.fault(node, "a call of something that is not a plain name", "call a function of the kernel or of this file")
    elif node.keywords:
        checker.fault(node, "arguments by name", "the kernel's functions are written in C: give arguments in their order")
    elif node.func.id in CALLS:
        _kernel_call(checker, node, CALLS[node.func.id])
    elif node.func.id in checker.driver.functions:
        _own_call(checker, node, checker.driver.functions[node.func.id])
    else:
        checker.unknown(node, node.func.id, [*CALLS, *checker.driver.functions])


def _own_call(checker, node, function):
    wanted = len(function.args.args)
    if len(node.args) != wanted:
        checker.fault(node, f"{function.name} takes {wanted} arguments, not {len(node.args)}", "give as many")
    for argument in node.args:
        checker.expression(argument)


def _kernel_call(checker, node, call):
    if len(node.args) != len(call.params):
        wanted = f"{call.name}({', '.join(call.params)})"
        checker.fault(node, f"{call.name} takes {len(call.params)} arguments, not {len(node.args)}", f"write {wanted}")
        return
    for kind, argument in zip(call.params, node.args, strict=True):
        _argument(checker, call, kind, argument)


def _argument(checker, call, kind, node):
    if kind.rstrip("?") in FUNCTIONS:
        _function(checker, call, kind, node)
    elif kind == "name":
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            checker.fault(node, f"{call.name} takes a name here", 'write a text, as "sensor"')
    elif kind in OBJECTS:
        _object(checker, call, kind, node)
    else:
        checker.expression(node)


def _function(checker, call, kind, node):
    if kind.endswith("?") and isinstance(node, ast.Constant) and node.value is None:
        return
    wanted = FUNCTIONS[kind.rstrip("?")]
    function = checker.driver.functions.get(node.id) if isinstance(node, ast.Name) else None
    if function is None:
        checker.fault(node, f"{call.name} takes a function of this file here", f"name one of {wanted} arguments")
    elif len(function.args.args) != wanted:
        what = f"{call.name} calls {function.name} with {wanted} arguments, it takes {len(function.args.args)}"
        checker.fault(function, what, f"give it {wanted}")


def _object(checker, call, kind, node):
    """A lock, a work, ...: an attribute of a device, one of the kernel's workqueues, or what a callback was given."""
    if isinstance(node, ast.Attribute):
        checker.expression(node)
    elif isinstance(node, ast.Name) and (node.id in checker.names or kind == "workqueue" and node.id in WORKQUEUES):
        return
    else:
        checker.fault(node, f"{call.name} takes a {kind} here", f"write an attribute of the device, as dev.{kind}")
