"""What a section of a scenario may hold: keys with their kind, limits, default and meaning."""

from tophalf.frozen import Frozen
from tophalf.scenario import values

READERS = {
    "duration": values.duration_ns, "rate": values.rate, "cpus": values.cpus, "mask": values.mask,
    "masks": values.masks, "cost": values.cost, "name": values.name, "irq": values.irq, "step": values.step,
}  # fmt: skip
REQUIRED = object()


class Key:
    """One key. kind: int, bool, text, list, table, cpu or one of READERS. low, high: limits of numbers; choices: of texts; of: what
    a list holds, or the keys of a table, {name: Key}."""

    __slots__ = ("kind", "default", "meaning", "low", "high", "choices", "of")

    def __init__(self, kind, default, meaning, low=None, high=None, choices=None, of=None):
        self.kind, self.default, self.meaning = kind, default, meaning
        self.low, self.high, self.choices, self.of = low, high, choices, of

    def read(self, value):
        """The value as the model takes it. Raises: ValueError in words."""
        if self.kind == "list":
            if not isinstance(value, list):
                value = [part.strip() for part in value.split(",")] if isinstance(value, str) else [value]
            return tuple(Key(self.of, None, "", self.low, self.high, self.choices).read(item) for item in value)
        if self.kind == "table":
            return _table(self.of, value)
        value = READERS[self.kind](value) if self.kind in READERS else _plain(self.kind, value)
        if self.choices is not None and value not in self.choices:
            raise ValueError(f"{value!r} is none of {', '.join(map(str, self.choices))}")
        if isinstance(value, int) and not isinstance(value, bool):
            self._check_limits(value)
        return value

    def _check_limits(self, value):
        if self.low is not None and value < self.low:
            raise ValueError(f"{value:,} is below {self.low:,}")
        if self.high is not None and value > self.high:
            raise ValueError(f"{value:,} is above {self.high:,}")


def _table(keys, value):
    """{key: value} of an inline table; from --set also a text, "irq=24 cpus=0-1"."""
    if isinstance(value, str):
        value = dict(part.partition("=")[::2] for part in value.split())
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no table: write {{ {', '.join(f'{name} = ...' for name in keys)} }}")
    for name in value:
        if name not in keys:
            raise ValueError(f"unknown key {name}, of {', '.join(keys)}")
    missing = [name for name, key in keys.items() if key.default is REQUIRED and name not in value]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    return {name: key.read(value[name]) if name in value else key.default for name, key in keys.items()}


_NAMES = {"int": "a whole number", "cpu": "a CPU's number", "bool": "true or false", "text": "a text"}


def _plain(kind, value):
    """Also from texts, as --set gives them."""
    if kind in ("int", "cpu"):
        if isinstance(value, str) and value.strip().lstrip("-").isdigit() and len(value) < 20:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif kind == "bool":
        value = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        if isinstance(value, bool):
            return value
    elif isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is not {_NAMES[kind]}")


class Section:
    """A section: keys {name: Key}. many: an array of tables, as [[nic]]. free: the kind of keys with names of their own."""

    __slots__ = ("name", "meaning", "keys", "many", "free")

    def __init__(self, name, meaning, keys, many=False, free=None):
        self.name, self.meaning, self.keys, self.many, self.free = name, meaning, keys, many, free

    def key(self, name):
        """The Key of a name, None when the section has none of that name."""
        return self.keys.get(name) or self.free


class Entry:
    """One table of a scenario, its values by attribute; `where` names a place in it for errors."""

    def __init__(self, section, given, values, places, label):
        self._section, self._places, self._label = section, places, label
        self.given = frozenset(given)
        self.values = values

    def __getattr__(self, name):
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def where(self, key=None):
        """Where a key, or the table itself, stands: "nic.toml:12 [nic] rate", or "--set nic.rate=5"."""
        line = self._places.get(key) or self._places.get(None)
        if isinstance(line, str):
            return line
        place = f"{self._label}:{line}" if line else self._label
        return f"{place} [{self._section}]{f' {key}' if key else ''}"

    def __eq__(self, other):
        return type(self) is type(other) and self.values == other.values

    __hash__ = None


class Scenario(Frozen):
    """name; title: one sentence; about: what is true; path; sections: {name: Entry, or tuple of them where there may be many};
    sets: what --set changed."""

    __slots__ = ("name", "title", "about", "path", "sections", "sets")

    def one(self, section):
        """The only table of a section, made of defaults where the scenario has none."""
        return self.sections[section]

    def all(self, section):
        """The tables of a section of which there may be many."""
        return self.sections[section]
