"""`tophalf scenarios`: list the built-in scenarios, or show one with what is true of it."""

from tophalf.cli import render
from tophalf.cli.options import command_parser, print_json


def parser():
    """Options of `tophalf scenarios`."""
    options = command_parser("scenarios", __doc__.split(": ", 1)[1], "tophalf scenarios 10gbe-per-packet", machine=False)
    options.add_argument("--keys", action="store_true", help="what a scenario can say: sections, keys, defaults")
    options.add_argument("scenario", nargs="?", metavar="SCENARIO", help="show this one: its text, to copy and change")
    return options


def run(args):
    """List them, or print one. Returns the exit status."""
    from tophalf.scenario.load import builtin_names, load_scenario

    if args.keys:
        return _list_keys(args)
    if args.scenario is not None:
        return _show(args, load_scenario(args.scenario))
    found = [load_scenario(name) for name in builtin_names()]
    if args.json:
        print_json({"scenarios": [{"name": one.name, "title": one.title} for one in found]})
    else:
        print(render.table(["scenario", "what it shows"], [[one.name, one.title] for one in found]))
    return 0


def _show(args, scenario):
    with open(scenario.path, encoding="utf-8") as file:
        text = file.read()
    if args.json:
        print_json({"name": scenario.name, "title": scenario.title, "about": scenario.about, "toml": text})
    else:
        print(text, end="")
    return 0


def _list_keys(args):
    from tophalf.scenario.sections import SECTIONS

    keys = [_described(section, name, key) for section in SECTIONS.values() for name, key in section.keys.items()]
    if args.json:
        print_json({"keys": keys})
        return 0
    for section in SECTIONS.values():
        print(render.paint(f"[[{section.name}]]" if section.many else f"[{section.name}]", "bold"), section.meaning)
        rows = [[key["key"], key["kind"], key["default"], key["meaning"]] for key in keys if key["section"] == section.name]
        print(render.table(["key", "kind", "default", "what it is"], rows), end="\n\n")
    return 0


def _described(section, name, key):
    from tophalf.scenario.schema import REQUIRED

    default = "required" if key.default is REQUIRED else None if key.default in (None, (), ((),)) else _plain(key)
    meaning = f"{key.meaning} ({', '.join(map(str, key.choices))})" if key.choices else key.meaning
    return {"section": section.name, "key": name, "kind": key.kind, "default": default, "meaning": meaning}


def _plain(key):
    """A default as one would write it."""
    from tophalf.vocab import cpu_list, human_ns

    value = key.default
    if key.kind in ("duration", "cost"):
        return human_ns(value if key.kind == "duration" else value[1]) if value else "0"
    if key.kind == "cpus":
        return cpu_list(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
