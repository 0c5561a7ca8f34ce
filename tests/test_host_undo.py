"""The state file: what it keeps, what it refuses, and that damage to it is an error and never a wrong mask."""

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import SteerError
from tophalf.host.roots import MemoryRoot, live_root
from tophalf.host.steer import undo
from tophalf.host.steer.undo import State, StateError, boot_id, check_same_line, known_refusals, to_undo

LINE = {"actions": ["eth0"], "chip": "PCI-MSI", "hwirq": 1, "device": "0000:00:0a.0 0x1af4:0x1041"}


def change(irq=40, before=(0, 1), after=(1,), boot="this", group=1):
    return {"boot": boot, "irq": irq, "line": LINE, "before": list(before), "after": list(after),
            "effective_before": [0], "group": group, "time_s": 0}  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "state" / "affinity.json")


def test_what_was_pushed_is_there_in_another_process(path):
    with State(path) as state:
        state.push(change(before=(0,)))
        state.push(change(before=(1,)))
    with State(path) as again:
        assert [entry["before"] for entry in again.changes] == [[0], [1]]
    assert sorted(os.listdir(os.path.dirname(path))) == ["affinity.json", "affinity.json.lock"]


def test_a_new_boot_forgets_the_old_one(path):
    with State(path) as state:
        state.push(change(boot="old"))
        state.push(change(boot="new", before=(1,)))
        assert [entry["boot"] for entry in state.changes] == ["new"]


def test_one_step_back_newest_first_and_all_back_to_the_first(path):
    with State(path) as state:
        for group, before in enumerate(([0], [1], [2]), 1):
            state.push(change(before=before, group=group))
        assert [entry["before"] for entry in to_undo(state, "this", {40}, False)] == [[2]]
        assert [entry["before"] for entry in to_undo(state, "this", {40}, True)] == [[2], [1], [0]]


def test_without_an_interrupt_the_newest_command_is_taken_back(path):
    with State(path) as state:
        state.push(change(40, group=1))
        state.push(change(41, group=2))
        state.push(change(42, group=2))
        assert {entry["irq"] for entry in to_undo(state, "this", None, False)} == {41, 42}
        assert {entry["irq"] for entry in to_undo(state, "this", None, True)} == {40, 41, 42}


def test_nothing_to_undo_and_another_boot_are_two_different_answers(path):
    with State(path) as state:
        with pytest.raises(SteerError, match="IRQ 40: nothing to undo"):
            to_undo(state, "this", {40}, False)
        state.push(change(boot="old"))
        with pytest.raises(SteerError, match="IRQ 40: was set in another boot"):
            to_undo(state, "this", {40}, False)
        with pytest.raises(SteerError, match="nothing to undo"):
            to_undo(state, "old", {41}, False)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("actions", ["eth1"], "another action has this number now .eth0 then, eth1 now"),
        ("actions", [], "eth0 then, none now"),
        ("actions", ["eth0", "labirq"], "eth0, labirq now"),
        ("chip", "IO-APIC", "another chip"),
        ("hwirq", 2, "another hardware number"),
        ("device", "0000:00:0b.0 0x8086:0x10d3", "another device"),
        ("device", None, "another device"),
    ],
)
def test_another_line_behind_the_number_is_refused(field, value, words):
    with pytest.raises(SteerError, match=words):
        check_same_line(change(), {**LINE, field: value})
    check_same_line(change(), dict(LINE))


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "7", '{"version": 1}', '{"version": 2, "changes": [], "refusals": []}',
     '{"version": 1, "changes": [{}], "refusals": []}', '{"version": 1, "changes": 5, "refusals": []}',
     json.dumps({"version": 1, "changes": [{**change(), "before": ["a"]}], "refusals": []}),
     json.dumps({"version": 1, "changes": [{**change(), "before": []}], "refusals": []}),
     json.dumps({"version": 1, "changes": [{**change(), "before": [-1]}], "refusals": []}),
     json.dumps({"version": 1, "changes": [{**change(), "irq": "../1"}], "refusals": []}),
     json.dumps({"version": 1, "changes": [], "refusals": [{"irq": 1}]}), "[" * 100000, "\0"],
)  # fmt: skip
def test_a_damaged_state_file_is_an_error_that_names_it(path, text):
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write(text)
    with pytest.raises(StateError, match="affinity.json: is not a state file of this version"), State(path):
        pass
    with open(path) as file:
        assert file.read() == text, "the damaged file is left for its owner"


@given(st.binary(max_size=200))
def test_no_bytes_bring_it_down(tmp_path_factory, data):
    path = str(tmp_path_factory.mktemp("state") / "affinity.json")
    with open(path, "wb") as file:
        file.write(data)
    with pytest.raises(StateError):
        State(path).load()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be written"), State(str(tmp_path / "file" / "affinity.json")):
        pass


def test_a_full_disk_leaves_the_old_file(path, monkeypatch):
    with State(path) as state:
        state.push(change(before=(0,)))

        def full(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(undo.os, "fsync", full)
        with pytest.raises(StateError, match="No space left"):
            state.push(change(before=(1,)))
    with State(path) as state:
        assert [entry["before"] for entry in state.changes] == [[0]]
    assert not [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".new")]


def test_a_second_command_waits_for_the_first(path):
    import fcntl

    with State(path) as state:
        fd = os.open(path + ".lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        state.push(change())
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)


def test_others_may_read_it_but_only_the_owner_writes(path):
    with State(path) as state:
        state.push(change())
    mode = stat.S_IMODE(os.stat(path).st_mode)
    assert mode & 0o600 == 0o600 and not mode & 0o022


def test_where_the_state_lies(monkeypatch):
    monkeypatch.setenv("TOPHALF_STATE", "/x/y.json")
    assert undo.state_path() == "/x/y.json"
    monkeypatch.delenv("TOPHALF_STATE")
    monkeypatch.setattr(undo.os, "geteuid", lambda: 0)
    assert undo.state_path() == "/var/lib/tophalf/affinity.json"
    monkeypatch.setattr(undo.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/u/.state")
    assert undo.state_path() == "/home/u/.state/tophalf/affinity.json"


def test_refusals_of_this_boot_are_known_and_others_are_not(path, monkeypatch):
    monkeypatch.setenv("TOPHALF_STATE", path)
    boot = boot_id(live_root())
    with State(path) as state:
        state.refuse({"boot": boot, "irq": 40, "line": LINE, "error": "EPERM", "time_s": 0})
        state.refuse({"boot": boot, "irq": 40, "line": LINE, "error": "EIO", "time_s": 1})
    assert known_refusals(live_root())[40] == "EIO"
    assert known_refusals(live_root(), lambda irq: LINE)[40] == "EIO"
    assert 40 not in known_refusals(live_root(), lambda irq: {**LINE, "actions": ["other"]})
    assert known_refusals(MemoryRoot({}, {})) == {}
    with State(path) as state:
        state.refuse({"boot": "later", "irq": 41, "line": LINE, "error": "EPERM", "time_s": 0})
    assert known_refusals(live_root()).get(40) is None
    with open(path, "w") as file:
        file.write("damage")
    assert known_refusals(live_root()).get(40) is None
