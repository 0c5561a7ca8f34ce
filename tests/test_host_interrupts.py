"""/proc/interrupts: every shape, damage, and the second sample that keeps unchanged lines."""

import bz2
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import FormatError
from tophalf.host.readers.interrupts import parse_interrupts, read_interrupts
from tophalf.host.roots import MemoryRoot, live_root


def parse(text):
    parsed, notes = parse_interrupts(text if isinstance(text, bytes) else text.encode())
    return parsed.interrupts(), notes


def naive(text):
    """The obvious twin: split everything. {key: counts}."""
    lines = text.decode().splitlines()
    width = len(lines[0].split())
    table = {}
    for line in lines[1:]:
        key, _, rest = line.partition(":")
        fields = rest.split()[:width]
        counts = [int(field) for field in fields[: next((at for at, f in enumerate(fields) if not f.isdigit()), len(fields))]]
        if counts and line.strip():
            table[key.strip()] = tuple(counts)
    return table


# One line of each architecture's output; each format string is named in the reader.
SHAPES = {
    "  0:        101  IO-APIC   2-edge      timer": ("IO-APIC", 2, "edge", ("timer",)),
    " 33:          4  PCI-MSIX-0000:00:06.0   0-edge      eth0-rx-0": ("PCI-MSIX-0000:00:06.0", 0, "edge", ("eth0-rx-0",)),
    " 25:          1  IR-PCI-MSI 475136-edge      PCIe PME": ("IR-PCI-MSI", 475136, "edge", ("PCIe PME",)),
    " 11:         67  IO-APIC  11-fasteoi   eth0, labirq": ("IO-APIC", 11, "fasteoi", ("eth0", "labirq")),
    " 16:         31  IR-IO-APIC-fasteoi   ehci_hcd:usb1, mmc0": ("IR-IO-APIC", None, "fasteoi", ("ehci_hcd:usb1", "mmc0")),
    " 40:          0  DMAR_MSI-edge      dmar0": ("DMAR_MSI", None, "edge", ("dmar0",)),
    " 10: 3287008667     GICv3  27 Level     arch_timer": ("GICv3", 27, "level", ("arch_timer",)),
    " 50:          0  ARMH0061:00   3 Edge      ACPI:Event": ("ARMH0061:00", 3, "edge", ("ACPI:Event",)),
    " 57:         51   ITS-MSI 81920 Edge      ena-mgmnt@pci:0000:00:05.0":
        ("ITS-MSI", 81920, "edge", ("ena-mgmnt@pci:0000:00:05.0",)),
    "  5:         12  RISC-V INTC   5 Edge      riscv-timer": ("RISC-V INTC", 5, "edge", ("riscv-timer",)),
    " 10:          3  SiFive PLIC  10 Edge      ttyS0": ("SiFive PLIC", 10, "edge", ("ttyS0",)),
    " 16:          3      XICS   2 Edge      IPI": ("XICS", 2, "edge", ("IPI",)),
    " 64:          7  xen-percpu    -virq      timer0": ("xen-percpu", None, "virq", ("timer0",)),
    " 72:          7  xen-dyn    -event     xenbus": ("xen-dyn", None, "event", ("xenbus",)),
    "  9:          7  xen-pirq    -ioapic-level  acpi": ("xen-pirq", None, "ioapic-level", ("acpi",)),
    "  9:          0  IO-APIC   9-fasteoi": ("IO-APIC", 9, "fasteoi", ()),
    " 99:          0  None": (None, None, None, ()),
}  # fmt: skip


@pytest.mark.parametrize("line", SHAPES)
def test_line_shapes(line):
    interrupts, notes = parse("           CPU0\n" + line + "\n")
    (found,) = interrupts.lines.values()
    assert (found.chip, found.hwirq, found.trigger, found.actions) == SHAPES[line]
    assert not notes


def test_columns_are_keyed_by_the_headers_cpus():
    interrupts, _ = parse("           CPU0       CPU2       CPU3\n 24:  1  2  3  IO-APIC   2-edge      timer\n")
    assert interrupts.cpus == (0, 2, 3)
    assert interrupts.lines["24"].counts == (1, 2, 3)


def test_lines_with_one_number_and_no_space_after_the_colon():
    text = "           CPU0       CPU1\nIPI0:2768808080 2844211768       Rescheduling interrupts\nErr:          7\n      \n"
    interrupts, notes = parse(text)
    assert interrupts.lines["IPI0"].counts == (2768808080, 2844211768)
    assert interrupts.lines["IPI0"].kind == "ipi"
    assert interrupts.lines["Err"].counts == (7,) and not interrupts.lines["Err"].per_cpu
    assert not notes


