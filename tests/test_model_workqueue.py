"""Concurrency-managed workqueues: the kernel's own timelines exactly, and rule after rule with times worked out by hand."""

import pytest

from modelprograms import busy
from tophalf import vocab
from tophalf.model import fields as f
from tophalf.model.build import Builder
from tophalf.model.work import workfields as g
from tophalf.model.work.buildwork import add_workqueue, system_workqueue
from workprograms import counts, ended, item, kworkers, nothing_is_lost, queue, queued_at, simulated, started, story, timeline

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("max_active", [0, 3, 10])
def test_timeline_with_room_for_all_three(max_active):
    world, table = simulated(timeline(max_active), 60)
    assert started(table) == [(0, "w0"), (5, "w1"), (10, "w2")]
    assert ended(table) == [(20, "w0"), (20, "w1"), (25, "w2")]
    nothing_is_lost(world)


def test_timeline_with_two_active():
    world, table = simulated(timeline(2), 60)
    assert started(table) == [(0, "w0"), (5, "w1"), (20, "w2")]
    assert ended(table) == [(20, "w0"), (20, "w1"), (35, "w2")]
    assert [time for time, kind, function, _ in story(table, "A") if function == "w2"] == [20]


def test_timeline_with_a_cpu_intensive_workqueue():
    world, table = simulated(timeline(flags=g.WQ_CPU_INTENSIVE), 60)
    assert started(table)[:2] == [(0, "w0"), (5, "w1")]
    assert ended(table) == [(20, "w0"), (20, "w1"), (25, "w2")]
    third = next(pid for pid, name in table.tasks.items() if name == "kworker/0:2")
    assert table.time_ns[(table.kind == vocab.SCHED_WAKEUP) & (table.a == third)].tolist() == [5_000_000, 25_000_000]


def test_workers_are_named_as_the_kernel_names_them():
    builder = Builder(1, cpus=2)
    for name, flags in (("plain", 0), ("urgent", g.WQ_HIGHPRI), ("anywhere", g.WQ_UNBOUND), ("rescued", g.WQ_MEM_RECLAIM)):
        add_workqueue(builder, name, flags)
    names = kworkers(builder.world())
    assert names == ["kworker/0:0", "kworker/1:0", "kworker/0:0H", "kworker/1:0H", "kworker/u8:0", "kworker/R-rescu"]


def test_an_item_that_is_queued_is_not_queued_again():
    builder = Builder(1)
    wq = system_workqueue(builder, "system_wq")
    queued_at(builder, wq, item(builder, "long", 3), 0)
    work = item(builder, "short", 1)
    queued_at(builder, wq, work, 1, 2)
    world, table = simulated(builder, 20)
    assert started(table) == [(0, "long"), (3, "short")]
    assert counts(world, work) == (1, 1, 0, 0)


def test_an_item_that_runs_is_queued_again_and_runs_after_itself_on_the_same_worker():
    builder = Builder(1, cpus=2)
    wq = system_workqueue(builder, "system_wq")
    work = item(builder, "once", 2, -4)
    queued_at(builder, wq, work, 0)
    queued_at(builder, wq, work, 3, home=1)  # on the other CPU, but it runs on this one
    world, table = simulated(builder, 20)
    assert story(table) == [
        (0, "S", "once", "kworker/0:0"), (6, "E", "once", "kworker/0:0"),
        (6, "S", "once", "kworker/0:0"), (12, "E", "once", "kworker/0:0"),
    ]  # fmt: skip


def test_work_runs_where_it_is_queued_or_where_it_is_asked_for():
    builder = Builder(1, cpus=3)
    wq = system_workqueue(builder, "system_wq")
    queued_at(builder, wq, item(builder, "here", 1), 0, home=1)
    queued_at(builder, wq, item(builder, "there", 1), 0, home=1, cpu=2)
    _, table = simulated(builder, 5)
    assert {(function, comm) for _, _, function, comm in story(table)} == {("here", "kworker/1:0"), ("there", "kworker/2:0")}


def test_a_work_that_hogs_its_cpu_is_taken_out_of_the_count_at_a_tick():
    builder = Builder(1, hz=1000, preempt="full")
    wq = system_workqueue(builder, "system_wq")
    queued_at(builder, wq, item(builder, "hog", 30), 0)
    queued_at(builder, wq, item(builder, "other", 1), 1)
    _, table = simulated(builder, 60)
    assert started(table)[1] == (10, "other")  # the tick after 10 ms finds it


def test_6_1_lets_a_hog_hog():
    builder = Builder(1, hz=1000, preempt="full", kernel="6.1")
    wq = system_workqueue(builder, "system_wq")
    queued_at(builder, wq, item(builder, "hog", 30), 0)
    queued_at(builder, wq, item(builder, "other", 1), 1)
    _, table = simulated(builder, 60)
    assert started(table) == [(0, "hog"), (30, "other")]


def test_highpri_workers_come_before_others_of_their_cpu():
    builder = Builder(1, preempt="full", hz=1000)
    queued_at(builder, system_workqueue(builder, "system_wq"), item(builder, "plain", 4), 0)
    queued_at(builder, system_workqueue(builder, "system_highpri_wq"), item(builder, "urgent", 4), 0.5)
    _, table = simulated(builder, 20)
    assert [comm for _, _, function, comm in story(table, "S") if function == "urgent"] == ["kworker/0:0H"]
    assert ended(table)[0][1] == "urgent"


def test_items_queue_items():
    builder = Builder(1)
    wq = system_workqueue(builder, "system_wq")
    second = item(builder, "second", 1)
    queued_at(builder, wq, item(builder, "first", 2, queue(second, wq), 2), 0)
    world, table = simulated(builder, 20)
    assert story(table, "QS") == [
        (0, "Q", "first", "<idle>"), (0, "S", "first", "kworker/0:0"), (2, "Q", "second", "kworker/0:0"),
        (4, "S", "second", "kworker/0:0"),
    ]  # fmt: skip


def test_time_in_items_is_kworkers_time():
    builder = timeline()
    busy(builder)
    world, _ = simulated(builder, 200)
    assert world.memory[builder.cpus[0] + f.C_TIMES + f.KWORKER] == 20_000_000
