"""Tables of costs: TOML with a section [costs], {name: cost}, and a section [sources], {name: where the figure is from}."""

import os

from tophalf.errors import TophalfError
from tophalf.scenario.sections.costs import MEANINGS
from tophalf.scenario.values import cost

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "costs")
ASSUMED = "assumed"
SIZE_MAX = 1 << 20


def load_cost_table(name, beside=None):
    """(costs, sources): {name: cost as Builder.cost takes it}, complete; {name: text}. What a file leaves out is as assumed.

    Args: name: "assumed", or a path, also one beside the file `beside`. Raises: TophalfError.
    """
    path = _path_of(name, beside)
    costs, sources = ({}, {}) if name == ASSUMED else load_cost_table(ASSUMED)
    given = _read(path)
    return costs | _costs(given, path), sources | _sources(given, path)


def write_cost_table(costs, sources, head=()):
    """The text of a table. costs: {name: text as a scenario has it}; sources: {name: text}; head: lines of comment."""
    lines = [*(f"# {line}" for line in head), "", "[costs]", *(f'{name} = "{value}"' for name, value in costs.items())]
    lines += ["", "[sources]", *(f"{name} = {_quoted(text)}" for name, text in sources.items())]
    return "\n".join(lines) + "\n"


def _quoted(text):
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # else a basic string of TOML is one of JSON


def _path_of(name, beside):
    if name == ASSUMED:
        return os.path.join(FOLDER, f"{ASSUMED}.toml")
    near = os.path.join(os.path.dirname(beside), name) if beside else name
    return name if os.path.exists(name) or not os.path.exists(near) else near


def _read(path):
    import tomllib

    label = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            given = tomllib.loads(file.read(SIZE_MAX).decode())
    except OSError as error:
        do = "`tophalf costs --measure FILE` writes one of this machine"
        raise TophalfError(f"no table of costs: {error.strerror}", path, do) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TophalfError(f"is no TOML: {error}", label, "`tophalf costs --measure FILE` writes a table") from None
    if set(given) - {"costs", "sources"} or not all(isinstance(given.get(part, {}), dict) for part in ("costs", "sources")):
        raise TophalfError("is no table of costs", label, "it has the sections [costs] and [sources], nothing else")
    return given


def _costs(given, path):
    label, found = os.path.basename(path), {}
    for name, value in given.get("costs", {}).items():
        where = f"{label} [costs] {name}"
        if name not in MEANINGS:
            raise TophalfError("no such cost", where, f"the names are {', '.join(MEANINGS)}")
        try:
            found[name] = cost(value)
        except ValueError as error:
            raise TophalfError(str(error), where, MEANINGS[name]) from None
    return found


def _sources(given, path):
    """What a file itself says of each of its costs, so that no figure keeps a source that is not its own."""
    said, label = given.get("sources", {}), os.path.basename(path)
    return {name: str(said.get(name, f"{label}, which does not say where from")) for name in given.get("costs", {})}
