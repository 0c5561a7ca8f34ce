"""Functions of drivers as programs: what they come to is what Python makes of the same text."""

import textwrap

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from modelprograms import program
from tophalf.driver.api import CALLS
from tophalf.driver.subset import read_driver
from tophalf.errors import TophalfError
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.code import codeops as c
from tophalf.model.code.generate import Generator
from tophalf.model.code.kernelcalls import PLAIN, SPEND_NS, WRITERS
from tophalf.model.code.objects import Device

pytestmark = pytest.mark.kernels
LEAST, MOST = -(1 << 63), (1 << 63) - 1


class Overflow(Exception):
    """Python would go on with more than 64 bits."""


class W(int):
    """A number that may not outgrow a word."""


def word(value):
    if not LEAST <= value <= MOST:
        raise Overflow
    return W(value)


def shifted(name, left, right):
    if right < 0 or right > 63:
        raise ZeroDivisionError
    return getattr(int, name)(left, right)


for NAME in ("add", "sub", "mul", "floordiv", "mod", "and", "or", "xor"):
    setattr(W, f"__{NAME}__", lambda self, other, name=f"__{NAME}__": word(getattr(int, name)(self, int(other))))
for NAME in ("lshift", "rshift"):
    setattr(W, f"__{NAME}__", lambda self, other, name=f"__{NAME}__": word(shifted(name, int(self), int(other))))
for NAME in ("neg", "invert", "pos"):
    setattr(W, f"__{NAME}__", lambda self, name=f"__{NAME}__": word(getattr(int, name)(self)))


class Dev:
    """A device whose attributes begin as 0."""

    def __getattr__(self, name):
        return W(0)


def ended(text, name, *arguments, path):
    """(what a function returned, {attribute: word}) of a driver's text that begins with `name`, run by a task on the model."""
    path.write_text(text)
    driver = read_driver(path)
    builder = Builder()
    device = Device(builder, driver, "dev")
    statics = [device if argument.arg == "dev" else None for argument in driver.functions[name].args.args]
    entry = Generator(builder, driver).function(name, tuple(statics))
    result = builder.memory.take(1)
    sets = [(c.CODE_SET, number, argument) for number, argument in enumerate(arguments)]
    call = [(c.CODE_CALL, entry, 0, len(arguments)), (c.CODE_RESULT, 0), (c.CODE_STORE, result, 0), (ops.OP_EXIT,)]
    builder.task("app", 0, program(builder, *sets, *call))
    world = builder.world()
    world.run(10**8)
    return int(world.memory[result]), {name: int(world.memory[address]) for name, address in device.words.items()}


# Random functions

names = st.sampled_from(["a", "b", "x", "y", "z", "dev.s", "dev.t"])
numbers = st.integers(-9, 100).map(lambda number: f"W({number})") | st.sampled_from(["W(READY)", f"W({MOST})", f"W({1 << 40})"])


def combined(inner):
    binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"]), inner)
    compared = st.tuples(inner, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner)
    return st.one_of(
        binary.map(lambda parts: "({} {} {})".format(*parts)), compared.map(lambda parts: "W({} {} {})".format(*parts)),
        st.tuples(st.sampled_from(["-", "~"]), inner).map(lambda parts: "({}{})".format(*parts)),
        inner.map(lambda part: f"W(not {part})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]} {p[1]} {p[3]})"),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "W(helper({}, dev, {}))".format(*parts)),
    )  # fmt: skip


expressions = st.recursive(names | numbers, combined, max_leaves=5)


def indented(lines):
    return textwrap.indent("\n".join(lines), "    ")


@st.composite
def statements(draw, depth=0, in_loop=False):
    """A list of lines."""
    found = []
    for number in range(draw(st.integers(1, 4 - depth))):
        kind = draw(st.integers(0, 9 if depth < 2 else 4))
        one = draw(expressions)
        if kind <= 2:
            found.append(f"{draw(names)} = {one}")
        elif kind == 3:
            found.append(f"{draw(names)} {draw(st.sampled_from(['+', '-', '*', '|', '&', '^', '//', '%']))}= {one}")
        elif kind == 4:
            leaves = ["break", "continue"] if in_loop else []
            found.append(f"if {one}:\n    {draw(st.sampled_from([*leaves, f'return {draw(expressions)}']))}")
        elif kind <= 6:
            found.append(f"if {one}:\n{indented(draw(statements(depth + 1, in_loop)))}")
            if kind == 6:
                found.append(f"else:\n{indented(draw(statements(depth + 1, in_loop)))}")
        elif kind == 7:
            name = f"w{depth}_{number}"
            inside = indented([f"{name} -= W(1)", *draw(statements(depth + 1, True))])
            found.append(f"{name} = ({one} % W(5))\nwhile {name} > W(0):\n{inside}")
        else:
            name, end = f"i{depth}", draw(expressions)
            given = draw(st.sampled_from([f"{one} % W(6)", f"{one} % W(4), {end} % W(9)", f"{one} % W(9), {end} % W(4), -W(2)",
                                          f"{one} % W(9), {end} % W(9), ({end} % W(5)) - W(2)"]))  # fmt: skip
            inside = indented([f"{name} = W({name})", *draw(statements(depth + 1, True))])
            found.append(f"for {name} in range({given}):\n{inside}")
    return found


TEXT = """
READY = 7

def helper(p, dev, q):
    if p > q:
        return p - q
    dev.s += W(1)
    return q & READY

def f(a, b, dev):
    x = W(1)
    y = W(2)
    z = W(3)
{body}
    return ((x ^ y) ^ z)
"""


