"""The drivers that were broken for `tophalf lint`, on the machine of a driver that says none: what runs find of them.

Compiled only: some spin for long. tests/data/drivers/README.md tells these figures.
"""

import os

import pytest

from tophalf.errors import TophalfError
from tophalf.model.explore import explore
from tophalf.model.simulate import simulate

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "drivers")
NAMES = sorted(name for name in os.listdir(FOLDER) if name.endswith(".py"))
BROKEN = [name for name in NAMES if not name.endswith("_mended.py")]
REFUSED = {"request_shared_without_device.py", "request_without_oneshot.py"}  # the kernel does not take them: no run
NEVER_COMES = {"claims_all.py", "self_deadlock.py", "wrong_answer.py"}  # no register or count there ever asks for it
BY_EXPLORING = {"wrong_answer.py"}
NOBODY_QUIETS = {"tasklet_for_ever_mended.py"}  # the device still wants attention


def ran(name):
    """Lines that a run reports."""
    return {report.line for report in simulate(os.path.join(FOLDER, name)).reports()}


def marked(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return {number for number, line in enumerate(file, 1) if "# BUG" in line}


def test_what_a_run_finds_of_the_broken_ones():
    lines = {name: ran(name) for name in BROKEN if name not in REFUSED}
    assert {name for name in lines if not lines[name]} == NEVER_COMES
    assert len(BROKEN) == 37 and sum(map(bool, lines.values())) == 32
    assert sum(bool(lines[name] & marked(name)) for name in lines) == 30


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_the_kernel_refuses_does_not_run_and_says_where(name):
    with pytest.raises(TophalfError) as error:
        ran(name)
    line = int(str(error.value.where).rsplit(":", 1)[1].split(",")[0])
    assert line in marked(name) and {report.line for report in explore(os.path.join(FOLDER, name)).reports} == {line}


@pytest.mark.parametrize("name", sorted(NEVER_COMES))
def test_what_exploring_finds_beside(name):
    assert bool(explore(os.path.join(FOLDER, name)).reports) == (name in BY_EXPLORING)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(BROKEN)))
def test_what_a_run_finds_of_the_mended_ones(name):
    assert bool(ran(name)) == (name in NOBODY_QUIETS)
