"""Event formats as kernels print them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracefiles as make
from tophalf.errors import FormatError
from tophalf.host.trace.formats import DATA_LOC, REL_LOC, TEXT, VALUE, parse_format, parse_header_page

SHAPES = [
    ("unsigned int vec", 4, False, "vec", VALUE),
    ("__data_loc char[] name", 4, False, "name", DATA_LOC),
    ("__rel_loc char[] name", 4, False, "name", REL_LOC),
    ("char prev_comm[16]", 16, False, "prev_comm", TEXT),
    ("char comm[TASK_COMM_LEN]", 16, True, "comm", VALUE),  # 2.6.3x printed the macro: no size to trust
    ("const char * ptr", 8, False, "ptr", VALUE),
    ("struct napi_struct * napi", 8, False, "napi", VALUE),
    ("void *work", 8, False, "work", VALUE),
    ("unsigned long hist[4]", 32, False, "hist", VALUE),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[0])
def test_declarations(shape):
    declaration, size, signed, name, form = shape
    event = parse_format(make.format_text("any_event", 7, (declaration, 8, size, signed)), "any")
    field = event.fields[name]
    assert (field.offset, field.size, field.signed, field.form) == (8, size, signed, form)
    assert (event.name, event.id, event.system) == ("any_event", 7, "any") and event.fields["common_pid"].offset == 4


def test_a_format_of_a_kernel_that_prints_no_sign():
    text = "name: old\nID: 3\nformat:\n\tfield:int irq;\toffset:12;\tsize:4;\n"
    assert not parse_format(text).fields["irq"].signed


@pytest.mark.parametrize("text", ["", "ID: 5", "name: x", "name: x\nID: 70000", "name: x\nID: " + "9" * 5000])
def test_no_format(text):
    with pytest.raises(FormatError, match="here: an event format without"):
        parse_format(text, "", "here")


def test_header_page():
    page = parse_header_page(make.header_page().decode())
    assert (page.commit_offset, page.commit_size, page.data_offset, page.data_size) == (8, 8, 16, 4080)
    with pytest.raises(FormatError, match="no field 'commit'"):
        parse_header_page("field: u64 timestamp;\toffset:0;\tsize:8;")


@given(st.text(max_size=200))
def test_any_text(text):
    with pytest.raises(FormatError):
        parse_header_page(text)
    parse_format("name: a\nID: 1\n" + text)
