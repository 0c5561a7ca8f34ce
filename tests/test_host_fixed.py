"""Lines that cannot be moved: the kernel's own mark on this machine, and what follows for `managed`."""

import os
import tarfile

import pytest

from tophalf.host.door import open_machine
from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.roots import MemoryRoot, live_root
from tophalf.host.steer.fixed import read_fixed
from tophalf.judge.managed import managed
from tophalf.recording import TarWriter


def test_a_recording_cannot_tell():
    assert read_fixed(MemoryRoot({"/proc/irq/5/smp_affinity": b"1\n"}, {})) is None


def recording(path, meta):
    """A recording whose line 5 the kernel let nobody write, and line 6 root."""
    tar = TarWriter(str(path), "case")
    tar.add("trace/meta.json", meta)
    for irq, mode in ((5, 0o444), (6, 0o644)):
        tar.add(f"000.000/proc/irq/{irq}/smp_affinity", b"1\n", mode)
    tar.add("000.000/proc/uptime", b"1.00 1.00\n")
    tar.add("001.000/proc/stat", b"cpu 1\n")
    tar.add("001.000/proc/uptime", b"2.00 2.00\n")
    tar.close()
    return str(path)


def test_a_recording_that_keeps_modes_holds_the_mark(tmp_path):
    (_, first), (_, second) = open_machine(recording(tmp_path / "x.tar", b'{"modes": true}')).moments
    assert read_fixed(first) == {5: "the kernel shows its mask read-only"}
    assert read_fixed(second) is None


def test_a_packed_recording_holds_it_too(tmp_path):
    import gzip

    with open(recording(tmp_path / "x.tar", b'{"modes": true}'), "rb") as plain, gzip.open(tmp_path / "x.tar.gz", "wb") as packed:
        packed.write(plain.read())
    assert set(read_fixed(open_machine(str(tmp_path / "x.tar.gz")).moments[0][1])) == {5}


@pytest.mark.parametrize("meta", [b"{}", b"[]", b"no json", b'{"modes": 1}'])
def test_modes_of_others_prove_nothing(tmp_path, meta):
    assert read_fixed(open_machine(recording(tmp_path / "x.tar", meta)).moments[0][1]) is None


def test_an_unpacked_recording_has_the_modes_of_whoever_unpacked_it(tmp_path):
    with tarfile.open(recording(tmp_path / "x.tar", b'{"modes": true}')) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    assert read_fixed(open_machine(str(tmp_path / "out")).moments[0][1]) is None


def test_the_kernels_mark_is_the_files_mode():
    fixed = read_fixed(live_root())
    for irq in os.listdir("/proc/irq"):
        if irq.isdigit():
            read_only = not os.stat(f"/proc/irq/{irq}/smp_affinity").st_mode & 0o200
            assert read_only <= (int(irq) in fixed)


def test_proof_makes_a_message_signalled_line_managed_and_nothing_else():
    lines = read_interrupts(live_root()).lines.values()
    msi = next((line for line in lines if "MSI" in (line.chip or "")), None)
    if msi is None:
        pytest.skip("this machine has no message-signalled interrupt")
    assert managed(msi, proof="refused")[0] is True
    assert managed(msi)[0] is not True
    pin = msi.replace(chip="IO-APIC", actions=("ttyS0",))
    assert managed(pin, proof="refused")[0] is False
