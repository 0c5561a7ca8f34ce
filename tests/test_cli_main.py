"""The command as a process: whatever goes wrong is one line and status 2, never a traceback."""

import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CASE = os.path.join(ROOT, "tests", "data", "hosts", "storm.tar.xz")


def tophalf(*arguments, **options):
    settings = {"capture_output": True, "text": True, "cwd": ROOT, **options}
    return subprocess.run([sys.executable, "-m", "tophalf", *arguments], **settings)


@pytest.mark.parametrize("command", [["irqs"], ["irqs", "--json"], ["--help"], ["check", CASE]])
def test_a_full_disk_is_one_line(command):
    with open("/dev/full", "w") as full:
        done = tophalf(*command, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr == "tophalf: No space left on device\n"


def test_a_reader_that_left_is_no_error():
    pipe = f"{sys.executable} -m tophalf irqs --json {CASE} | head -1"
    done = subprocess.run(pipe, shell=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "{\n" and done.stderr == ""


def test_a_terminal_without_blocks_gets_question_marks():
    done = tophalf("irqs", CASE, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and "?" in done.stdout and done.stderr == ""


def test_without_the_libraries_of_traces_it_says_what_to_install(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError('No module named numpy', name='numpy')")
    trace = os.path.join(ROOT, "tests", "data", "hosts", "slow.trace.dat")
    done = tophalf("trace", trace, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "pip install 'tophalf[trace,export]'" in done.stderr


def test_colour_survives_the_cleaning_of_names():
    done = tophalf("check", CASE, env={**os.environ, "FORCE_COLOR": "1"})
    assert "\033[2m[/proc/interrupts]\033[0m" in done.stdout and "�" not in done.stdout


def test_help_of_a_command_both_ways():
    assert tophalf("help", "irqs").stdout == tophalf("irqs", "--help").stdout
