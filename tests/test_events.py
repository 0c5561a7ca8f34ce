"""The event table: columns, selection, digest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf import vocab
from tophalf.events import COLUMNS, make_table


def small_table(**changes):
    kinds = [vocab.IRQ_HANDLER_ENTRY, vocab.SOFTIRQ_RAISE, vocab.IRQ_HANDLER_EXIT]
    columns = {"time_ns": [10, 20, 30], "cpu": [0, 1, 0], "kind": kinds, "a": [24, 3, 24], "b": [0, 0, 1], "name": [0, -1, -1]}
    return make_table({**columns, **changes}, strings=["eth0"])


def test_columns_have_their_types_and_default_to_nothing():
    table = small_table()
    assert all(getattr(table, name).dtype == dtype for name, dtype in COLUMNS)
    assert table.text(table.name[0]) == "eth0" and table.text(table.name[1]) is None
    assert (table.flags == 0).all() and table.span_ns == 20 and table.cpus == (0, 1)


def test_bad_columns_are_refused():
    with pytest.raises(ValueError, match="rows"):
        small_table(a=[1])
    with pytest.raises(ValueError, match="backwards"):
        small_table(time_ns=[10, 5, 30])


def test_rows_select_and_keep_what_explains_them():
    part = small_table().rows(np.array([True, False, True]))
    assert len(part) == 2 and part.text(part.name[0]) == "eth0"


def test_lost_events_are_counted_or_unknown():
    assert small_table().lost_events == 0
    assert small_table().replace(lost={0: 3, 1: 4}).lost_events == 7
    assert small_table().replace(lost={0: 3, 1: None}).lost_events is None


@given(st.sampled_from([name for name, _ in COLUMNS]), st.integers(0, 2))
def test_digest_notices_every_change_of_one_cell(column, row):
    table = small_table()
    values = getattr(table, column).copy()
    values[row] += 1
    assert table.replace(**{column: values}).digest() != table.digest()
    assert small_table().digest() == table.digest()


def test_functions_without_symbols_show_as_addresses():
    assert small_table().function(-1) == "0xffffffffffffffff"
