"""Drivers that hold the scenario they run in: where it is read, what is refused, what a run and its laws come to."""

import io
import os
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tophalf.cli.main import main
from tophalf.driver.subset import parse_driver
from tophalf.errors import TophalfError
from tophalf.scenario.driverfile import scenario_text
from tophalf.scenario.load import load_scenario

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")
SENSOR = os.path.join(EXAMPLES, "sensor.py")


def tophalf(*arguments):
    """(exit status, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(list(arguments))
    return status, out.getvalue(), err.getvalue()


def test_the_text_stands_on_the_lines_of_the_file():
    text = 'A = 1\nSCENARIO = """\n[machine]\ncpus = 2\n"""\n'
    assert scenario_text(text, "x.py").splitlines()[2:] == ["[machine]", "cpus = 2"]


@pytest.mark.parametrize("text, what", [("A = 1\n", "no SCENARIO"), ("SCENARIO = 5\n", "no SCENARIO"), ("def f(:\n", "not Python")])
def test_a_file_without_one_is_refused_in_words(text, what):
    with pytest.raises(TophalfError, match=what):
        scenario_text(text, "x.py")


def test_an_error_in_it_names_the_line_of_the_driver(tmp_path):
    path = tmp_path / "driver.py"
    path.write_text('"""A driver."""\nSCENARIO = """\n[machine]\ncpus = 0\n"""\n')
    with pytest.raises(TophalfError, match=r"driver.py:4 \[machine\] cpus"):
        load_scenario(str(path))


def test_the_subset_lets_that_text_in_and_no_other(tmp_path):
    path = tmp_path / "driver.py"
    path.write_text('SCENARIO = "x"\nOTHER = "x"\n')
    assert [fault.where for fault in parse_driver(path).faults] == [f"{path}:2"]


@pytest.mark.kernels
def test_the_sensor_runs_and_keeps_the_laws():
    status, out, err = tophalf("run", SENSOR, "--seconds", "0.01")
    assert (status, err) == (0, "") and "sensor" in out
    status, out, err = tophalf("laws", f"{SENSOR}@0.01")
    assert status == 0, out + err


@pytest.mark.kernels
def test_a_toml_names_a_driver_beside_it(tmp_path):
    (tmp_path / "driver.py").write_text(
        "def handler(irq, dev):\n    write_reg(dev, 0, 1)\n    udelay(5)\n    return IRQ_HANDLED\n\n"
        "def probe(dev):\n    return request_irq(dev.irq, handler, 0, 'dev', dev)\n"
    )
    scenario = tmp_path / "mine.toml"
    scenario.write_text('[machine]\nseconds = "5ms"\n[[driver]]\nname = "a"\nfile = "driver.py"\nirq = 24\nrate = 1000\n')
    status, out, err = tophalf("run", str(scenario), "--json")
    assert (status, err) == (0, "") and '"interrupts": 5' in out.replace('"interrupts":5', '"interrupts": 5')
    scenario.write_text('[[driver]]\nname = "a"\nirq = 24\n')
    status, out, err = tophalf("run", str(scenario))
    assert status == 2 and "file is missing" in err


@pytest.mark.kernels
def test_what_a_driver_does_wrong_in_a_run_is_said_with_its_line(tmp_path):
    path = tmp_path / "driver.py"
    path.write_text(
        'SCENARIO = """\n[[driver]]\nname = "a"\nirq = 24\nrate = 1000\n"""\n\ndef handler(irq, dev):\n    msleep(1)\n'
        "    return IRQ_HANDLED\n\ndef probe(dev):\n    return request_irq(dev.irq, handler, 0, 'dev', dev)\n"
    )
    status, out, err = tophalf("run", str(path), "--seconds", "0.01")
    assert (status, err) == (1, "") and "driver.py:9: BUG: sleeping function called from invalid context: msleep" in out


@pytest.mark.parametrize("names, called", [
    (("open", "release", "read"), ["read"]), (("open", "read"), ["open", "read"]), (("start",), ["start"]), (("stop", "start"), []),
    (("probe", "remove", "write"), ["write"]),
])  # fmt: skip
def test_tasks_call_what_is_left_to_them_but_no_halves_of_pairs(names, called):
    text = scenario_text("".join(f"def {name}(dev):\n    return 0\n\n\n" for name in names), "x.py")
    assert [line.split('"')[1] for line in text.splitlines() if line.startswith("function")] == called
