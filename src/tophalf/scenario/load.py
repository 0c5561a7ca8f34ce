"""A scenario by name or path, with changes from the command line: read, validated, frozen."""

import difflib
import os

from tophalf.errors import TophalfError
from tophalf.scenario.driverfile import scenario_text
from tophalf.scenario.schema import REQUIRED, Entry, Scenario
from tophalf.scenario.sections import SECTIONS
from tophalf.scenario.tomllines import key_lines

BUILTIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "builtin")
SIZE_MAX = 16 << 20


class ScenarioError(TophalfError):
    """A scenario that says something impossible; `where` is file:line, section and key."""


def command_name(scenario):
    """How a command names a scenario that was loaded: its path, or its name where it comes with tophalf."""
    return scenario.name if not scenario.path or os.path.dirname(scenario.path) == BUILTIN else scenario.path


def builtin_names():
    """Names of the scenarios that come with tophalf, sorted."""
    return sorted(name.removesuffix(".toml") for name in os.listdir(BUILTIN) if name.endswith(".toml"))


def is_scenario(name):
    """Whether a text names a scenario: a built-in one, or a file that ends in .toml, or in .py: a driver with its own."""
    return isinstance(name, str) and (name.endswith((".toml", ".py")) or "/" not in name and os.path.exists(_builtin_path(name)))


def _builtin_path(name):
    return os.path.join(BUILTIN, f"{name}.toml")


def load_scenario(name, sets=()):
    """A scenario.

    Args: name: of a built-in one, or the path of a TOML file, or of a driver that holds one. sets: texts "section.key=value", as
    --set takes them; all tables of a section, or one by its number from 0 ("nic.1.rate=5k").
    Raises: ScenarioError: unknown name, no TOML, an unknown section or key, a value that does not fit.
    """
    path = name if os.path.exists(name) and not os.path.isdir(name) else _builtin_path(name)
    if not os.path.exists(path):
        raise ScenarioError(f"no scenario {name!r}", do=_nearest(name, builtin_names(), "tophalf scenarios lists them"))
    label = os.path.basename(path)
    text = _text_of(path, label)
    return read_scenario(scenario_text(text, path) if path.endswith(".py") else text, label, path, sets)


def read_scenario(text, label, path=None, sets=()):
    """A scenario from its text. label: what errors call it. Raises: ScenarioError."""
    given, places = _parse(text, label), key_lines(text)
    title, about = given.pop("title", ""), given.pop("about", "")
    if not isinstance(title, str) or not isinstance(about, str):
        raise ScenarioError("title and about are texts", label)
    tables = {name: _tables(name, value, places, label) for name, value in given.items()}
    for change in sets:
        _apply(change, tables)
    sections = {}
    for name, section in SECTIONS.items():
        entries = tuple(_entry(section, index, table, places, label) for index, table in enumerate(tables.get(name, [])))
        sections[name] = entries if section.many else entries[0] if entries else _entry(section, 0, {}, places, label)
    name = label.removesuffix(".toml").removesuffix(".py")
    scenario = Scenario(name=name, title=title.strip(), about=about.strip(), path=path, sections=sections, sets=tuple(sets))
    _check_cpus(scenario)
    return scenario


def _text_of(path, label):
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise ScenarioError(f"cannot be read: {error.strerror}", path) from None
    if len(data) > SIZE_MAX:
        raise ScenarioError(f"is larger than {SIZE_MAX >> 20} MiB", path)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ScenarioError("is no text in UTF-8", label, "give a TOML file") from None


def _parse(text, label):
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"is no TOML: {error}", label) from None
    except RecursionError:
        raise ScenarioError("is nested too deeply", label) from None


