"""The engine as one module of machine code: each function lowered once, private, inlined within limits, callable from Python.

What jit, onemodule and pointer make is compared with the same functions as plain Python.
"""

import ast
import glob
import os
import subprocess
import sys

import pytest

from tophalf.compiled import jit_is_enabled

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(os.path.dirname(HERE), "src", "tophalf", "model")
COPIED_STATEMENTS_MAX, COPIED_IN_ALL_MAX = 110, 1600

PROGRAM = '''
from tophalf.model.ground.jit import compiled, entry, inlined

@inlined
def add(m, where, what):
    m[where] += what
    return m[where] > 10

@compiled
def twice(m, where):
    m[where + 1] = add(m, where, 3) or add(m, where, 4)  # a truth becomes a word
    return -m[where] // 2

@compiled
def thrice(m, where):
    return twice(m, where) + twice(m, where) + int(max(m[where], 5))

@entry
def run(m, where):
    m[where + 2] = thrice(m, where) + twice(m, where)
'''  # fmt: skip


@pytest.fixture
def program(tmp_path, monkeypatch):
    if not jit_is_enabled():
        pytest.skip("NUMBA_DISABLE_JIT=1: nothing is compiled")
    (tmp_path / "oneprogram.py").write_text(PROGRAM)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("oneprogram", None)
    import oneprogram

    return oneprogram


def plain():
    """The same program as it stands."""
    names = {"compiled": lambda function: function}
    exec(PROGRAM.replace("from tophalf.model.ground.jit import compiled, entry, inlined", "entry = inlined = compiled"), names)
    return names


@pytest.mark.kernels
def test_entries_and_parts_give_what_plain_python_gives(program):
    import numpy as np

    for start in (-9, 0, 3, 8, 1 << 40):
        words, listed = np.array([start, 0, 0, 7], np.int64), [start, 0, 0, 7]
        program.run(words, 0)
        plain()["run"](listed, 0)
        assert words.tolist() == listed
        assert program.twice(words, 0) == plain()["twice"](listed, 0)  # a part, called by Python
        assert words.tolist() == listed


@pytest.mark.kernels
def test_a_part_is_lowered_once_is_private_and_has_no_machine_code_of_its_own(program):
    import numpy as np

    program.run(np.zeros(4, np.int64), 0)
    for part in (program.add, program.twice, program.thrice):
        (found,) = part.overloads.values()
        assert not hasattr(found.library, "_compiled_object")
    (text,) = program.run.inspect_llvm().values()
    defined = [line for line in text.splitlines() if line.startswith("define")]
    assert all(" internal " in line for line in defined if "oneprogram" in line and ("twice" in line or "thrice" in line)), defined


@pytest.mark.kernels
def test_the_second_process_compiles_nothing(tmp_path):
    if not jit_is_enabled():
        pytest.skip("NUMBA_DISABLE_JIT=1: nothing is compiled")
    (tmp_path / "oneprogram.py").write_text(PROGRAM)
    code = (
        "import numpy as np, oneprogram; m = np.zeros(4, np.int64); oneprogram.run(m, 0)\n"
        "print(m.tolist(), sum(oneprogram.run.stats.cache_hits.values()), len(oneprogram.twice.overloads))"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    environment.pop("NUMBA_CACHE_DIR", None)
    runs = [subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True) for _ in range(2)]
    assert [run.stdout for run in runs] == ["[17, 1, -6, 0] 0 1\n", "[17, 1, -6, 0] 1 0\n"], runs[1].stderr


def copied():
    """{(module, function that is copied wherever it is called): its statements times those places}."""
    sizes, places = {}, {}
    for path in sorted(glob.glob(os.path.join(MODEL, "**", "*.py"), recursive=True)):
        with open(path, encoding="utf-8") as opened:
            look_at(os.path.basename(path)[:-3], ast.parse(opened.read()), sizes, places)
    return {which: size * places.get(which, 0) for which, size in sizes.items()}


def look_at(module, tree, sizes, places):
    """Count in one module: sizes of what it has copied, and where it calls what."""
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported.update({name.asname or name.name: (node.module.split(".")[-1], name.name) for name in node.names})
    for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
        marks = {mark.id for mark in function.decorator_list if isinstance(mark, ast.Name)}
        if "inlined" in marks:
            sizes[module, function.name] = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
        for node in ast.walk(function) if marks & {"inlined", "compiled", "entry"} else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                which = imported.get(node.func.id, (module, node.func.id))
                places[which] = places.get(which, 0) + 1


def test_little_is_copied_into_its_callers():
    """A limit on compile time that no clock measures: mark `inlined` only what is measured to be worth its copies."""
    found = copied()
    assert {name: size for name, size in found.items() if size > COPIED_STATEMENTS_MAX} == {}
    assert sum(found.values()) <= COPIED_IN_ALL_MAX
