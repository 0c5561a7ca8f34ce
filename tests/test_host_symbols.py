"""Function names from kallsyms: looked up in the text, whatever order its lines are in."""

import random

from tophalf.host.trace.symbols import NamedFunctions, Symbols

LINES = sorted(f"{0xFFFFFFFF81000000 + at * 48:016x} t function_{at}" for at in range(1000))
MODULE = "ffffffffc0000010 t in_module\t[e1000]\nffffffffa0000020 T earlier_module\t[nvme]\nffffffffa0000020 T its_alias\t[nvme]"


def symbols_of(text):
    return Symbols(lambda: text if text is None else text.encode())


def test_every_function_is_found():
    symbols = symbols_of("\n".join([*LINES, MODULE]))
    for line in LINES:
        assert symbols.name(int(line[:16], 16)) == line.split()[2]
    assert symbols.name(0xFFFFFFFFC0000010) == "in_module"
    assert symbols.name(0xFFFFFFFFA0000020) in ("earlier_module", "its_alias")


def test_a_signed_address_is_the_same_function():
    symbols = symbols_of("\n".join(LINES))
    assert symbols.name(0xFFFFFFFF81000030 - (1 << 64)) == "function_1"


def test_only_where_a_function_starts():
    symbols = symbols_of("\n".join(LINES))
    assert symbols.name(0xFFFFFFFF81000031) is None and symbols.name(0) is None and symbols.name(1 << 63) is None


def test_lines_in_no_order():
    lines = LINES.copy()
    random.Random(1).shuffle(lines)
    symbols = symbols_of("\n".join(lines))
    assert all(symbols.name(int(line[:16], 16)) == line.split()[2] for line in lines)


def test_32_bit_addresses():
    assert symbols_of("c0100000 T _stext\nc0100010 t next").name(0xC0100010) == "next"


def test_no_kallsyms_no_names_and_hidden_addresses():
    assert symbols_of(None).name(0xFFFFFFFF81000000) is None
    assert symbols_of("0000000000000000 t hidden\n" * 9).name(0xFFFFFFFF81000000) is None
    assert symbols_of("no kallsyms at all\n\n\0").name(1) is None


def test_kallsyms_is_read_once_and_only_when_asked():
    calls = []
    symbols = Symbols(lambda: calls.append(1) or b"")
    assert calls == []
    symbols.name(1), symbols.name(2)
    assert calls == [1]


def test_names_of_text_stand_for_addresses():
    functions = NamedFunctions()
    assert functions.number("a") == functions.number("a") != functions.number("b")
    assert functions.name(functions.number("b")) == "b" and functions.name(99) is None and functions.name(0) is None
