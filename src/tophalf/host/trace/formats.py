"""Event formats: what the kernel says about the layout of its own trace records.

Reads the text of tracefs `events/SYSTEM/EVENT/format` and `events/header_page` (kernel/trace/trace_events.c f_show,
ring_buffer_print_page_header). Readers go by field name, never by a fixed offset: layouts differ between kernels.
A format's fields are parsed only when asked for: a trace can come with 2,000 formats and hold ten of them.
"""

import re

from tophalf.errors import FormatError
from tophalf.frozen import Frozen

_FIELD = re.compile(r"field:\s*([^;\n]{1,400});\s*offset:\s*(\d{1,9});\s*size:\s*(\d{1,9});(?:\s*signed:\s*(\d+);)?")
_ID = re.compile(r"^ID:\s*(\d+)", re.MULTILINE)
_NAME = re.compile(r"^name:\s*(\S+)", re.MULTILINE)

ID_MAX = 0xFFFF  # common_type is an unsigned short
VALUE, TEXT, DATA_LOC, REL_LOC = "value", "text", "data_loc", "rel_loc"


class Field(Frozen):
    """One field of a record. offset, size: bytes. form: VALUE (an integer), TEXT (char array in place, `size` bytes),
    DATA_LOC / REL_LOC (a word: length << 16 | offset of the text, from the record's start / from the word's end)."""

    __slots__ = ("name", "offset", "size", "signed", "form")


class Format:
    """One event's layout. id: common_type of its records; fields: {name: Field}, common fields included."""

    def __init__(self, system, name, event_id, text):
        self.system, self.name, self.id, self.text = system, name, event_id, text
        self._fields = None

    @property
    def fields(self):
        if self._fields is None:
            self._fields = {field.name: field for field in map(_field, _FIELD.finditer(self.text))}
        return self._fields


class PageLayout(Frozen):
    """header_page: where a sub-buffer's parts lie. commit_size: 8 on 64-bit kernels, 4 on 32-bit ones; data_offset: bytes
    before the first event; data_size: room for events in one sub-buffer."""

    __slots__ = ("commit_offset", "commit_size", "data_offset", "data_size")


def parse_format(text, system="", where=""):
    """A Format from the text of one format file. Raises: FormatError when it has no name or no ID of 16 bits."""
    name, event_id = _NAME.search(text), _ID.search(text)
    if not name or not event_id or len(event_id[1]) > 5 or int(event_id[1]) > ID_MAX:
        raise FormatError("an event format without a name or an ID that fits into 16 bits", where)
    return Format(system, name[1], int(event_id[1]), text)


def parse_header_page(text, where=""):
    """A PageLayout from header_page's text. Raises: FormatError when commit or data is missing or makes no sense."""
    fields = {field.name: field for field in map(_field, _FIELD.finditer(text))}
    try:
        commit, data = fields["commit"], fields["data"]
    except KeyError as error:
        raise FormatError(f"header_page has no field {error}", where) from None
    sane = commit.size in (4, 8) and commit.offset == 8 and data.offset == 8 + commit.size
    if not sane:
        raise FormatError("header_page describes a sub-buffer that is not the kernel's (timestamp, commit, data)", where)
    return PageLayout(commit_offset=commit.offset, commit_size=commit.size, data_offset=data.offset, data_size=data.size)


def _field(match):
    declaration, offset, size, signed = match[1], int(match[2]), int(match[3]), match[4] == "1"
    words = (declaration.rpartition("[")[0] if declaration.endswith("]") else declaration).split()
    name = words[-1].lstrip("*") if words else ""
    return Field(name=name, offset=offset, size=size, signed=signed, form=_form(declaration))


def _form(declaration):
    """`__data_loc char[] name`, `char comm[16]` or anything else (include/trace/stages/stage4_event_fields.h)."""
    if declaration.startswith("__data_loc"):
        return DATA_LOC
    if declaration.startswith("__rel_loc"):
        return REL_LOC
    return TEXT if re.match(r"(const )?(unsigned )?char\b[^*]*\[\d*\]$", declaration) else VALUE