def _tables(name, value, places, label):
    """The tables of one section as a list. One that may stand once is written [name], others [name] or [[name]]."""
    section = SECTIONS.get(name)
    line = places.get((name, 0, None)) or places.get(("", 0, name))
    where = f"{label}:{line}" if line else label
    if section is None:
        raise ScenarioError(f"unknown section [{name}]", where, _nearest(name, SECTIONS, "`tophalf scenarios --keys` has them all"))
    tables = value if isinstance(value, list) else [value]
    if any(not isinstance(table, dict) for table in tables):
        raise ScenarioError(f"{name} is a section", where, f"write [{name}] above its keys")
    if len(tables) > 1 and not section.many:
        raise ScenarioError(f"more than one [{name}]", where, "leave one")
    return tables


def _apply(change, tables):
    """--set section.key=value, or section.N.key=value."""
    path, equals, value = change.partition("=")
    parts = path.strip().split(".")
    section = SECTIONS.get(parts[0])
    if not equals or section is None or not 2 <= len(parts) <= 3 or (len(parts) == 3 and not parts[1].isdigit()):
        raise ScenarioError(f"{change!r} changes nothing", "--set", "write section.key=value, as nic.rx_usecs=50")
    key = parts[-1]
    if section.key(key) is None:
        raise ScenarioError(f"unknown key {key}", f"--set {change}", _nearest_key(key, section))
    here = tables.setdefault(section.name, [] if section.many else [{}])
    chosen = here[int(parts[1]) : int(parts[1]) + 1] if len(parts) == 3 else here
    if not chosen:
        have, do = f"no [{section.name}] to change", "add one to a file of your own"
        if here:
            have, do = f"no [[{section.name}]] number {parts[1]}", f"it has {len(here)}, numbered from 0"
        raise ScenarioError(f"this scenario has {have}", f"--set {change}", do)
    for table in chosen:
        table[key] = _Set(value.strip(), change)


class _Set:
    """A value from --set, which is a text whatever the key's kind."""

    def __init__(self, value, change):
        self.value, self.change = value, change


def _entry(section, index, table, places, label):
    lines = {key: line for (name, at, key), line in places.items() if (name, at) == (section.name, index)}
    entry = Entry(section.name, table, {}, lines, label)
    for key, value in table.items():
        spec = section.key(key)
        if spec is None:
            raise ScenarioError(f"unknown key {key}", entry.where(key), _nearest_key(key, section))
        if isinstance(value, _Set):
            lines[key], value = f"--set {value.change}", value.value
        entry.values[key] = _read(spec, value, entry.where(key))
    for key, spec in section.keys.items():
        if key not in table and spec.default is REQUIRED:
            raise ScenarioError(f"{key} is missing", entry.where(), f"{key}: {spec.meaning}")
        entry.values.setdefault(key, spec.default)
    return entry


def _read(spec, value, where):
    try:
        return spec.read(value)
    except ValueError as error:
        raise ScenarioError(str(error), where, spec.meaning) from None


def _check_cpus(scenario):
    """Every CPU that is named is there."""
    count = scenario.one("machine").cpus
    for section in SECTIONS.values():
        entries = scenario.sections[section.name]
        for entry in entries if section.many else [entries]:
            for key, spec in section.keys.items():
                if any(not 0 <= number < count for number in _cpu_numbers(spec, entry.values[key])):
                    raise ScenarioError(f"names a CPU that is not there, of {count}", entry.where(key), "raise machine.cpus")


def _cpu_numbers(spec, value):
    """The CPUs that a value names."""
    if value is None:
        return ()
    if spec.kind == "table":
        return [number for name, key in spec.of.items() for number in _cpu_numbers(key, value[name])]
    if spec.kind == "list" and spec.of == "cpus":
        return [number for part in value for number in part]
    return value if spec.kind in ("cpus", "mask") else (value,) if spec.kind == "cpu" else ()


def _nearest_key(key, section):
    return _nearest(key, section.keys, f"`tophalf scenarios --keys` has those of [{section.name}]")


def _nearest(word, words, otherwise):
    near = difflib.get_close_matches(word, list(words), 1)
    return f"did you mean {near[0]}?" if near else otherwise
