"""Values of scenarios as people write them: times with a unit, rates, sets of CPUs, costs. Each raises ValueError in words."""

import re

UNITS_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}
SCALES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
TIME_NS_MAX = 10**15  # eleven days
_TIME = re.compile(r"(\d+(?:\.\d+)?) *(ns|us|µs|ms|s|min)$")
NAME_MAX = 40
_NAME = re.compile(rf"(?!\.)[^\s/,:]{{1,{NAME_MAX}}}")
RATE_MAX = 10**15
_RATE = re.compile(r"(\d+(?:\.\d+)?(?:e\d{1,2})?) *([kMG]?)(?:pps|/s)?$")
DISTRIBUTIONS = ("constant", "exponential", "lognormal", "empirical")


def duration_ns(value):
    """A time in whole nanoseconds: an integer, or a text with its unit (5us, 1.5ms)."""
    if isinstance(value, str):
        match = _TIME.match(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is no time: write 5us, 1.5ms, 2s, or nanoseconds")
        value = round(float(match[1]) * UNITS_NS[match[2]])
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no time: write 5us, 1.5ms, 2s, or nanoseconds")
    if not 0 <= value <= TIME_NS_MAX:
        raise ValueError(f"{value} ns is not a time from 0 to {TIME_NS_MAX // 10**9} s")
    return value


def name(value):
    """A name as the kernel's files can show it: no blanks, no slash, nothing that does not print."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None or not value.isprintable():
        raise ValueError(f"{value!r} is no name: write up to {NAME_MAX} letters, digits, . _ - @ and the like")
    return value


def rate(value):
    """So many a second, a whole number: 14880952, 78k, 1.5M."""
    if isinstance(value, str):
        match = _RATE.match(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is no rate: write 78000, 78k or 1.5M")
        value = round(float(match[1]) * SCALES[match[2]])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no rate: write 78000, 78k or 1.5M")
    if not 0 <= value <= RATE_MAX:
        raise ValueError(f"{value} is {'below 0' if value < 0 else 'no rate: it has no end'}")
    return round(value)


def cpus(value):
    """CPU numbers, sorted: a list of numbers, one number, or the kernel's list form (0-3,8)."""
    if isinstance(value, str):
        value = [cpu for part in value.split(",") if part.strip() for cpu in _range(part.strip())]
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list | tuple) or any(isinstance(cpu, bool) or not isinstance(cpu, int) or cpu < 0 for cpu in value):
        raise ValueError(f"{value!r} is no set of CPUs: write 0-3,8")
    return tuple(sorted(set(value)))


CPUS_MAX = 8192  # CONFIG_NR_CPUS of distributions


def _range(part):
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part)
    if match is None:
        raise ValueError(f"{part!r} is no CPU or range of CPUs: write 0-3,8")
    return range(int(match[1]), int(match[2] or match[1]) + 1)


def mask(value):
    """CPU numbers of a mask as /proc/irq/N/smp_affinity takes it: hexadecimal, a comma before each 32 bits."""
    text = value.strip().removeprefix("0x") if isinstance(value, str) else ""
    if re.fullmatch(r"[0-9a-fA-F]{1,8}(,[0-9a-fA-F]{1,8}){0,255}", text) is None:
        raise ValueError(f"{value!r} is no mask of CPUs: write f, or ff,ffffffff")
    bits = int("".join(part.zfill(8) for part in text.split(",")), 16)
    return tuple(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)


def masks(value):
    """One such mask or several: a tuple of tuples of CPU numbers."""
    texts = value.split() if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise ValueError(f"{value!r} is no mask of CPUs: write f, or ff,ffffffff")
    return tuple(map(mask, texts))


def irq(value):
    """A line, by its number or by the name of one of its actions (eth0-rx-0)."""
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    try:
        return name(value)
    except ValueError:
        raise ValueError(f"{value!r} is no interrupt: write its number, or a name as eth0-rx-0") from None


def cost(value):
    """What something costs, as Builder.cost takes it: a time; "exponential 1us"; "lognormal 2us 0.5" (sigma of the logarithm);
    "empirical 1us 2us 3us"; or a list of times, which is the same."""
    if isinstance(value, list):
        return ("empirical", [duration_ns(item) for item in _at_least_one(value)])
    words = value.replace(":", " ").split() if isinstance(value, str) else []
    if not words or words[0] not in DISTRIBUTIONS:
        return ("constant", duration_ns(value))
    kind, given = words[0], words[1:]
    if kind == "empirical":
        return (kind, [duration_ns(item) for item in _at_least_one(given)])
    if len(given) != (2 if kind == "lognormal" else 1):
        raise ValueError(f"{value!r}: write \"exponential 1us\" or \"lognormal 2us 0.5\"")
    return (kind, duration_ns(given[0]), *map(_sigma, given[1:]))


STEPS = {"run": cost, "sleep": duration_ns, "queue": name, "cancel": name, "flush": name}


def step(value):
    """(verb, argument) of what a work item does: "run exponential 1us", "sleep 10ms", "queue NAME", ..."""
    verb, _, argument = value.strip().partition(" ") if isinstance(value, str) else ("", "", "")
    if verb not in STEPS:
        raise ValueError(f"{value!r} is no step: write {', '.join(STEPS)}, as run 5ms")
    return verb, STEPS[verb](argument.strip())


def _at_least_one(items):
    if not items:
        raise ValueError("an empirical cost needs at least one time")
    return items


def _sigma(text):
    try:
        sigma = float(text)
    except ValueError:
        sigma = -1.0
    if not 0 <= sigma <= 5:
        raise ValueError(f"{text!r} is no sigma from 0 to 5")
    return sigma
