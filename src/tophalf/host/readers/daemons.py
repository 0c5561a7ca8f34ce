"""Whether irqbalance and tuned run, and what they were told: the two that move interrupts behind an owner's back."""

import os
import re

from tophalf.errors import FormatError
from tophalf.host.cpumask import parse_list, parse_mask
from tophalf.host.fields import first_text, integer, optional, speaks_here, word
from tophalf.host.readers.processes import find_processes
from tophalf.snapshot import Daemon

INTERVAL_S = 10  # irqbalance.h SLEEP_INTERVAL
SOCKET_TIMEOUT_S = 0.3
ENVIRONMENT_FILES = ("/etc/default/irqbalance", "/etc/sysconfig/irqbalance")
SCM_CREDENTIALS = 2  # include/linux/socket.h

_BAN = re.compile(r"IRQ (\d{1,9}) LOAD")
_SLEEP = re.compile(r"SLEEP (\d{1,9})\b")
_BANNED = re.compile(r"BANNED ([0-9a-fA-F,]+)")


def read_daemons(root):
    """{"irqbalance": Daemon or False, "tuned": Daemon or False}; None when no process list is recorded.

    irqbalance's bans and banned CPUs are what it says itself over its socket (live, root), else what its arguments and
    environment say, else what its environment file says, which may have been edited since it started.
    """
    found = find_processes(root, ("irqbalance", "tuned"))
    if found is None:
        return None
    return {
        "irqbalance": _irqbalance(root, *found["irqbalance"]) if "irqbalance" in found else False,
        "tuned": _tuned(root, *found["tuned"]) if "tuned" in found else False,
    }


def parse_arguments(arguments):
    """irqbalance's own options: {"bans": tuple of IRQs, "interval_s": int}. Unknown ones are skipped."""
    bans, interval_s = set(), INTERVAL_S
    words = iter(arguments[1:])
    for argument in words:
        name, sign, value = argument.partition("=")
        if name in ("--banirq", "-i", "--interval", "-t") and not sign:
            value = next(words, "")
        elif argument[:2] in ("-i", "-t") and len(argument) > 2:
            name, value = argument[:2], argument[2:]
        number = integer(value)
        if number is None or number < 0:
            continue
        if name in ("--banirq", "-i"):
            bans.add(number)
        elif name in ("--interval", "-t"):
            interval_s = number
    return {"bans": tuple(sorted(bans)), "interval_s": interval_s}


def parse_environment(pairs):
    """CPUs that irqbalance may not use by its environment; None when it does not say, and it then keeps off isolated and
    nohz_full CPUs by itself. The list counts before the mask (cputree.c setup_banned_cpus).

    pairs: texts NAME=value. Raises: FormatError.
    """
    values = dict(pair.partition("=")[::2] for pair in pairs)
    for name, parse in (("IRQBALANCE_BANNED_CPULIST", parse_list), ("IRQBALANCE_BANNED_CPUS", parse_mask)):
        value = values.get(name, "").strip()
        if value:
            return parse(value.removeprefix("0x"), name)
    return None


def parse_environment_file(text):
    """Texts NAME=value of a file in systemd's EnvironmentFile form: comments and quotes taken off."""
    lines = (line.strip() for line in text.split("\n"))
    pairs = (line.removeprefix("export ").partition("=") for line in lines if line[:1] not in ("#", ";"))
    return [f"{name.strip()}={value.strip().strip(chr(34) + chr(39))}" for name, sign, value in pairs if sign]


def parse_setup(text, where="irqbalance's socket"):
    """irqbalance's answer to "setup": `SLEEP 10 IRQ 36 LOAD 0 DIFF 0 CLASS 0 BANNED 00000002`; {} when it is none.

    The IRQs are the banned ones. Raises: FormatError.
    """
    sleep, banned = _SLEEP.match(text), _BANNED.search(text)
    if not sleep:
        return {}
    told = {"interval_s": int(sleep[1]), "bans": tuple(sorted({int(irq) for irq in _BAN.findall(text)}))}
    if banned:
        told["banned_cpus"] = parse_mask(banned[1], where)
    return told


def _irqbalance(root, pid, arguments):
    fields = parse_arguments(arguments)
    fields["banned_cpus"] = _banned_cpus(root, pid)
    if speaks_here(root) and os.geteuid() == 0:
        fields.update(_told_by_itself(root, pid))
    return Daemon(pid=pid, arguments=arguments, **fields)


def _banned_cpus(root, pid):
    environment = optional(root, f"/proc/{pid}/environ")
    path, pairs = f"/proc/{pid}/environ", (environment or "").split("\0")
    if not environment:
        path, text = first_text(root, *ENVIRONMENT_FILES)
        pairs = parse_environment_file(text or "")
    try:
        return parse_environment(pairs)
    except FormatError as error:
        root.missing[path] = error.what
        return None


def ask_irqbalance(path):
    """What irqbalance says over its socket: as parse_setup. It answers root only and changes nothing by it.

    Raises: OSError, FormatError.
    """
    import struct
    from _socket import AF_UNIX, SOCK_STREAM, SOL_SOCKET, socket

    who = struct.pack("=iII", os.getpid(), os.geteuid(), os.getegid())
    link = socket(AF_UNIX, SOCK_STREAM)
    try:
        link.settimeout(SOCKET_TIMEOUT_S)
        link.connect(path)
        link.sendmsg([b"setup"], [(SOL_SOCKET, SCM_CREDENTIALS, who)])
        return parse_setup(link.recv(1 << 16).decode("ascii", "replace"), path)
    finally:
        link.close()


def _told_by_itself(root, pid):
    path = f"/run/irqbalance/irqbalance{pid}.sock"
    try:
        return ask_irqbalance(path)
    except FileNotFoundError:
        return {}
    except (OSError, FormatError) as error:
        root.missing[path] = getattr(error, "strerror", None) or str(error)
        return {}


def _tuned(root, pid, arguments):
    return Daemon(pid=pid, arguments=arguments, profile=word(root, "/etc/tuned/active_profile"))
