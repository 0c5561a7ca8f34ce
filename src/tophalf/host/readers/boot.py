"""What was decided at boot: kernel version, command line, isolation, threaded interrupts, how irq time is accounted."""

import os
import re

from tophalf.errors import FormatError
from tophalf.host.cpumask import parse_list
from tophalf.host.fields import cpu_list, first_text, word
from tophalf.snapshot import Boot

USER_HZ = 100  # include/asm-generic/param.h; all architectures in use
CONFIG_BYTES_MAX = 4 << 20

_PARAMETER = re.compile(r'(?:[^\s"]|"[^"]*")+')
_ISOLCPUS_FLAGS = re.compile(r"(?:[a-z_]+,)*")
_RELEASE = re.compile(r"Linux version (\S+)")
_LOG_LINES = (re.compile(r"^(?:\[[^\]]*\] )?(Linux version .*)$", re.M),
              re.compile(r"^(?:\[[^\]]*\] )?(?:Kernel c|C)ommand line: (.*)$", re.M))  # fmt: skip
_UNSTABLE_TSC = ("hpet", "acpi_pm", "refined-jiffies", "jiffies")
_ARCHITECTURES = {
    "amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64", "ppc64le": "ppc64le", "ppc64el": "ppc64le",
    "powerpc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64", "i686": "i686", "686": "i686",
}  # fmt: skip


def read_boot(root):
    """Boot, or None when neither version nor command line is recorded.

    isolated joins isolcpus= (whatever its flags) with the CPUs isolated at run time by cpusets. Sources: /proc/version,
    /proc/cmdline, or what the kernel said of both in a recorded log; /sys/devices/system/cpu/isolated, the build
    configuration in /boot, /lib/modules or /proc/config.gz.
    """
    version, cmdline = word(root, "/proc/version"), word(root, "/proc/cmdline")
    if version is None and cmdline is None and not root.live:
        version, cmdline = _from_log(root)
    uname = _uname(root)
    if version is None and cmdline is None and uname is None:
        root.missing["/proc/cmdline"] = root.missing["/proc/version"] = "not recorded"
        return None
    found = _RELEASE.match(version or "")
    release = found[1] if found else None
    parameters = None if cmdline is None else parse_cmdline(cmdline)
    return Boot(
        version=version, cmdline=cmdline,
        threadirqs=None if parameters is None else "threadirqs" in parameters,
        preempt_rt=_preempt_rt(root, version or uname),
        boot_id=word(root, "/proc/sys/kernel/random/boot_id"),
        irq_time_accounting=_irq_time_accounting(root, release, parameters or {}),
        user_hz=os.sysconf("SC_CLK_TCK") if root.live else USER_HZ,
        machine=_machine(root, release, uname),
        **_cpu_sets(root, parameters),
    )  # fmt: skip


def _from_log(root):
    """(version, command line) from the first lines of a recorded log (init/main.c start_kernel prints both), or None each."""
    log = root.text("/dmesg") or ""
    return tuple(found[1].strip() if (found := pattern.search(log)) else None for pattern in _LOG_LINES)


def parse_cmdline(text):
    """{parameter: value} as the kernel reads its command line; the last of a name wins, and after "--" all is init's.

    Names have "_" for "-": the kernel takes both for the same (kernel/params.c parameqn). No value is "".
    """
    parameters = {}
    for parameter in _PARAMETER.findall(text):
        if parameter == "--":
            break
        name, _, value = parameter.replace('"', "").partition("=")
        parameters[name.replace("-", "_")] = value
    return parameters


def parse_isolcpus(value, last_cpu=0):
    """CPUs of an isolcpus=, nohz_full= or irqaffinity= value: leading flags ("domain,managed_irq,") do not count.

    A list that makes no sense isolates nothing: the kernel warns and goes on (kernel/sched/isolation.c
    housekeeping_setup). last_cpu: what "N" stands for, and "all" (lib/bitmap-str.c bitmap_getnum, bitmap_parse_region).
    """
    cpus = value[_ISOLCPUS_FLAGS.match(value).end() :]
    if cpus == "all":
        cpus = f"0-{last_cpu}"
    try:
        return parse_list(re.sub(r"\bN\b", str(last_cpu), cpus))
    except FormatError:
        return ()


def _cpu_sets(root, parameters):
    """isolated, nohz_full, irqaffinity: None without a command line."""
    if parameters is None:
        return {}
    possible = cpu_list(root, "/sys/devices/system/cpu/possible") or (0,)
    sets = {name: parse_isolcpus(parameters.get(name, ""), possible[-1]) for name in ("isolcpus", "nohz_full", "irqaffinity")}
    now = cpu_list(root, "/sys/devices/system/cpu/isolated") or ()
    isolated = tuple(sorted({*sets.pop("isolcpus"), *now}))
    return {"isolated": isolated, **sets}


def _preempt_rt(root, version):
    if word(root, "/sys/kernel/realtime") == "1":
        return True
    return None if version is None else "PREEMPT_RT" in version or "PREEMPT RT" in version


def _uname(root):
    """The output of uname -a in a sosreport: what stands in for /proc/version."""
    return None if root.live else (first_text(root, "/sos_commands/kernel/uname_-a", "/uname")[1] or "").strip() or None


def _machine(root, release, uname):
    """The architecture as uname -m says it; in a recording it shows at the end of many a distribution's release."""
    if root.live:
        return os.uname().machine
    for text in filter(None, (release, uname)):
        words = re.split(r"[\s.+-]", text)
        known = [_ARCHITECTURES[name] for name in words if name in _ARCHITECTURES]
        if known:
            return known[-1]
    return None


def _irq_time_accounting(root, release, parameters):
    """Whether the kernel was built and booted to account hardirq and softirq time by clock; None when nothing says so.

    An unstable TSC turns it off at run time (arch/x86/kernel/tsc.c mark_tsc_unstable): then None as well.
    """
    if parameters.get("tsc") == "noirqtime":
        return False
    config = _config(root, release)
    if config is None:
        return None
    if b"\nCONFIG_VIRT_CPU_ACCOUNTING_NATIVE=y" in config:
        return True
    if b"\nCONFIG_IRQ_TIME_ACCOUNTING=y" not in config:
        return False
    clock = word(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource")
    return None if clock in _UNSTABLE_TSC or parameters.get("tsc") == "unstable" else True


def _config(root, release):
    """The kernel's build configuration as bytes: only its own, so /boot needs the release to match."""
    if release and "/" not in release:
        _, text = first_text(root, f"/boot/config-{release}", f"/lib/modules/{release}/config")
        if text and text.startswith("#"):
            return text.encode("utf-8", "surrogateescape")
    packed = root.read("/proc/config.gz")
    if packed is None:
        root.missing.pop("/proc/config.gz", None)
        return None
    return _gunzip(root, packed)


def _gunzip(root, packed):
    import zlib

    try:
        return zlib.decompressobj(wbits=31).decompress(packed, CONFIG_BYTES_MAX)
    except zlib.error as error:
        root.missing["/proc/config.gz"] = f"cannot be unpacked ({error})"
        return None
