"""`tophalf defer`: what is said is read, the answer is printed, and what cannot be is one line."""

import json

import pytest

from tophalf.cli.defer import kernel_version
from tophalf.cli.main import main


def answer(capsys, *arguments):
    assert main(["defer", *arguments, "--no-compare", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_said_is_read(capsys):
    found = answer(capsys, "--work", "200us", "--rate", "20k/s", "--latency", "50us", "--per-cpu", "--kernel", "6.1.0-13-amd64")
    assert found["needs"] == {
        "sleeps": False, "work_ns": 200_000, "rate": 20_000, "device": None, "latency_ns": 50_000, "per_cpu": True, "core": False,
        "kernel": "6.1",
    }  # fmt: skip


def test_the_document(capsys):
    found = answer(capsys, "--sleeps")
    assert found["mechanism"] == "threaded irq" and found["calls"] == "request_threaded_irq"
    first = found["path"][0]
    assert first["node"] == "sleeps" and first["answer"] and "threaded irq first" in first["correction"]
    assert set(found["not_allowed"]) == {"hardirq", "softirq", "NAPI", "tasklet", "BH work"}
    assert "request_threaded_irq(dev->irq" in found["c"] and "request_threaded_irq(dev.irq" in found["python"]


def test_the_answer_alone_needs_no_library():
    import subprocess
    import sys

    code = "import sys, tophalf.cli.main as cli; cli.main(['defer', '--core', '--no-compare']); sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, timeout=60)


def test_the_text(capsys):
    assert main(["defer", "--network", "--rate", "100k/s", "--work", "1us", "--no-compare"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("NAPI (napi_schedule, napi_complete_done)\n")
    assert "corrected: the chapter" in text and "napi_gro_receive" in text and "from tophalf.kernel import *" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing is said of the work"),
        (["--work", "fast"], "--work: 'fast' is no time"),
        (["--work", "0us"], "--work: must be more than 0"),
        (["--rate", "many"], "--rate: 'many' is no rate"),
        (["--kernel", "six"], "--kernel: 'six' is no kernel's version"),
        (["--sleeps", "--arrivals", "3"], "--arrivals: 3 are no number"),
        (["--sleeps", "--arrivals", "30", "--no-compare"], "--arrivals is for the comparison"),
        (["--core", "--block"], "the network and block layers have their softirqs"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, said, capsys):
    assert main(["defer", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_kernels():
    for text, version in {"6.12": (6, 12), "v6.9": (6, 9), "6.12.117+deb12-amd64": (6, 12), "5.10-rc1": (5, 10)}.items():
        assert kernel_version(text) == version


@pytest.mark.kernels
def test_the_comparison_is_a_table_and_a_document(capsys):
    arguments = ["defer", "--sleeps", "--work", "100us", "--latency", "1ms", "--arrivals", "20"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "order: threaded irq < workqueue" in text and "the order survives halving and doubling" in text
    assert "1 ms asked: threaded irq has a p50 of" in text and ": kept" in text
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["comparison"]
    assert [row["mechanism"] for row in found["rows"]] == ["threaded irq", "workqueue"] and found["survives"]
    assert found["rows"][0]["once"]["done_share"] <= 1 and found["changes"][0]["cost"] == "irq_entry"
