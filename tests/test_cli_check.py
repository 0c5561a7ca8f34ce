"""`tophalf check` as people and programs use it: exit status, text, JSON, rules by name, and docs that cannot go stale."""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from live_tracing import needs_tracefs
from machines import HOSTS
from tophalf.cli.check import rules_page
from tophalf.cli.main import main

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text_of(*parts):
    with open(os.path.join(ROOT, *parts)) as file:
        return file.read()


def case(name):
    return os.path.join(HOSTS, f"{name}.tar.xz")


def test_exit_status_says_whether_there_is_something_to_do(capsys):
    assert main(["check", case("balanced")]) == 0
    assert main(["check", case("storm")]) == 1
    assert main(["check", "/nonexistent"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_text_has_finding_evidence_remedy_and_what_was_not_judged(capsys):
    main(["check", case("netrx-flood")])
    out = capsys.readouterr().out
    assert out.startswith("netrx-flood.tar.xz, Linux 6.12.117+deb12-amd64, 4 CPUs, 12 samples over 10 s, no tracing")
    assert "CRITICAL ksoftirqd-busy: ksoftirqd/0 takes 93 % of CPU0, working off NET_RX" in out
    assert "  do          tophalf affinity 35 1\n" in out and "undo: tophalf affinity 35 0" in out
    assert "no tracing in this recording: irq-slow-handler, softirq-late" in out and "\033[" not in out


def test_a_remedy_is_said_once(capsys):
    main(["check", case("netrx-flood")])
    assert capsys.readouterr().out.count("  do          tophalf affinity 35 1\n") == 1


def test_colour_only_where_asked(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["check", case("storm")])
    assert "\033[31mCRITICAL\033[0m" in capsys.readouterr().out


def test_json_holds_what_its_page_says(capsys):
    assert main(["check", case("netrx-flood"), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"machine", "trace", "findings", "judged", "not_judged"} and document["trace"] is None
    worst = document["findings"][0]
    page = text_of("docs", "json.md")
    assert all(f"| `{key}` |" in page for key in worst)
    assert worst["subject"]["cpus"] == [0] and worst["related"][0]["relation"] == "cause"
    moved = [each for each in worst["evidence"] if each["counter"]]
    assert moved and all(each["moved"] is not None and each["seconds"] > 9 for each in moved)


def test_a_trace_alone_is_judged(capsys):
    assert main(["check", os.path.join(HOSTS, "slow.trace.dat")]) == 1
    out = capsys.readouterr().out
    assert "irq-slow-handler: IRQ 32 labirq" in out and "no counters" in out


def test_a_trace_alone_shows_ksoftirqd_by_the_softirqs_it_ran(capsys):
    assert main(["check", os.path.join(HOSTS, "netrx-flood.trace.dat"), "--json"]) == 1
    worst = json.loads(capsys.readouterr().out)["findings"][0]
    assert (worst["rule"], worst["severity"], worst["subject"]["vector"]) == ("ksoftirqd-busy", "critical", "NET_RX")
    assert worst["chain"] == "NAPI of eth0, 100 % full polls → NET_RX runs 2.96 ms → ksoftirqd/0 97 %"


def test_only_the_rules_asked_for(capsys):
    assert main(["check", case("netrx-flood"), "--rule", "softnet-squeeze", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in document["findings"]] == ["softnet-squeeze"] == document["judged"]
    assert main(["check", case("storm"), "--rule", "no-such-rule"]) == 2
    assert "rules are: irq-storm" in capsys.readouterr().err


def test_explain_prints_a_rule(capsys):
    assert main(["check", "--explain", "softnet-squeeze"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("## softnet-squeeze") and "**Refuted by.**" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--explain", "all", "--json"], "tophalf check: --explain prints text; leave --json out\n"),
        (["--explain", "bogus"], "tophalf check: --explain: no rule 'bogus'; rules are: irq-storm, "),
        ([case("storm"), "--seconds", "3"], f"{case('storm')}: --seconds is how long to watch a live machine; "),
    ],
)
def test_options_that_cannot_be_meant_are_refused(capsys, words, message):
    assert main(["check", *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and printed.err.count("\n") == 1 and not printed.out


def test_the_page_of_rules_is_what_the_code_says():
    assert text_of("docs", "rules.md") == rules_page(), "make it anew: tophalf check --explain all > docs/rules.md"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "1e9"])
def test_seconds_must_make_sense(seconds, capsys):
    with pytest.raises(SystemExit):
        main(["check", "--seconds", seconds])


def test_record_is_for_this_host(capsys):
    assert main(["check", case("storm"), "--record"]) == 2
    assert "leave MACHINE" in capsys.readouterr().err


@needs_tracefs
def test_record_judges_this_host_and_not_a_file(capsys):
    main(["check", "--record", "--seconds", "0.3"])
    out = capsys.readouterr().out
    assert out.startswith("this host, Linux ") and " events over " in out and "this-host" not in out
    assert "recording" not in out and "(--record)" not in out


def test_a_kind_of_event_that_is_absent_is_said_with_one_place(capsys):
    main(["check", os.path.join(HOSTS, "netrx-flood.trace.dat")])
    out = capsys.readouterr().out
    assert "no irq_handler events in this recording (none happened, or they were not recorded): " in out


def test_live_check_needs_no_numpy():
    code = "import sys; from tophalf.cli.main import main; main(['check', '--seconds', '0.2']); assert 'numpy' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("this host, Linux ") and "no events were recorded (--record): irq-slow-handler" in done.stdout


def test_every_remedy_of_ours_is_a_command_that_parses():
    """A remedy is copied and run: its words must be read as they were meant."""
    import importlib

    from tophalf.cli.main import COMMANDS

    seen = 0
    for name in ("cpu0", "netrx-flood", "storm", "slow", "irqbalance", "nobody-cared"):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            main(["check", case(name), "--trace", case(name).replace(".tar.xz", ".trace.dat"), "--json"])
        for command in re.findall(r'"(tophalf [^"]+)"', out.getvalue()):
            for part in command.split(";"):
                words = shlex.split(part)
                if words[0] == "tophalf":
                    importlib.import_module(f"tophalf.cli.{COMMANDS[words[1]][0]}").parser().parse_args(words[2:])
                    seen += 1
    assert seen > 10