def test_s390_classes_have_no_irq_number():
    text = "           CPU0       CPU1\nEXT:  1234   56\nI/O:     1    2\nCLK:     1    2   [EXT] Clock Comparator\n"
    interrupts, _ = parse(text)
    assert interrupts.lines["I/O"].irq is None
    assert interrupts.lines["CLK"].description == "[EXT] Clock Comparator"


def test_a_file_cut_short_keeps_what_is_whole():
    text = "           CPU0       CPU1\n  1:          5          6  IO-APIC   1-edge      i8042\n  2:          5"
    interrupts, notes = parse(text)
    assert list(interrupts.lines) == ["1"]
    assert notes == {"/proc/interrupts:3": "cut short; the line is left out"}


@pytest.mark.parametrize(("text", "where"), [
    ("", "/proc/interrupts:1"),
    ("\x00\xff garbage", "/proc/interrupts:1"),
    ("           CPU1       CPU0\n", "/proc/interrupts:1"),
    (f"           CPU0\n  1: {1 << 70}  IO-APIC 1-edge x\n", "/proc/interrupts:2"),
    ("           CPU0       CPU1\n  1:    x5    6  IO-APIC 1-edge x\n", "/proc/interrupts:2"),
])  # fmt: skip
def test_damage_is_named_with_its_line(text, where):
    with pytest.raises(FormatError) as caught:
        parse(text)
    assert caught.value.where == where


def test_a_million_columns_are_read():
    count = 1_000_000
    header = b" ".join(b"CPU%d" % cpu for cpu in range(count))
    interrupts, _ = parse(header + b"\n1: " + b"0 " * count + b" IO-APIC   1-edge      x\n")
    assert len(interrupts.cpus) == count and interrupts.lines["1"].actions == ("x",)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_end_in_a_table_or_a_format_error(data):
    try:
        parse_interrupts(data)
    except FormatError as error:
        assert error.where.startswith("/proc/interrupts:")


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=130, max_size=130), min_size=1, max_size=4), st.data())
def test_second_sample_equals_a_fresh_parse(rows, data):
    before = made_file(rows)
    parsed, _ = parse_interrupts(before)
    for row in rows:
        for at in data.draw(st.lists(st.integers(0, 129), max_size=5)):
            row[at] = data.draw(st.integers(0, 2**32 - 1))
    if data.draw(st.booleans()):
        rows.insert(data.draw(st.integers(0, len(rows))), [0] * 130)
    after = made_file(rows)
    second, _ = parse_interrupts(after, parsed)
    fresh, _ = parse_interrupts(after)
    assert second.interrupts() == fresh.interrupts()
    assert {key: line.counts for key, line in second.interrupts().lines.items()} == naive(after)


def made_file(rows):
    """As show_interrupts prints it: "%*d: ", then "%10u " a CPU."""
    lines = ["     " + "".join(f"CPU{cpu:<8}" for cpu in range(130))]
    for irq, row in enumerate(rows):
        lines.append(f"{irq:3}: " + "".join(f"{count:10} " for count in row) + f" PCI-MSI {irq}-edge      dev{irq}")
    return ("\n".join(lines) + "\n").encode()


def test_unchanged_lines_are_kept_as_they_are():
    text = made_file([[1] * 130, [2] * 130])
    first, _ = parse_interrupts(text)
    second, _ = parse_interrupts(text, first)
    assert all(a[1] is b[1] for a, b in zip(first.lines, second.lines, strict=True))


@pytest.mark.parametrize("name", ["interrupts-8cpu-x86_64", "interrupts-4cpu-x86_64", "interrupts-8cpu-aarch64",
                                  "interrupts-1152cpu-x86_64.bz2"])  # fmt: skip
def test_other_peoples_files_equal_the_plain_twin(shared_hosts, name):
    with (bz2.open if name.endswith("bz2") else open)(os.path.join(shared_hosts, "files", name), "rb") as file:
        text = file.read()
    interrupts, notes = parse(text)
    assert {key: line.counts for key, line in interrupts.lines.items()} == naive(text)
    assert all(line.actions for line in interrupts.lines.values() if line.irq is not None and line.kind == "device")
    assert not notes


def test_this_machine_is_read_and_its_second_sample_never_falls():
    root = live_root()
    first, second = read_interrupts(root), read_interrupts(root)
    for key, line in second.lines.items():
        assert sum(line.counts) >= sum(first.lines[key].counts)


def test_no_file_is_none():
    root = MemoryRoot({}, {})
    assert read_interrupts(root) is None
    assert root.missing == {"/proc/interrupts": "not recorded"}
