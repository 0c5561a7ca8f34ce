"""The scenario in a driver's own file: the text that is called SCENARIO there."""

import ast

from tophalf.errors import TophalfError

NAME = "SCENARIO"
# Where a driver says nothing: two CPUs and one device that interrupts now and then. What nobody calls or
# hands over, tasks call; where there is nothing of that kind it is unloaded before the end.
DEFAULT = """[machine]
cpus = 2
seconds = "100ms"

[[driver]]
name = "dev"
irq = 24
flow = "{flow}"
rate = 1000
"""
UNLOADED = """
[[at]]
time = "90ms"
rmmod = "dev"
"""
CALL = """
[[call]]
device = "dev"
function = "{}"
cpus = [1]
run = "100us"
sleep = "1ms"
"""
NEVER_CALLED = ("probe", "remove")
# Who is called after whom matters: where a driver has more than one of these, tasks call none of them
PAIRED = (("open", "release", "close"), ("start", "stop"), ("suspend", "resume"), ("enable", "disable"), ("up", "down"),
          ("connect", "disconnect"), ("init", "exit"), ("attach", "detach"), ("lock", "unlock"))  # fmt: skip
LEVEL = ("IRQF_TRIGGER_HIGH", "IRQF_TRIGGER_LOW")


def scenario_text(text, label):
    """The TOML in a driver's text, its lines where they are in the file; DEFAULT where a driver has none.

    Raises: TophalfError when there is none and no function either, or no Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TophalfError(f"not Python: {error}", label, "correct it") from None
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == NAME and isinstance(node.value.value, str):
            return "\n" * (node.value.lineno - 1) + node.value.value
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if functions:
        flow = "level" if any(flag in text for flag in LEVEL) else "edge"
        return DEFAULT.format(flow=flow) + _used(tree, functions)
    do = f'add {NAME} = """...""" with a [[driver]] in it, or name the file in a TOML scenario'
    raise TophalfError(f"the driver says nothing of a machine to run on: no {NAME}", label, do)


def _used(tree, functions):
    names, calls = {each.name for each in functions if len(each.args.args) == 1}, _left_to_tasks(tree, functions)
    return (UNLOADED if {"probe", "remove"} <= names and not calls else "") + "".join(map(CALL.format, calls))


def _left_to_tasks(tree, functions):
    """Names of functions that take a device, and that the driver neither calls nor hands over; without those of pairs."""
    used, named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}, {each.name for each in functions}
    paired = {name for pair in PAIRED if len(named & set(pair)) > 1 for name in pair}
    without = used | paired | set(NEVER_CALLED)
    return [each.name for each in functions if len(each.args.args) == 1 and each.name not in without]
