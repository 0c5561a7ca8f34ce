"""`tophalf defer --cases`: each written case is a line of docs/defer-cases.md, with its answer and what the model measures."""

import os

import pytest

from tophalf.advise.cases import CASES
from tophalf.cli.defer import needs_of_options
from tophalf.cli.defer_cases import ARRIVALS, cases_document, cases_text, measured_cases
from tophalf.cli.main import main

PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "defer-cases.md")


def shown():
    with open(PAGE, encoding="utf-8") as file:
        return [" ".join(line.split()) for line in file]


def test_the_page_has_every_case_and_its_answer():
    lines = shown()
    for case in CASES:
        assert [line for line in lines if line.startswith(f"{case.what} {case.options} {case.answer} ")], case.what


@pytest.mark.kernels
def test_the_pages_figures_are_the_models():
    """Of four that are soon run; --cases writes all of them."""
    chosen = [case for case in CASES if case.options in ("--sleeps", "--sleeps --per-cpu") or "--block --rate" in case.options]
    found = measured_cases(needs_of_options, ARRIVALS, 0, chosen)
    rows = [" ".join(line.split()) for line in cases_text(found, ARRIVALS, 0).splitlines()[2:]]
    assert len(rows) == 4 and not [row for row in rows if row not in shown()]
    document = cases_document(found)["cases"]
    assert [case["mechanism"] for case in document] == ["threaded irq", "workqueue", "softirq", "softirq"]
    assert all(case["comparison"]["rows"] for case in document)


def test_cases_have_their_own_options(capsys):
    assert main(["defer", "--cases", "--sleeps"]) == 2
    assert "--cases has the options of each case" in capsys.readouterr().err
