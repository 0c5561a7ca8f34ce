"""Lines that cannot be moved: the kernel's own mark on this machine, and what follows for `managed`."""

import os

import pytest

from tophalf.host.readers.interrupts import read_interrupts
from tophalf.host.roots import MemoryRoot, live_root
from tophalf.host.steer.fixed import read_fixed
from tophalf.judge.managed import managed


def test_a_recording_cannot_tell():
    assert read_fixed(MemoryRoot({"/proc/irq/5/smp_affinity": b"1\n"}, {})) is None


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
