"""Writing masks: the kernel's answers are asked of the running kernel where it can give them.

The others come from files that give the same errno: /dev/full refuses with ENOSPC, /proc/self/mem with EIO.
"""

import errno
import os
import subprocess
import sys

import pytest

from tophalf.errors import SteerError
from tophalf.host.cpumask import parse_list
from tophalf.host.roots import DirRoot, MemoryRoot, live_root
from tophalf.host.steer.affinity import Refused, marked_fixed, write_affinity

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="writing masks needs root")


def mask_of(irq):
    with open(f"/proc/irq/{irq}/smp_affinity") as file:
        return file.read()


def movable_line():
    """An interrupt of this machine that hardly ever fires and whose mask may be written."""
    for irq in sorted(map(int, filter(str.isdigit, os.listdir("/proc/irq")))):
        names = [name for name in os.listdir(f"/proc/irq/{irq}") if name.endswith(("-config", "Ged"))]
        if names and os.stat(f"/proc/irq/{irq}/smp_affinity").st_mode & 0o200:
            return irq
    pytest.skip("no quiet movable line on this machine")
    return None


@pytest.fixture
def line():
    """A quiet line of this machine; its mask is put back."""
    irq = movable_line()
    before = mask_of(irq)
    yield irq
    with open(f"/proc/irq/{irq}/smp_affinity", "w") as file:
        file.write(before)
    assert mask_of(irq) == before


@AS_ROOT
def test_a_mask_written_reads_back(line):
    cpu = parse_list(live_root().word("/sys/devices/system/cpu/online"))[-1]
    write_affinity(live_root(), line, (cpu,))
    with open(f"/proc/irq/{line}/smp_affinity_list") as file:
        assert file.read().strip() == str(cpu)


@AS_ROOT
def test_a_cpu_beyond_the_possible_ones_is_eoverflow(line):
    beyond = parse_list(live_root().word("/sys/devices/system/cpu/possible"))[-1] + 33
    before = mask_of(line)
    with pytest.raises(Refused) as error:
        write_affinity(live_root(), line, (0, beyond))
    assert error.value.number == errno.EOVERFLOW and not error.value.fixed
    assert "cannot have" in error.value.line() and "possible CPUs: 0" in error.value.line()
    assert mask_of(line) == before


@AS_ROOT
def test_no_cpu_is_einval(line):
    with pytest.raises(Refused, match="no CPU of the mask is online.*online CPUs: 0"):
        write_affinity(live_root(), line, ())


@AS_ROOT
def test_a_line_the_kernel_marks_read_only_is_refused_by_it():
    root = live_root()
    fixed = [irq for irq in map(int, filter(str.isdigit, os.listdir("/proc/irq"))) if marked_fixed(root, irq)]
    if not fixed:
        pytest.skip("this kernel marks no line read-only (before 6.12, or none is managed)")
    for irq in fixed:
        with open(f"/proc/irq/{irq}/smp_affinity_list") as file:
            cpus = parse_list(file.read())
        with pytest.raises(Refused, match="does not let this line be moved.*EPERM") as error:
            write_affinity(root, irq, cpus)
        assert error.value.fixed


def test_an_interrupt_that_is_not_there():
    with pytest.raises(Refused, match="IRQ 99999: there is no such interrupt.*ENOENT"):
        write_affinity(live_root(), 99999, (0,))


def test_without_root_the_answer_is_sudo():
    irq = movable_line()
    code = (
        "import os, sys\n"
        "from tophalf.host.steer.affinity import write_affinity\nfrom tophalf.host.roots import live_root\n"
        "from tophalf.errors import SteerError\n"
        # only now: the user nobody need not be able to read this checkout, nor its Python
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"try: write_affinity(live_root(), {irq}, (0,))\nexcept SteerError as error: sys.exit(error.line())\n"
    )
    before = mask_of(irq)
    import tophalf

    source = os.path.dirname(os.path.dirname(tophalf.__file__))
    code = f"import sys; sys.path.insert(0, {source!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "needs root (EACCES); try again with sudo" in done.stderr
    assert mask_of(irq) == before


def tree(folder, irq=40, mask="3\n", target=None):
    """A tree that takes every write, as procfs does not; target: what smp_affinity is a symlink to."""
    place = folder / "proc" / "irq" / str(irq)
    place.mkdir(parents=True)
    (place / "effective_affinity").write_text("1\n")
    if target:
        (place / "smp_affinity").symlink_to(target)
    else:
        (place / "smp_affinity").write_text(mask)
    return DirRoot(str(folder), live=True)


@pytest.mark.parametrize(
    ("target", "number", "words"),
    [
        ("/dev/full", errno.ENOSPC, "no interrupt vector is free.*ethtool -L"),
        ("/proc/self/mem", errno.EIO, "does not let this line be moved.*isolcpus=managed_irq"),
    ],
)
def test_other_refusals_in_words(tmp_path, target, number, words):
    with pytest.raises(Refused, match=words) as error:
        write_affinity(tree(tmp_path, target=target), 40, (0,))
    assert error.value.number == number and error.value.line().startswith("IRQ 40: ")
    assert error.value.fixed == (number == errno.EIO)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_read_only_proc_says_so(tmp_path):
    tree(tmp_path)
    code = (
        "import sys, os; sys.path[:0] = [sys.argv[2]]\n"
        "from tophalf.host.steer.affinity import write_affinity\nfrom tophalf.host.roots import DirRoot\n"
        "from tophalf.errors import SteerError\n"
        "try: write_affinity(DirRoot(sys.argv[1], live=True), 40, (0,))\nexcept SteerError as error: print(error.line())\n"
    )
    import tophalf

    source = os.path.dirname(os.path.dirname(tophalf.__file__))
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" -c "$3" "$1" "$4"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, code, source], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no mount namespace here: {done.stderr.strip()}")
    assert "mounted read-only here (EROFS)" in done.stdout


def test_an_error_the_kernel_has_no_words_for_is_still_said(tmp_path):
    root = tree(tmp_path)
    (tmp_path / "proc/irq/40/smp_affinity").unlink()
    (tmp_path / "proc/irq/40/smp_affinity").mkdir()
    with pytest.raises(Refused, match=r"Is a directory \(EISDIR\)"):
        write_affinity(root, 40, (0,))


def test_the_kernel_gets_its_own_notation(tmp_path):
    root = tree(tmp_path)
    write_affinity(root, 40, (0, 33))
    assert (tmp_path / "proc/irq/40/smp_affinity").read_text() == "2,00000001"


def test_a_recording_is_never_written(tmp_path):
    tree(tmp_path)
    for root in (DirRoot(str(tmp_path)), MemoryRoot({"/proc/irq/40/smp_affinity": b"3\n"}, {})):
        with pytest.raises(SteerError, match="a recording cannot be steered"):
            write_affinity(root, 40, (0,))
        assert marked_fixed(root, 40) is None
    assert (tmp_path / "proc/irq/40/smp_affinity").read_text() == "3\n"
