"""Shown output is real: every `$ tophalf ...` in README.md and docs/ is run, and its lines are compared.

A line `...` stands for any number of lines that are left out.
"""

import os
import re
import shlex

import pytest

from tophalf.cli.main import main

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = ["README.md", *(f"docs/{name}" for name in sorted(os.listdir(os.path.join(ROOT, "docs"))) if name.endswith(".md"))]


def examples():
    for page in PAGES:
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            text = file.read()
        for block in re.findall(r"^```(?:console)?\n(\$ tophalf .*?)^```", text, re.M | re.S):
            for example in re.split(r"^\$ ", block, flags=re.M)[1:]:
                command, _, output = example.partition("\n")
                yield pytest.param(command, output, id=f"{page}: {command}")


@pytest.mark.parametrize(("command", "shown"), list(examples()))
def test_shown_output_is_what_is_printed(command, shown, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_COLOR", "1")
    main(shlex.split(command, comments=True)[1:])
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    at = 0
    for line in shown.rstrip().splitlines():
        if line.strip() == "...":
            continue
        assert line.rstrip() in printed[at:], f"not printed (any more): {line!r}"
        at += printed[at:].index(line.rstrip()) + 1


def programs():
    for folder, _, names in os.walk(os.path.join(ROOT, "docs")):
        for name in sorted(names):
            if name.endswith(".md"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    for block in re.findall(r"^```python\n(.*?)^```", file.read(), re.M | re.S):
                        yield pytest.param(block, id=name)


@pytest.mark.parametrize("block", list(programs()))
def test_python_in_the_documentation_runs(block):
    exec(compile(block, "documentation", "exec"), {})


def test_readme_shows_something_real():
    assert sum(1 for _ in examples()) >= 3


def test_every_command_is_documented():
    from tophalf.cli.main import COMMANDS

    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        readme = file.read()
    assert not [command for command in COMMANDS if f"tophalf {command}" not in readme]


def test_every_json_document_is_described():
    with open(os.path.join(ROOT, "docs", "json.md"), encoding="utf-8") as file:
        page = file.read()
    for command in ("irqs", "cpus", "diff", "check", "trace", "laws", "affinity", "run", "scenarios", "costs", "myths", "defer"):
        assert f"`tophalf {command}" in page, command


def test_no_link_leads_nowhere():
    for page in PAGES:
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            for target in re.findall(r"\]\((?!http)([^)#]+)", file.read()):
                assert os.path.exists(os.path.join(ROOT, os.path.dirname(page), target)), f"{page} -> {target}"
