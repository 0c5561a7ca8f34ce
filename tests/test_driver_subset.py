"""What a driver may say: each thing outside the subset names its file, its line and what to write instead."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tophalf.driver.api import CALLS
from tophalf.driver.subset import constant_value, parse_driver, read_driver
from tophalf.errors import TophalfError

IN_A_FUNCTION = [  # statement, what is said of it, what to do
    ('x = "text"', "a text", "takes a name"),
    ("x = 1.5", "1.5 is no integer", "smaller unit"),
    ("x = a / 2", "floating-point", "write //"),
    ("x = a ** 2", "operator", "loop that multiplies"),
    ("x = [1]", "a list", "attribute of the device"),
    ("x = (1, 2)", "a tuple", "a name for each"),
    ("x, y = 1, 2", "a tuple", "a name for each"),
    ("x = {}", "a dict", "attribute of the device"),
    ("x = lambda: 1", "a lambda", "define a function"),
    ("def g():\n        return 1", "a function inside a function", "top of the file"),
    ("for i in dev:\n        pass", "something else than range", "range(n)"),
    ("for i in range(3):\n        pass\n    else:\n        pass", "else of a loop", "after the loop"),
    ("while a:\n        pass\n    else:\n        pass", "else of a loop", "after the loop"),
    ("try:\n        pass\n    except Exception:\n        pass", "try", "what the call returned"),
    ("raise ValueError", "raise", "-EINVAL"),
    ("with dev.lock:\n        pass", "with", "spin_lock"),
    ("assert a", "assert", "-EINVAL"),
    ("global x", "global", "attributes of the device"),
    ("import os", "an import", "tophalf.kernel"),
    ("x = dev.buffer[0]", "an index", "attribute of the device"),
    ("x = 1 < a < 3", "a chain", "a < b and b < c"),
    ("x = a is None", "comparison is", "== or !="),
    ("x = nothing", "unknown name nothing", "top of the file"),
    ("spin_lok(dev.lock)", "unknown name spin_lok", "do you mean spin_lock?"),
    ("spin_lock()", "takes 1 arguments, not 0", "write spin_lock(spinlock)"),
    ("spin_lock(3)", "takes a spinlock", "dev.spinlock"),
    ("spin_lock(lock=dev.lock)", "arguments by name", "in their order"),
    ("dev.go()", "not a plain name", "call a function"),
    ("request_irq(1, nobody, 0, \"x\", dev)", "a function of this file", "2 arguments"),
    ("request_irq(1, f, 0, \"x\", dev)", "calls f with 2 arguments, it takes 3", "give it 2"),
    ("request_irq(1, h, 0, 5, dev)", "takes a name", "sensor"),
    ("x = spin_lock", "as a value", "handler"),
    ("IRQ_NONE = 5", "is a constant", "another name"),
    ("jiffies = 5", "is a constant", "another name"),
    ("x = y = 1", "several targets", "line of its own"),
    ("x = (y := 1)", "inside an expression", "line of its own"),
    ("x: int = 1", "an annotation", "leave the annotation out"),
    ("x = f'{a}'", "an f-string", "count"),
    ("x = [i for i in range(3)]", "a comprehension", "for loop"),
    ("del a", "del", "end with their function"),
    ("...", "...", "write pass"),
]  # fmt: skip


def faults(tmp_path, text):
    path = tmp_path / "driver.py"
    path.write_text(text, encoding="utf-8")
    return path, parse_driver(path).faults


@pytest.mark.parametrize("statement, what, do", IN_A_FUNCTION, ids=[each[0].split("\n")[0] for each in IN_A_FUNCTION])
def test_each_names_its_line_and_a_remedy(tmp_path, statement, what, do):
    text = f"from tophalf.kernel import *\n\n\ndef h(irq, dev):\n    return IRQ_NONE\n\n\ndef f(dev, a, b):\n    {statement}\n"
    path, found = faults(tmp_path, text)
    assert found and any(what in fault.what and do in fault.do for fault in found), [fault.line() for fault in found]
    assert all(fault.where in (f"{path}:9", f"{path}:8", f"{path}:12") for fault in found)


@pytest.mark.parametrize("text, line, what", [
    ("import os\n", 1, "an import"),
    ("X = 1.5\n", 1, "integer constant"),
    ("X = 1\nY = X + Z\n", 2, "integer constant"),
    ("spin_lock = 3\n", 1, "a function of the kernel"),
    ("print(1)\n", 1, "outside of functions"),
    ("class A:\n    pass\n", 1, "a class"),
    ("def f(a, b=1):\n    pass\n", 1, "not plain"),
    ("@x\ndef f():\n    pass\n", 2, "a decorator"),
    ("def f():\n    pass\n\n\ndef f():\n    pass\n", 5, "twice"),
    ("def msleep(n):\n    pass\n", 1, "a function of the kernel"),
    ("def f():\n    g()\n\n\ndef g():\n    f()\n", 1, "calls itself"),
    ("def f(a):\n    if a:\n        return 1\n", 2, "ends without one"),
    ("def f(a):\n    if a:\n        return\n    return 1\n", 3, "none here"),
    ("def f(a):\n    while True:\n        if a:\n            break\n    else:\n        return 1\n", 6, "else of a loop"),
])  # fmt: skip
def test_so_does_what_stands_around_functions(tmp_path, text, line, what):
    path, found = faults(tmp_path, text)
    assert any(fault.where == f"{path}:{line}" and what in fault.what for fault in found), [fault.line() for fault in found]


def test_no_file_and_no_python_are_said_with_what_to_do(tmp_path):
    for text, what in (("def f(:\n", "not Python"), ("\0", "not Python")):
        (tmp_path / "bad.py").write_text(text, encoding="utf-8")
        with pytest.raises(TophalfError, match=what):
            read_driver(tmp_path / "bad.py")
    with pytest.raises(TophalfError, match="No such file"):
        read_driver(tmp_path / "none.py")
    (tmp_path / "first.py").write_text("X = 1.5\nY = 2.5\n", encoding="utf-8")
    with pytest.raises(TophalfError, match="first.py:1"):
        read_driver(tmp_path / "first.py")


def test_constants_are_worked_out_as_python_does(tmp_path):
    _, found = faults(tmp_path, "A, B = 0x10, 3\nC = (A | B) << 2 ^ ~1\nD = -A // B % 4\nE = True\n")
    assert found == []
    assert parse_driver(tmp_path / "driver.py").constants["C"] == (0x10 | 3) << 2 ^ ~1
    assert parse_driver(tmp_path / "driver.py").constants["D"] == -0x10 // 3 % 4


@pytest.mark.parametrize("text", ["1 // 0", "1 % 0", "1 << -1", "1 << 1000", "X"])
def test_what_has_no_value_is_no_constant(text):
    assert constant_value(ast.parse(text, mode="eval").body, {}) is None


WORDS = st.sampled_from([
    "dev", "a", "1", "1.5", '"t"', "=", "==", "(", ")", "[", "]", ":", "if", "while", "for", "in", "def", "f", "return", "range",
    "spin_lock", "dev.lock", ",", "\n", "\n    ", "\n        ", "+", "/", "not", "lambda", "yield", "*", "**",
])  # fmt: skip


@settings(max_examples=300)
@given(st.lists(WORDS, max_size=40))
def test_any_text_is_a_driver_or_an_error(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("any") / "driver.py"
    path.write_text("def f(dev, a):\n    " + " ".join(words), encoding="utf-8")
    try:
        for fault in parse_driver(path).faults:
            assert fault.where.startswith(f"{path}:") and fault.do
    except TophalfError as error:
        assert "not Python" in error.what


def test_every_call_of_the_kernel_is_one_that_editors_find():
    import tophalf.kernel as kernel

    assert set(CALLS) <= set(kernel.__all__) and kernel.IRQ_WAKE_THREAD == 2
    with pytest.raises(NotImplementedError, match="tophalf lint"):
        kernel.spin_lock(None)


def test_the_machines_numbers_are_names(tmp_path):
    assert faults(tmp_path, "def work(dev):\n    dev.until = jiffies + HZ // 10\n")[1] == []


@pytest.mark.parametrize("terms", [99, 3000, 200_000])
def test_what_nests_too_deep_is_refused_with_its_line(tmp_path, terms):
    path = tmp_path / "deep.py"
    path.write_text("from tophalf.kernel import *\n\ndef f(dev):\n    dev.a = " + "1 + " * terms + "1\n", encoding="utf-8")
    with pytest.raises(TophalfError, match="nests too deep") as error:
        parse_driver(str(path))
    assert error.value.where in (f"{path}:4", str(path))
