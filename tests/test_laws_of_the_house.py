"""The house's own laws: who may import whom, no cycles, sizes that only shrink, a live path without costly imports."""

import ast
import os
import subprocess
import sys

import pytest

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src", "tophalf")
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400

# Room: the rooms it may import besides itself; "" is the modules of the package itself (errors, frozen, vocab, snapshot, ...).
MAY_IMPORT = {
    "": set(),
    "host": {""},
    "judge": {""},
    "scenario": {""},
    "driver": {""},
    "kernel": {"", "driver"},
    "advise": {"", "scenario", "model", "driver"},
    "model": {"", "scenario", "driver"},
    "export": {""},
    "myths": {"", "scenario", "model", "driver", "kernel"},
    "cli": {"", "host", "judge", "scenario", "driver", "model", "advise", "myths", "export"},
}

# What the live path may not import: each costs more than the work itself.
COSTLY = {"dataclasses", "pathlib", "logging", "typing", "importlib.metadata", "subprocess", "tarfile", "tempfile",
          "numpy", "numba", "zstandard", "asyncio", "socket", "ctypes", "inspect", "shutil", "urllib", "email",
          "decimal", "datetime"}  # fmt: skip


def modules():
    for folder, _, files in os.walk(SOURCE):
        for file in sorted(files):
            if file.endswith(".py"):
                path = os.path.join(folder, file)
                name = os.path.relpath(path, os.path.dirname(SOURCE))[:-3].replace(os.sep, ".")
                yield name.removesuffix(".__init__"), path


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


TREES = {name: ast.parse(text_of(path), path) for name, path in modules()}


def room(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 2 or os.path.isdir(os.path.join(SOURCE, *parts[1:2])) and len(parts) == 2 else ""


def imports_of(name, top_level_only=False):
    """Modules of ours that a module imports."""
    nodes = TREES[name].body if top_level_only else ast.walk(TREES[name])
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("tophalf"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tophalf"):
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in TREES else node.module


@pytest.mark.parametrize("name", sorted(TREES))
def test_imports_point_one_way(name):
    for target in imports_of(name):
        if name == "tophalf.__main__" or target == "tophalf":
            continue
        assert room(target) == room(name) or room(target) in MAY_IMPORT[room(name)], f"{name} imports {target}"


def test_the_ground_of_the_model_stands_on_no_other_room():
    ground = "tophalf.model.ground"
    for name in TREES:
        if name.startswith(f"{ground}."):
            targets = {target for target in imports_of(name) if target.startswith("tophalf.model.")}
            allowed = (ground, "tophalf.model.fields", "tophalf.model.ops")
            assert not [target for target in targets if not target.startswith(allowed)], name


def test_no_import_cycle():
    graph = {name: set(imports_of(name)) & set(TREES) - {name} for name in TREES}
    done, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            path.append(name)
            for target in sorted(graph[name]):
                visit(target)
            path.pop()
            done.add(name)

    for name in sorted(graph):
        visit(name)


def functions():
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.name}", node.end_lineno - node.lineno + 1


# Longer than the limit when the law was made; an entry may only shrink or leave.
LONG_FUNCTIONS_ALREADY = {}
LONG_FILES_ALREADY = {}


def test_no_function_is_longer_than_a_screen():
    long = {name: lines for name, lines in functions() if lines > LONG_FUNCTIONS_ALREADY.get(name, FUNCTION_LINES_MAX)}
    assert not long


def test_no_file_needs_a_map():
    sizes = {name: text_of(path).count("\n") for name, path in modules()}
    assert not {name: size for name, size in sizes.items() if size > LONG_FILES_ALREADY.get(name, FILE_LINES_MAX)}


def test_functions_stay_around_ten_lines():
    lengths = sorted(lines for _, lines in functions())
    assert lengths[len(lengths) // 2] <= 12, "median"
    assert lengths[len(lengths) * 9 // 10] <= 25, "nine of ten"


def test_every_module_says_its_job():
    assert not [name for name, tree in TREES.items() if not ast.get_docstring(tree)]


LIVE_COMMANDS = [["--help"], ["irqs", "--json"], ["cpus", "--seconds", "0", "--json"], ["affinity", "--help"],
                 ["check", "--seconds", "0.05", "--json"], ["run", "--help"], ["scenarios", "--help"], ["myths"]]  # fmt: skip


def modules_after(statement):
    """Names of the modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize("command", LIVE_COMMANDS, ids=" ".join)
def test_live_path_is_standard_library_and_cheap(command):
    loaded = modules_after(f"from tophalf.cli.main import main; main({command!r})")
    # `socket` is asked of the kernel's netlink where a command reads a NIC's settings.
    allowed = {"socket"} if command[0] == "check" else set()
    assert not loaded & COSTLY - allowed - modules_after("import json, argparse")


def test_project_names_no_path_of_a_machine():
    root = os.path.dirname(os.path.dirname(SOURCE))
    pattern = "(^|[^.[:alnum:]])/(work|root)/"
    tracked = subprocess.run(["git", "-C", root, "grep", "-nIE", pattern], capture_output=True, text=True)
    assert not [line for line in tracked.stdout.splitlines() if not line.startswith("tests/data/")]
