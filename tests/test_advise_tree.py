"""The decision tree: each leaf and each border, its answers written out here; skeletons that `tophalf lint` finds nothing in."""

import pytest

from tophalf.advise.cases import CASES
from tophalf.advise.mechanisms import (
    ABOUT,
    BH_WORK,
    MECHANISMS,
    NAPI,
    SOFTIRQ,
    TASKLET,
    THREAD,
    WORKQUEUE,
    allowed,
)
from tophalf.advise.needs import make_needs
from tophalf.advise.skeleton import c_skeleton, python_skeleton
from tophalf.advise.tree import CORRECTIONS, TREE, cautions, decide
from tophalf.cli.defer import needs_of_options
from tophalf.driver.lint import lint
from tophalf.errors import TophalfError
from tophalf.model.simulate import load_scenario, make_world, simulate

US, MS = 1_000, 1_000_000

IDS = [case.options for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_case(case):
    found, path = decide(needs_of_options(case.options))
    assert found == case.answer, "\n".join(f"{step.asks} {step.answer}: {step.fact}" for step in path)


def test_at_least_twenty_cases_and_every_leaf_is_one_of_them():
    assert len(CASES) >= 20
    assert {case.answer for case in CASES} == set(MECHANISMS)
    assert len(set(IDS)) == len({case.what for case in CASES}) == len(CASES)


def test_every_way_out_of_every_question_is_taken_by_a_case():
    taken = {(step.node, step.answer) for case in CASES for step in decide(needs_of_options(case.options))[1]}
    assert taken == {(node, answer) for node in TREE for answer in (True, False)}


def test_ways_lead_to_questions_or_mechanisms():
    for question in TREE.values():
        assert {question.yes, question.no} <= TREE.keys() | set(MECHANISMS)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_is_advised_is_allowed(case):
    assert allowed(needs_of_options(case.options))[case.answer] is None


def test_every_correction_of_the_chapter_is_met_by_a_case():
    met = {step.correction for case in CASES for step in decide(needs_of_options(case.options))[1]} - {None}
    assert met == set(CORRECTIONS.values())


def test_what_is_not_allowed_says_why():
    reasons = allowed(make_needs(sleeps=True))
    assert [name for name, reason in reasons.items() if reason is None] == [THREAD, WORKQUEUE]
    assert "6.9" in allowed(make_needs(kernel=(6, 8)))[BH_WORK]
    assert list(allowed(make_needs())) == list(MECHANISMS)


CAUTIOUS = [
    ({"work_ns": 200 * US, "rate": 5_000}, "100% of a CPU"),
    ({"device": "network", "work_ns": 32 * US}, "budget"),
    ({"sleeps": True, "latency_ns": 5 * US}, "not certain"),
    ({"work_ns": 3 * MS, "rate": 1, "latency_ns": 5 * US}, "too long for a softirq"),
    ({"latency_ns": 5 * US, "kernel": (6, 8)}, "deprecated"),
    ({"device": "block", "work_ns": 3 * MS, "rate": 1}, "too long for a softirq"),
    ({"per_cpu": True, "latency_ns": MS}, "WQ_HIGHPRI"),
]


@pytest.mark.parametrize(("given", "said"), CAUTIOUS)
def test_what_an_answer_does_not_make_good_is_said(given, said):
    needs = make_needs(**given)
    assert said in " ".join(cautions(needs, decide(needs)[0]))


def test_nothing_is_said_where_nothing_is_to_be():
    for given in ({}, {"work_ns": 200 * US, "rate": 4_999}, {"device": "network"}):
        needs = make_needs(**given)
        assert cautions(needs, decide(needs)[0]) == []


IMPOSSIBLE = [{"work_ns": 0}, {"rate": 0}, {"latency_ns": 0}, {"work_ns": 10**9 + 1}, {"rate": 10**7 + 1},
              {"core": True, "device": "block"}]  # fmt: skip


@pytest.mark.parametrize("given", IMPOSSIBLE)
def test_what_cannot_be_is_refused(given):
    with pytest.raises(TophalfError):
        make_needs(**given)


VARIANTS = [({}, each) for each in MECHANISMS] + [
    ({"sleeps": True}, THREAD), ({"sleeps": True}, WORKQUEUE), ({"per_cpu": True}, WORKQUEUE), ({"core": True}, SOFTIRQ),
    ({"device": "block"}, WORKQUEUE), ({"per_cpu": True, "latency_ns": MS}, WORKQUEUE),
    ({"per_cpu": True, "work_ns": 20 * MS}, WORKQUEUE),
]  # fmt: skip


@pytest.mark.parametrize(("given", "mechanism"), VARIANTS)
def test_skeletons_pass_lint(given, mechanism, tmp_path):
    path = tmp_path / "mydev.py"
    path.write_text(python_skeleton(make_needs(**given), mechanism))
    reports, notes = lint(path)
    assert not reports, "\n".join(report.text() for report in reports)
    assert not notes or mechanism == NAPI  # a poll counts to its budget: lint does not walk every count


@pytest.mark.parametrize(("given", "mechanism"), VARIANTS)
def test_skeletons_in_c_call_what_the_mechanism_is_made_of(given, mechanism):
    text = c_skeleton(make_needs(**given), mechanism)
    assert "@" not in text and text.count("{") == text.count("}") and text.count("(") == text.count(")")
    if not given.get("core"):
        names = [name.split("(")[0] for name in ABOUT[mechanism].calls.split(" or ")[0].replace(",", " ").split()]
        assert all(name in text for name in names if name.isidentifier()), names


SPELLINGS = [
    ({}, NAPI, (6, 1), "mydev_poll);", (6, 0), "mydev_poll, NAPI_POLL_WEIGHT);"),
    ({"core": True}, SOFTIRQ, (6, 12), "mysub_action(void)", (6, 11),
     "mysub_action(struct softirq_action *action)"),
    ({}, TASKLET, (5, 9), "from_tasklet(dev, t, tasklet)", (5, 8),
     "tasklet_init(&dev->tasklet, mydev_tasklet, (unsigned long)dev);"),
    ({"device": "block"}, SOFTIRQ, (5, 9), "blk_should_fake_timeout", (5, 8),
     "\twhile ((rq = mydev_finished(dev)))\n\t\tblk_mq_complete"),
    ({"per_cpu": True}, WORKQUEUE, (6, 17), '("mydev", WQ_PERCPU, 0)', (6, 16), '("mydev", 0, 0)'),
    ({"device": "block"}, WORKQUEUE, (6, 17), "WQ_PERCPU | WQ_MEM_RECLAIM", (6, 16), '("mydev", WQ_MEM_RECLAIM, 0)'),
]  # fmt: skip


@pytest.mark.parametrize(("given", "mechanism", "since", "now", "before", "once"), SPELLINGS)
def test_skeletons_in_c_are_written_as_the_kernel_has_it(given, mechanism, since, now, before, once):
    new, old = (c_skeleton(make_needs(**given, kernel=kernel), mechanism) for kernel in (since, before))
    assert now in new and once not in new and once in old and now not in old


MACHINE = """
[machine]
seconds = "10ms"
[[driver]]
name = "mydev"
file = "mydev.py"
irq = 24
flow = "level"
rate = 1000
"""


@pytest.mark.kernels
@pytest.mark.parametrize(("given", "mechanism"), [variant for variant in VARIANTS if variant[1] != SOFTIRQ])
def test_skeletons_run_on_the_model_and_do_each_events_work(given, mechanism, tmp_path):
    (tmp_path / "mydev.py").write_text(python_skeleton(make_needs(**given), mechanism))
    ring = "mask = 4\nproduced = 8\nconsumed = 12\ndepth = 256\n" if mechanism == NAPI else ""
    (tmp_path / "machine.toml").write_text(MACHINE + ring)
    world = make_world(load_scenario(str(tmp_path / "machine.toml")), 0)
    long = given.get("work_ns", 0) > MS
    world.run(25 * MS if long else 9_500_000)
    done = int(world.memory[world.builder.coded[0].words["events"]])
    assert done == (1 if long else 10)  # at 0, 1, ... 9 ms; in 25 ms 20 ms of work are done once


@pytest.mark.kernels
@pytest.mark.parametrize("given", [{"core": True}, {"device": "block"}])
def test_a_softirqs_skeleton_runs_on_the_model_after_each_interrupt(given, tmp_path):
    (tmp_path / "mydev.py").write_text(python_skeleton(make_needs(**given), SOFTIRQ))
    (tmp_path / "machine.toml").write_text(MACHINE)
    cpu = simulate(load_scenario(str(tmp_path / "machine.toml")), seconds=0.0095).as_dict()["cpus"][0]
    assert cpu["softirq_ns"] == 10 * (100 + 20_000)  # into the softirq, and the work, ten times
