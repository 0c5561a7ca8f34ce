"""[[workqueue]], [[work]], devices that defer to a work item, suspend: what scenarios may say of them, and what it comes to."""

import errno

import pytest

from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.judge import laws
from tophalf.model.simulate import figures, make_world, simulate
from tophalf.model.table import event_table
from tophalf.scenario.load import load_scenario, read_scenario
from workprograms import MS, ended, nothing_is_lost, started

pytestmark = pytest.mark.kernels


def ran(toml, until_ms, name="x.toml"):
    """(World, table) of a scenario's text, or of a built-in one."""
    scenario = read_scenario(toml, name) if "\n" in toml else load_scenario(toml)
    world = make_world(scenario, 0, trace_rows=20_000)
    world.run(round(until_ms * MS))
    nothing_is_lost(world)
    return world, event_table(world)


@pytest.mark.parametrize(("name", "done"), [
    ("cmwq-1", [(20, "w0"), (20, "w1"), (25, "w2")]), ("cmwq-2", [(20, "w0"), (20, "w1"), (35, "w2")]),
    ("cmwq-3", [(20, "w0"), (20, "w1"), (25, "w2")]),
])  # fmt: skip
def test_the_kernels_timelines(name, done):
    world, table = ran(name, 60)
    assert ended(table) == done


def test_the_summary_says_what_kworkers_took():
    outcome = simulate("cmwq-1").as_dict()
    assert outcome["work"] == [
        {"function": name, "queued": 1, "executed": 1, "cancelled": 0, "waiting": 0} for name in ("w0", "w1", "w2")
    ]  # fmt: skip
    assert ("work items", "3 queued, 3 executed, 0 cancelled, 0 waiting") in figures(outcome)
    assert (outcome["cpus"][0]["kworker_ns"], outcome["cpus"][0]["idle_ns"]) == (20 * MS, 40 * MS)


def test_suspend_freezes_and_thaws():
    _, table = ran("suspend-resume", 100)
    saves = [time for time, name in started(table) if name == "save"]
    assert not [time for time in saves if 20 < time < 53]  # the one that ran at 20 ended at 23; then 30 ms
    assert len([time for time in saves if 53 < time < 54]) == 2  # two may be active, of all that waited
    assert [time for time, name in started(table) if name == "watch" and 20 < time < 53]
    handled = table.time_ns[table.kind == vocab.IRQ_HANDLER_ENTRY].tolist()
    assert [time // MS for time in handled] == [5, 53, 60]


def test_a_suspend_during_another_is_refused():
    at = '[[at]]\ntime = "{}ms"\nsuspend = "10ms"\n'
    text = "[[device]]\nname = 'd'\nirq = 40\nrate = 1000\n" + at.format(1) + at.format(5) + at.format(20)
    world = make_world(read_scenario(text, "x.toml"), 0)
    world.run(40 * MS)
    assert [(one.time_ns, one.error) for one in world.answers] == [(1 * MS, 0), (5 * MS, -errno.EBUSY), (20 * MS, 0)]


def test_the_laws_of_work_items_have_something_to_judge_and_hold():
    _, table = ran("suspend-resume", 100)
    verdicts = [each for each in laws.judge(table, False) if each.law.name.startswith("work-")]
    assert [(each.applied > 0, each.holds) for each in verdicts] == [(True, True)] * 5


def test_a_device_defers_to_a_work_item():
    _, table = ran("""
[[device]]
name = "disk"
irq = 30
arrivals = "times"
times = ["1ms", "2ms"]
handler_cost = "2us"
defer = "work"
workqueue = "system_highpri_wq"
deferred_cost = "30us"
""", 10)  # fmt: skip
    assert [name for _, name in ended(table)] == ["disk_work"] * 2
    assert {table.tasks[pid] for pid in table.pid[table.kind == vocab.WORKQUEUE_EXECUTE_START].tolist()} == {
        "kworker/0:0H", "kworker/0:1H",  # who went idle last works first
    }  # fmt: skip


def test_delay_context_cpu_and_items():
    _, table = ran("""
[machine]
cpus = 2
hz = 1000
[[work]]
name = "late"
steps = ["run 10us", "queue next"]
arrivals = "times"
times = ["1.5ms", "2.5ms"]
items = 2
delay = "2ms"
cpu = 1
on = 0
context = "softirq"
[[work]]
name = "next"
workqueue = "system_unbound_wq"
""", 20)  # fmt: skip
    queued = table.kind == vocab.WORKQUEUE_QUEUE_WORK
    names = [table.function(function) for function in table.b[queued].tolist()]
    assert names == ["late", "next", "late", "next"]
    assert [time // MS for time in table.time_ns[queued].tolist()] == [4, 4, 5, 5]
    assert table.c[queued].tolist() == [0, -1, 0, -1]


@pytest.mark.parametrize(("toml", "where", "says"), [
    ('[[work]]\nname = "w"\nworkqueue = "none"', "workqueue", "there is no workqueue none"),
    ('[[work]]\nname = "w"\nsteps = ["wait 5ms"]', "steps", "is no step"),
    ('[[work]]\nname = "w"\nsteps = ["queue v"]', "steps", "there is no work v"),
    ('[[work]]\nname = "w"\nsteps = ["flush w"]', "steps", "waits for itself"),
    ('[[work]]\nname = "w"\nworkqueue = "system_bh_wq"\nsteps = ["sleep 1ms"]', "steps", "cannot sleep"),
    ('[[work]]\nname = "w"\n[[work]]\nname = "w"', "name", "a second work w"),
    ('[[workqueue]]\nname = "q"\n[[workqueue]]\nname = "q"', "name", "a second workqueue q"),
    ('[[workqueue]]\nname = "system_wq"', "name", "is the kernel's own"),
    ('[[workqueue]]\nname = "q"\nflags = ["bh", "unbound"]', "flags", "may only be highpri"),
    ('[[workqueue]]\nname = "q"\nflags = ["bound"]', "flags", "is none of"),
    ('[[workqueue]]\nname = "q"\nmax_active = 513', "max_active", "above 512"),
    ('[machine]\nkernel = "6.1"\n[[work]]\nname = "w"\nworkqueue = "system_bh_wq"', "workqueue", "no BH workqueues"),
])  # fmt: skip
def test_what_cannot_be_is_said_with_its_line_and_key(toml, where, says):
    with pytest.raises(TophalfError, match=says) as raised:
        make_world(read_scenario(toml + "\n", "x.toml"), 0)
    assert raised.value.where.startswith("x.toml:") and raised.value.where.endswith(where)
