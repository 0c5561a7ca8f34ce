"""Which events are recorded: what `--events` means, and which of the scheduler's are let through."""

import os

import pytest

from tophalf.host.record.tracevents import DEFAULT_EVENTS, LOCAL_TIMER_CPUS_MAX, choose_events, event_filter, parse_events


@pytest.fixture
def kernel(tmp_path):
    """The events directory of a kernel that has few."""
    for name in ("irq/irq_handler_entry", "irq/softirq_raise", "sched/sched_switch", "sched/sched_wakeup", "napi/napi_poll",
                 "irq_vectors/local_timer_entry", "irq_vectors/reschedule_entry"):  # fmt: skip
        os.makedirs(tmp_path / "events" / name)
        (tmp_path / "events" / name / "enable").write_text("0\n")
    (tmp_path / "events" / "irq" / "enable").write_text("0\n")
    return str(tmp_path)


def test_nothing_asked_is_the_default():
    assert [name for name, _ in parse_events(None)] == list(DEFAULT_EVENTS)
    assert not any(whole for _, whole in parse_events(""))


def test_a_list_replaces_and_a_plus_adds():
    assert parse_events("irq, sched:sched_switch") == (("irq", True), ("sched:sched_switch", True))
    added = parse_events("+block/block_rq_issue")
    assert added[: len(DEFAULT_EVENTS)] == parse_events(None) and added[len(DEFAULT_EVENTS) :] == (("block:block_rq_issue", True),)


def test_a_system_is_all_its_events_and_missing_ones_are_said(kernel):
    chosen, refused = choose_events(kernel, parse_events(None), 2)
    assert set(chosen) == {
        ("irq", "irq_handler_entry"), ("irq", "softirq_raise"), ("napi", "napi_poll"), ("sched", "sched_switch"),
        ("sched", "sched_wakeup"), ("irq_vectors", "local_timer_entry"), ("irq_vectors", "reschedule_entry"),
    }  # fmt: skip
    assert refused == {"workqueue": "this kernel has no such event"}


def test_what_is_asked_for_by_name_is_not_filtered(kernel):
    assert choose_events(kernel, parse_events("sched:sched_switch"), 2)[0] == {("sched", "sched_switch"): None}
    chosen, _ = choose_events(kernel, parse_events("+sched:sched_switch"), 2)
    assert chosen["sched", "sched_switch"] is None and chosen["sched", "sched_wakeup"] == event_filter("sched", "sched_wakeup")


def test_the_timer_is_left_out_of_large_machines_unless_asked_for(kernel):
    chosen, refused = choose_events(kernel, parse_events(None), LOCAL_TIMER_CPUS_MAX + 1)
    assert ("irq_vectors", "local_timer_entry") not in chosen and ("irq_vectors", "reschedule_entry") in chosen
    assert refused["irq_vectors:local_timer_entry"] == "left out on more than 64 CPUs"
    assert ("irq_vectors", "local_timer_entry") in choose_events(kernel, parse_events("irq_vectors"), 1152)[0]


@pytest.mark.parametrize("name", ["..", "../..", "irq/../sched", ":sched_switch", "irq:none", ".", "irq:../sched/sched_switch"])
def test_names_do_not_lead_out_of_the_events(kernel, name):
    chosen, refused = choose_events(kernel, ((name, True),), 2)
    assert chosen == {} and refused == {name: "this kernel has no such event"}


def test_the_filters_name_the_threads_that_run_interrupt_work():
    switch = event_filter("sched", "sched_switch")
    for thread in ("ksoftirqd/*", "irq/*", "kworker/*", "ktimers/*", "napi/*"):
        assert f'prev_comm ~ "{thread}"' in switch and f'next_comm ~ "{thread}"' in switch
    assert event_filter("irq", "softirq_raise") is None