# Without shrinking, which takes minutes: what is found is short enough, or raise Phase.shrink
@settings(max_examples=120, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(statements(), st.integers(-50, 50), st.integers(LEAST, MOST))
def test_random_functions_come_to_what_python_comes_to(tmp_path_factory, lines, first, second):
    text, path, dev = TEXT.format(body=indented(lines)), tmp_path_factory.mktemp("driver") / "driver.py", Dev()
    known = {"W": W}
    exec(text, known)
    try:
        expected = known["f"](W(first), W(second), dev)
    except Overflow:
        return
    except (ZeroDivisionError, ValueError):  # a shift, a range's step
        with pytest.raises(TophalfError, match="divides by zero|shifts|step of 0|does not fit|needs more than"):
            ended(text.replace("W(", "("), "f", first, second, path=path)
        return
    try:
        result, words = ended(text.replace("W(", "("), "f", first, second, path=path)
    except TophalfError as error:
        assert "does not fit" in str(error) or "needs more than" in str(error)  # a constant in what is not reached; too long
        return
    assert result == expected
    assert {name: value for name, value in words.items() if value} == {name: value for name, value in vars(dev).items() if value}


def test_names_that_were_not_assigned_are_zero(tmp_path):
    text = "def f(a):\n    if a:\n        x = 5\n    for i in range(a):\n        y = i\n    return x * 100 + y * 10 + i\n"
    assert ended("def g(a):\n    q = a\n    return q\n" + text, "f", 0, path=tmp_path / "driver.py")[0] == 0
    assert ended(text, "f", 3, path=tmp_path / "driver.py")[0] == 522


def test_a_function_is_a_program_of_its_own_for_each_device(tmp_path):
    path = tmp_path / "driver.py"
    inner = "def f(dev, n):\n    dev.count += n\n    return dev.count\n\n"
    path.write_text(f"{inner}def g(port, n):\n    f(port, n)\n    return f(port, 1)\n")
    driver, builder = read_driver(path), Builder()
    generator = Generator(builder, driver)
    devices = [Device(builder, driver, name) for name in "ab"]
    programs = [generator.function("g", (device, None)) for device in devices]
    assert len(set(programs)) == 2 and generator.function("g", (devices[0], None)) == programs[0]
    calls = [line for entry, n in zip(programs, (5, 7), strict=True) for line in ((c.CODE_SET, 0, n), (c.CODE_CALL, entry, 0, 1))]
    builder.task("app", 0, program(builder, *calls, (ops.OP_EXIT,)))
    world = builder.world()
    world.run(1000)
    assert [int(world.memory[device.word("count")]) for device in devices] == [6, 8]


@pytest.mark.parametrize("text, what", [
    ("def f(a, dev):\n    d = dev\n    if a:\n        d = 5\n    return 0\n", "4: d is now this, now that"),
    ("def f(a, dev):\n    return a.x\n", "2: a is not known to be a device"),
    ("def f(a, dev):\n    return a + dev\n", "2: only == and != go with devices"),
    ("def f(a, dev):\n    dev.irq = 5\n    return 0\n", "2: dev.irq is set while the driver runs"),
    ("def f(a, dev):\n    dev.x = dev\n    return 0\n", "2: dev.x is set while the driver runs"),
    ("def f(a, dev):\n    return 1 << 63\n", "2: 9223372036854775808 does not fit"),
])  # fmt: skip
def test_what_the_model_cannot_run_names_its_line(tmp_path, text, what):
    with pytest.raises(TophalfError) as caught:
        ended(text, "f", 1, path=tmp_path / "driver.py")
    assert what in str(caught.value)


def test_an_error_of_the_run_names_the_drivers_line(tmp_path):
    text = "def g(a):\n    return 7 // a\n\ndef f(a):\n    x = 1\n    return x + g(a)\n"
    with pytest.raises(TophalfError, match=r"driver.py:2, in g.*divides by zero"):
        ended(text, "f", 0, path=tmp_path / "driver.py")


@pytest.mark.parametrize("call", [
    "queue_delayed_work(system_wq, dev.later, read_reg(dev, 4))", "copy_to_user(read_reg(dev, 4))", "kfree(read_reg(dev, 4))",
    "kmalloc(read_reg(dev, 4), GFP_ATOMIC)", "mod_timer(dev.timer, read_reg(dev, 4))", "local_irq_restore(read_reg(dev, 4))",
    "msleep(read_reg(dev, 4))", "write_reg(dev, 0, read_reg(dev, 4))", "spend(read_reg(dev, 4))",
])  # fmt: skip
def test_an_argument_is_looked_at_once(tmp_path, call):
    """A register may change by being read: what checks a call looks at its arguments without reading them."""
    text = f"""
from tophalf.kernel import *


def again(work):
    dev = container_of(work)
    {call}


def probe(dev):
    INIT_DELAYED_WORK(dev.later, again)
    timer_setup(dev.timer, late, 0)
    return 0


def late(timer):
    return
"""
    path = tmp_path / "driver.py"
    path.write_text(text, encoding="utf-8")
    builder, driver = Builder(), read_driver(path)
    dev = Device(builder, driver, "dev", registers=256)
    start = Generator(builder, driver).function("again", (dev.object("later", "delayed_work"),))
    _, lines, _, _ = next(place for place in builder.code_places if place[0] == start)
    ops_ = [int(builder.memory[start + 4 * at]) for at in range(len(lines))]
    assert ops_.count(c.CODE_READ_REG) == 1


def test_every_call_of_the_api_has_its_instructions():
    assert set(CALLS) == PLAIN.keys() | SPEND_NS.keys() | WRITERS.keys()
