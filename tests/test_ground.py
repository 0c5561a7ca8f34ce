"""Vocabulary, frozen records, errors: what everything else stands on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.snapshot import Line, Snapshot


def test_frozen_records_refuse_change_and_unknown_fields():
    line = Line(key="24", counts=(1, 2))
    with pytest.raises(AttributeError, match="frozen"):
        line.key = "25"
    with pytest.raises(TypeError, match="no field colour"):
        Line(colour="red")
    assert line.replace(key="25").counts == (1, 2) and line.key == "24"
    assert Line(key="24", counts=(1, 2)) == line != line.replace(key="25")


def test_what_is_not_given_is_none():
    assert set(Snapshot().as_dict().values()) == {None}


def test_every_event_kind_has_a_name_and_arguments():
    assert len(vocab.EVENT_NAMES) == len(vocab.EVENT_ARGUMENTS) == vocab.VECTOR_EXIT + 1
    assert vocab.EVENT_NAMES[vocab.NAPI_POLL] == "napi_poll" and vocab.EVENT_ARGUMENTS[vocab.NAPI_POLL][2] == "budget"


@pytest.mark.parametrize(("ns", "text"), [(None, "-"), (0, "0 ns"), (999, "999 ns"), (864_000, "864 µs"), (1_250_000, "1.25 ms"),
                                          (20_900_000_000, "20.9 s"), (999_700, "1000 µs")])  # fmt: skip
def test_times_as_people_say_them(ns, text):
    assert vocab.human_ns(ns) == text


@pytest.mark.parametrize(("count", "text"), [(None, "-"), (0, "0"), (0.5, "0.5"), (1500, "1,500"), (78_000, "78k"),
                                             (14_880_952, "14.9M"), (2.5e9, "2.5G")])  # fmt: skip
def test_counts_as_people_say_them(count, text):
    assert vocab.human_count(count) == text


@given(st.sets(st.integers(0, 300)))
def test_cpu_lists_name_each_cpu_once(cpus):
    text, named = vocab.cpu_list(cpus), []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        named += range(int(first), int(last or first) + 1)
    assert named == sorted(cpus)


def test_errors_say_what_where_and_what_to_do():
    assert TophalfError("is not a mask", "IRQ 24", "write ff").line() == "IRQ 24: is not a mask; write ff"
