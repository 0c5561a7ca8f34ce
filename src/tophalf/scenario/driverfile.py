"""The scenario in a driver's own file: the text that is called SCENARIO there."""

import ast

from tophalf.errors import TophalfError

NAME = "SCENARIO"
# Where a driver says nothing: two CPUs and one device that interrupts now and then. The driver is loaded; what nobody calls or
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
LOADED = """
[[at]]
time = 0
insmod = "dev"
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
# Tasks may not call these in any order: the driver's own orders, and halves of pairs
NEVER_CALLED = ("probe", "remove", "open", "release", "close", "start", "stop", "suspend", "resume", "enable", "disable",
                "up", "down", "connect", "disconnect", "init", "exit", "attach", "detach", "lock", "unlock")  # fmt: skip
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
    loaded = LOADED if "probe" in names else ""
    return loaded + (UNLOADED if loaded and "remove" in names and not calls else "") + "".join(map(CALL.format, calls))


def _left_to_tasks(tree, functions):
    """Names of functions that take a device, and that the driver neither calls nor hands over."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return [each.name for each in functions if len(each.args.args) == 1 and each.name not in used and each.name not in NEVER_CALLED]
