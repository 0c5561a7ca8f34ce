"""/proc/irq (kernel/irq/proc.c) and /sys/kernel/irq (kernel/irq/irqdesc.c): masks, node, spurious counts of each line."""

from tophalf.errors import FormatError
from tophalf.host.cpumask import parse_list, parse_mask
from tophalf.host.fields import integer
from tophalf.snapshot import IrqFiles, Spurious

# Files that /proc/irq/N holds beside a directory for each action
_FILES = {"affinity_hint", "effective_affinity", "effective_affinity_list", "node", "smp_affinity", "smp_affinity_list", "spurious"}


def read_irq_files(root):
    """{irq: IrqFiles}, or None where there is no /proc/irq. A broken file leaves its field None, noted in root.missing."""
    numbers = [int(name) for name in root.listing("/proc/irq") if name.isdigit()]
    if not numbers:
        return None
    with_sys = bool(root.listing("/sys/kernel/irq"))
    return {irq: read_irq(root, irq, with_sys) for irq in sorted(numbers)}


def read_irq(root, irq, with_sys=True):
    """IrqFiles of one line."""
    proc, sys = f"/proc/irq/{irq}", f"/sys/kernel/irq/{irq}"
    return IrqFiles(
        affinity=_cpus(root, f"{proc}/smp_affinity"),
        effective_affinity=_cpus(root, f"{proc}/effective_affinity"),
        affinity_hint=_cpus(root, f"{proc}/affinity_hint"),
        node=root.number(f"{proc}/node"),
        spurious=_spurious(root, f"{proc}/spurious"),
        actions=tuple(name for name in root.listing(proc) if name not in _FILES),
        **(_sys_fields(root, sys) if with_sys else {}),
    )


def read_default_affinity(root):
    """CPUs a new interrupt may use (/proc/irq/default_smp_affinity), or None."""
    return _cpus(root, "/proc/irq/default_smp_affinity")


def _sys_fields(root, sys):
    return {
        "chip": root.word(f"{sys}/chip_name") or None,
        "hwirq": root.number(f"{sys}/hwirq"),
        "trigger": root.word(f"{sys}/type") or None,
        "name": root.word(f"{sys}/name") or None,
        "wakeup": root.word(f"{sys}/wakeup") or None,
    }


def _cpus(root, path):
    """A mask file, or its `_list` twin where only that was recorded."""
    data = root.word(path)
    parse = parse_mask
    if data is None:
        data, parse, path = root.word(path + "_list"), parse_list, path + "_list"
    if data is None:
        return None
    try:
        return parse(data, path)
    except FormatError as error:
        root.missing[path] = error.what
        return None


def _spurious(root, path):
    """Three lines `count N`, `unhandled N`, `last_unhandled N ms`."""
    words = (root.text(path) or "").split()
    values = {name: integer(value) for name, value in zip(words, words[1:], strict=False)}
    if values.get("count") is None or values.get("unhandled") is None:
        return None
    return Spurious(count=values["count"], unhandled=values["unhandled"], last_unhandled_ms=values.get("last_unhandled"))
