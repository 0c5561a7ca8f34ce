"""The fuzzer itself, so that it does not rot: a few cases of each target, always the same ones; and what it has found."""

import os
import random
import sys

import pytest

from tophalf.errors import FormatError
from tophalf.host.cpumask import parse_list
from tophalf.host.readers.boot import parse_isolcpus
from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.readers.irqs import read_irq
from tophalf.host.readers.softirqs import parse_softirqs
from tophalf.host.roots import MemoryRoot
from tophalf.host.trace.formats import parse_format

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))
MANY = "9" * 4400  # more digits than Python converts


def test_a_few_cases_of_each_target():
    import fuzz
    import fuzz_targets

    findings = []
    for name, target in sorted(fuzz_targets.all_targets().items()):
        rng = random.Random(name)
        findings += filter(None, (fuzz.run(target, target.make(rng)) for _ in range(4)))
    assert not findings


def test_a_finding_is_seen():
    import fuzz
    import fuzz_targets

    broken = fuzz_targets.Target("broken", None, lambda case: [][case])
    assert "IndexError" in fuzz.run(broken, 0)
    assert fuzz.run(fuzz_targets.Target("sound", None, lambda case: None), 0) is None


@pytest.mark.parametrize("text", ["4\x1c\x1c", "1_0", "+1", "0-", "٣", "1\xa02", MANY])
def test_a_list_is_digits_and_nothing_else(text):
    if text == "4\x1c\x1c":
        assert parse_list(text) == (4,)  # blanks around it are taken off, and int() never sees them
    else:
        with pytest.raises(FormatError):
            parse_list(text)
    assert parse_isolcpus(f"0,{text},1") in ((), (0, 1, 4))


def test_counts_of_thousands_of_digits():
    with pytest.raises(FormatError, match="softirqs:2"):
        parse_softirqs(f"CPU0\nHI: {MANY}\n".encode())
    with pytest.raises(FormatError, match="interrupts:2"):
        read_interrupts(MemoryRoot({"/proc/interrupts": f"CPU0\n 1: {MANY} x\n".encode()}, {}))
    spurious = f"count {MANY}\nunhandled 1\nlast_unhandled 0 ms\n".encode()
    assert read_irq(MemoryRoot({"/proc/irq/1/spurious": spurious}, {}), 1).spurious is None


def test_an_empty_interrupts_file_is_an_error():
    with pytest.raises(FormatError, match="/proc/interrupts:1"):
        read_interrupts(MemoryRoot({"/proc/interrupts": b""}, {}))


@pytest.mark.parametrize("declaration", ["[]", "[" * 60_000, f"char x[{MANY}]", "field:" * 20_000])
def test_an_event_format_of_nonsense(declaration):
    text = f"name: x\nID: 5\nformat:\n\tfield:{declaration};\toffset:0;\tsize:2;\tsigned:0;\n"
    assert isinstance(parse_format(text).fields, dict)
