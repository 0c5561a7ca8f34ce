"""Every compiled module of the model has a slow twin: a test file that says so in its docstring, "Twin of: NAME, NAME.".

A twin is a plain program, written differently, that has to come to the same; that the engine itself comes to the same uncompiled
(test_model_digests) is not enough. A new module's twin is found by its line; without one it needs a reason in EXEMPT.
"""

import ast
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(os.path.dirname(HERE), "src", "tophalf", "model")
DECORATORS = {"compiled", "inlined", "entry"}
EXEMPT = {
    "deadbacklog": "packets of a dead CPU are given to `rps` again one by one; test_model_hotplug counts them",
    "kmsg": "a line of text for each thing told; who tells it has a twin",
}
SAME_ENGINE = "test_model_digests.py"  # the engine against itself


def texts(folder):
    for parent, _, files in os.walk(folder):
        for file in sorted(files):
            if file.endswith(".py"):
                with open(os.path.join(parent, file), encoding="utf-8") as opened:
                    yield os.path.splitext(file)[0], ast.parse(opened.read(), file)


def compiled_modules():
    """Names of the modules that hold a function which is compiled."""
    for name, tree in texts(MODEL):
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        names = {decorator.id for node in functions for decorator in node.decorator_list if isinstance(decorator, ast.Name)}
        if names & DECORATORS:
            yield name


def twins():
    """{module: test files that say they are its twin}."""
    found = {}
    for name, tree in texts(HERE):
        for line in re.findall(r"Twins? of: ([a-z0-9_,\s]+)", ast.get_docstring(tree) or ""):
            for module in re.split(r"[,\s]+", line.strip()):
                if module and f"{name}.py" != SAME_ENGINE:
                    found.setdefault(module, []).append(name)
    return found


def test_every_compiled_module_has_a_slow_twin():
    covered = twins()
    without = [name for name in compiled_modules() if name not in covered and name not in EXEMPT]
    assert not without, 'no test file says "Twin of: NAME." of these'


def test_every_twin_is_one_of_something():
    known = set(compiled_modules()) | {"latencies", "cputime"}
    assert not {module: names for module, names in twins().items() if module not in known}
    assert not set(EXEMPT) - known
