"""Boot facts: this machine's, command lines of every kind, kernel configurations, damage."""

import gzip
import os

import pytest
from hypothesis import given

from damage import damaged, survives, text_of
from tophalf.host.readers.boot import parse_cmdline, parse_isolcpus, read_boot
from tophalf.host.roots import MemoryRoot, live_root

RT = b"Linux version 6.12.117+deb12-rt-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP PREEMPT_RT Debian 6.12.117-1\n"
PLAIN = b"Linux version 5.14.0-503.el9.x86_64 (mockbuild@x) (gcc 11.5.0) #1 SMP PREEMPT_DYNAMIC Tue\n"
CMDLINE = (
    b'BOOT_IMAGE=/vmlinuz isolcpus=managed_irq,domain,2-3 nohz_full=2-3 irqaffinity=0-1 threadirqs dyndbg="a b" -- isolcpus=7\n'
)
CONFIG = b"# Linux kernel\nCONFIG_IRQ_TIME_ACCOUNTING=y\nCONFIG_HZ=250\n"


def boot_of(**files):
    names = {"version": "/proc/version", "cmdline": "/proc/cmdline", "config": "/proc/config.gz",
             "possible": "/sys/devices/system/cpu/possible", "isolated": "/sys/devices/system/cpu/isolated",
             "realtime": "/sys/kernel/realtime", "uname": "/sos_commands/kernel/uname_-a",
             "clock": "/sys/devices/system/clocksource/clocksource0/current_clocksource"}  # fmt: skip
    return read_boot(MemoryRoot({names[name]: data for name, data in files.items()}, {}))


def test_this_machine():
    boot = read_boot(live_root())
    assert os.uname().release in boot.version and boot.machine == os.uname().machine
    assert boot.user_hz == os.sysconf("SC_CLK_TCK") and len(boot.boot_id) == 36
    assert boot.preempt_rt is ("PREEMPT_RT" in os.uname().version)


def test_a_command_line_with_everything():
    boot = boot_of(cmdline=CMDLINE, version=RT)
    assert (boot.isolated, boot.nohz_full, boot.irqaffinity, boot.threadirqs) == ((2, 3), (2, 3), (0, 1), True)
    assert boot.preempt_rt is True and boot.machine == "x86_64" and boot.irq_time_accounting is None


def test_what_is_not_recorded_is_none():
    assert read_boot(MemoryRoot({}, {})) is None
    boot = boot_of(version=PLAIN)
    assert (boot.cmdline, boot.isolated, boot.threadirqs, boot.boot_id) == (None, None, None, None)
    assert boot.preempt_rt is False and boot.machine == "x86_64"
    assert boot_of(uname=b"Linux h 6.1.0 #1 SMP PREEMPT_RT Debian 6.1.0-1 aarch64 GNU/Linux").machine == "aarch64"


def test_what_follows_two_dashes_is_init_s_and_dashes_are_underscores():
    assert parse_cmdline('a-b=1 c "d e=f" -- threadirqs') == {"a_b": "1", "c": "", "d e": "f"}
    assert "threadirqs" not in parse_cmdline("quiet -- threadirqs")


@pytest.mark.parametrize(
    ("value", "cpus"),
    [
        ("1,3-4", (1, 3, 4)), ("domain,2", (2,)), ("nohz,managed_irq,0-1", (0, 1)), ("2-N", (2, 3)), ("all", (0, 1, 2, 3)),
        ("N", (3,)), ("0-3:1/2", (0, 2)), ("", ()), ("domain", ()), ("5-2", ()), ("x", ()), ("0-99999999999", ()),
    ],
)  # fmt: skip
def test_isolcpus(value, cpus):
    assert parse_isolcpus(value, last_cpu=3) == cpus


def test_isolation_at_run_time_joins_that_of_the_command_line():
    boot = boot_of(cmdline=b"isolcpus=3", isolated=b"1-2\n", possible=b"0-3\n")
    assert boot.isolated == (1, 2, 3)


@pytest.mark.parametrize(
    ("config", "cmdline", "clock", "expected"),
    [
        (CONFIG, b"quiet", b"tsc\n", True), (CONFIG, b"quiet", b"kvm-clock\n", True), (CONFIG, b"tsc=noirqtime", b"tsc\n", False),
        (CONFIG, b"quiet", b"hpet\n", None), (CONFIG, b"tsc=unstable", b"tsc\n", None),
        (CONFIG.replace(b"IRQ_TIME_ACCOUNTING=y", b"X=y"), b"quiet", b"tsc\n", False),
        (b"# s390\nCONFIG_VIRT_CPU_ACCOUNTING_NATIVE=y\n", b"quiet", b"stp\n", True),
    ],
)  # fmt: skip
def test_irq_time_accounting(config, cmdline, clock, expected):
    assert boot_of(version=PLAIN, config=gzip.compress(config), cmdline=cmdline, clock=clock).irq_time_accounting is expected


def test_the_accounting_said_agrees_with_this_machine_s_counters():
    """Built without it, a kernel that has run for a while shows no irq time on any CPU (kernel/sched/cputime.c)."""
    if read_boot(live_root()).irq_time_accounting is not False:
        pytest.skip("this kernel accounts irq time, or does not say")
    with open("/proc/stat") as file:
        assert file.readline().split()[6] == "0"


def test_the_configuration_in_boot_must_be_this_kernel_s():
    for path in ("/boot/config-5.14.0-503.el9.x86_64", "/lib/modules/5.14.0-503.el9.x86_64/config"):
        files = {"/proc/version": PLAIN, path: CONFIG, "/boot/config-6.1.0": b"# other\n"}
        assert read_boot(MemoryRoot(files, {})).irq_time_accounting is True


def test_a_bomb_for_a_configuration():
    root = MemoryRoot({"/proc/version": PLAIN, "/proc/config.gz": gzip.compress(bytes(50 << 20))}, {})
    assert read_boot(root).irq_time_accounting is False
    root = MemoryRoot({"/proc/version": PLAIN, "/proc/config.gz": b"\x1f\x8bnot gzip"}, {})
    assert read_boot(root).irq_time_accounting is None and "cannot be unpacked" in root.missing["/proc/config.gz"]


@given(damaged(CMDLINE), damaged(RT, PLAIN), damaged(gzip.compress(CONFIG)), damaged(b"0-3\n"))
def test_nothing_breaks_the_reader(cmdline, version, config, possible):
    files = {
        "/proc/cmdline": cmdline,
        "/proc/version": version,
        "/proc/config.gz": config,
        "/sys/devices/system/cpu/possible": possible,
    }
    survives(read_boot, files)
    parse_isolcpus(text_of(cmdline), 8)


def test_a_recorded_log_tells_what_no_file_does(data):
    from tophalf.host.door import open_machine

    boot = read_boot(open_machine(os.path.join(data, "hosts", "threadirqs.tar.xz")).moments[0][1])
    assert boot.version.startswith("Linux version 6.12.117+deb12-amd64 ")
    assert boot.threadirqs is True and boot.isolated == ()
