"""The inner loops over ring buffer pages: walk the events of one CPU, pick the fields of each.

Format after kernel/trace/ring_buffer.c (struct buffer_data_page, struct ring_buffer_event; rb_update_read_stamp). A page
is a time stamp (8 bytes), a commit word (4 or 8 bytes) and events. An event is a word, type in its low 5 bits, time delta
in the upper 27, and what the type says. Everything is little endian and lies on a multiple of 4 bytes, so the data are read
as signed 32-bit words; `& WORD` makes them numbers from 0 (unsigned arrays would turn compiled arithmetic into floats).
Every read is bounded here: the pages are foreign input and compiled code does not check an index.

`walk` packs where an event's record lies into one integer: offset << 16 | length, bit 62 set after lost events. The length
saturates at 65,535, which is more than any field lies away from a record's start.
"""

from typing import NamedTuple

from tophalf.compiled import compiled_lean

WORD = 0xFFFFFFFF
COMMIT_MASK = (1 << 27) - 4  # as libtraceevent reads it; the kernel's flags lie above
MISSED_EVENTS = 1 << 31  # ring_buffer.c RB_MISSED_EVENTS: events were lost before this page
MISSED_STORED = 1 << 30  # RB_MISSED_STORED: their number stands behind the committed bytes
DATA_WORDS_MAX, PADDING, TIME_EXTEND = 28, 29, 30  # type_len; 31 is an absolute time stamp
STAMP_TOP = 0xF << 59  # an absolute stamp has 59 bits; those above come from the time before it (rb_fix_abs_ts)
TIME_MASK = (1 << 63) - 1

RECORD_BYTES_MIN = 8  # common_type, common_flags, common_preempt_count, common_pid: include/linux/trace_events.h
LENGTH_MASK = 0xFFFF
OFFSET_MASK = (1 << 46) - 1
LOST_BEFORE = 1 << 62
FLAG_LOST_BEFORE = 0x100  # vocab.FLAG_LOST_BEFORE

# Columns of a layout row: where the records of one event id hold what (made by ringbuffer.layout_table). A field of up to
# 32 bits is (word[INDEX] >> SHIFT & MASK), and has its sign at SIGN (0: none); WIDE: 1 for 64 bits, always signed; MASK 0:
# no such field. NAMES_TASK: 1 when `name` is the comm of the pid in column a.
KIND, STATIC, NAME, NAME_FORM, NAME_SIZE, NAMES_TASK, PREV_COMM, LENGTH_MIN, A = range(9)
INDEX, SHIFT, MASK, SIGN, WIDE = range(5)
B, C, LAYOUT_COLUMNS = A + 5, A + 10, A + 15
GUESSES, SHORT = 1024, 16  # texts to guess among; bytes of one that can be guessed
NO_NAME, NAME_IN_PLACE, NAME_DATA_LOC, NAME_REL_LOC = range(4)
COMM_SIZE = 16  # include/linux/sched.h TASK_COMM_LEN
PIDS_MAX = 1 << 22  # include/linux/threads.h PID_MAX_LIMIT


@compiled_lean
def walk(words, start, end, stride, commit_size, times, wheres, first):
    """All events of one CPU's pages in bytes start..end, into times and wheres from row `first`: one for 12 bytes at most.

    stride: bytes from page to page; 0: each page is cut after its committed bytes. Returns counts: (events, pages
    damaged, steps back in time, gaps without a number, events lost by the stored numbers).
    """
    row, damaged, backward, gaps, lost, flag, newest = first, 0, 0, 0, 0, 0, 0
    page, header = start, 8 + commit_size
    while page + header <= end:
        at = page >> 2
        time = (words[at] & WORD) | ((words[at + 1] & (WORD >> 1)) << 32)
        commit = words[at + 2] & WORD
        at = page + header
        stop = at + (commit & COMMIT_MASK)
        limit = min(page + stride, end) if stride else end
        cut = 0
        if stop > limit:
            cut, stop = 1, limit
        damaged += cut
        page = page + stride if stride else stop
        if commit & MISSED_EVENTS:
            flag = LOST_BEFORE
            if commit & MISSED_STORED and stop + commit_size <= limit:
                lost += words[stop >> 2] & WORD
                page = page if stride else page + commit_size
            else:
                gaps += 1
        while at + 8 <= stop:
            word = words[at >> 2] & WORD
            more = words[(at >> 2) + 1] & WORD
            kind, delta = word & 31, word >> 5
            if kind <= DATA_WORDS_MAX:
                at += 4
                size = kind << 2
                if kind == 0:
                    at += 4
                    size = (more - 1) & ~3
                if size < RECORD_BYTES_MIN or at + size > stop:
                    damaged += 1 - cut
                    break
                time = (time + delta) & TIME_MASK
                backward += time < newest
                newest = time
                times[row] = time
                wheres[row] = at << 16 | min(size, LENGTH_MASK) | flag
                flag = 0
                row += 1
                at += size
            elif kind == PADDING:
                if delta == 0:
                    break
                time = (time + delta) & TIME_MASK
                at += 4 + (more + 3 & ~3)
            else:
                stamp = (more << 27) + delta
                time = (time + stamp) & TIME_MASK if kind == TIME_EXTEND else time & STAMP_TOP | stamp
                at += 8
    return row - first, damaged, backward, gaps, lost


class Columns(NamedTuple):
    """Where `extract` writes, one place a row: see events.EventTable."""

    kind: object
    pid: object
    flags: object
    preempt: object
    a: object
    b: object
    c: object
    name: object


class Names(NamedTuple):
    """Texts found in records, each once: a hash table of numbers that are given in order of first appearance."""

    slots: object  # int32[power of 2]   number + 1, 0: free; never full: more slots than texts are possible
    starts: object  # int64[number]       byte where the text was found first; below 0: -1 - which static name
    lengths: object  # int32[number]       without the NUL
    statics: object  # int32[static name]  number, -1: not met yet
    guesses: object  # int64[GUESSES, 4]  first eight bytes, the next eight, number + 1 of a short text
    count: object  # int64[1]


class Tasks(NamedTuple):
    """Where each pid's newest comm stands."""

    comms: object  # int64[PIDS_MAX]  first byte << 16 | bytes; 0: pid not met yet
    pids: object  # int32[place]     in order of first appearance
    count: object  # int64[1]


@compiled_lean
def merge(times, wheres, heads, ends, cpus, out_times, out_cpus, words, data, layouts, masks, columns, names, tasks):
    """Streams that are in order of time each, as one, with the fields of their records; at one time the earlier stream first.

    heads, ends: where in times and wheres each stream begins and ends; heads is used up. cpus: of each stream. The others,
    and what is returned: see extract.
    """
    row, short = 0, 0
    while row < len(out_times):
        first, other, newest, limit = -1, -1, 0, 0  # the stream whose turn it is, and the one after it
        for stream in range(len(heads)):
            head = heads[stream]
            if head == ends[stream]:
                continue
            time = times[head]
            if first < 0 or time < newest:
                other, limit = first, newest
                first, newest = stream, time
            elif other < 0 or time < limit:
                other, limit = stream, time
        head, end, cpu = heads[first], ends[first], cpus[first]
        if other >= 0 and first > other:
            limit -= 1  # the other comes first at its own time
        start = head
        while head < end and (other < 0 or times[head] <= limit):
            out_times[row + head - start] = times[head]
            out_cpus[row + head - start] = cpu
            head += 1
        short += extract(words, data, wheres, start, head, layouts, masks, row, columns, names, tasks)
        row += head - start
        heads[first] = head
    return short


@compiled_lean
def extract(words, data, wheres, first, last, layouts, masks, row, columns, names, tasks):
    """The fields of the records at wheres[first:last], into columns from `row` on. data: the bytes of words. layouts:
    ringbuffer.Layouts.table. masks: see text_masks.

    Returns how many records are shorter than their format says (kind OTHER, fields not read).
    """
    # Taken out of the tuples once: numba counts references at each look into one, which costs more than the work.
    kinds, pids, flags, preempts, a, b, c, numbers = columns
    slots, starts, lengths, statics, guesses, count = names
    comms, task_pids, task_count = tasks
    short, unknown = 0, len(layouts) - 1
    for place in range(first, last):
        where = wheres[place]
        at, length = where >> 16 & OFFSET_MASK, where & LENGTH_MASK
        record = at >> 2
        common = words[record] & WORD
        flags[row] = common >> 16 & 0xFF | where >> 62 << 8
        preempts[row] = common >> 24
        pid = words[record + 1]
        pids[row] = pid
        layout = min(common & 0xFFFF, unknown)
        if length < layouts[layout, LENGTH_MIN]:
            short += 1
            layout = unknown
        kinds[row] = layouts[layout, KIND]
        argument = _field(words, record, layouts, layout, A)
        a[row] = argument
        b[row] = _field(words, record, layouts, layout, B)
        c[row] = _field(words, record, layouts, layout, C)
        number, form = -1, layouts[layout, NAME_FORM]
        if form:
            start, size = _name_span(words, at, length, layouts[layout, NAME], layouts[layout, NAME_SIZE], form)
            if size > 0:
                number = _text_number(words, data, start, size, masks, slots, starts, lengths, guesses, count)
            if layouts[layout, NAMES_TASK]:
                _name_task(comms, task_pids, task_count, argument, start, size)
                if layouts[layout, PREV_COMM]:
                    _name_task(comms, task_pids, task_count, pid, at + layouts[layout, PREV_COMM], COMM_SIZE)
        elif layouts[layout, STATIC] >= 0:
            static = layouts[layout, STATIC]
            number = statics[static]
            if number < 0:
                number = _new_name(starts, lengths, count, -1 - static, 0)
                statics[static] = number
        numbers[row] = number
        row += 1
    return short


@compiled_lean
def _field(words, record, layouts, layout, column):
    """One field of the record that begins at words[record]; 0 where there is none."""
    at = record + layouts[layout, column + INDEX]
    value = words[at] >> layouts[layout, column + SHIFT] & layouts[layout, column + MASK]
    sign = layouts[layout, column + SIGN]
    value = (value ^ sign) - sign
    wide = layouts[layout, column + WIDE]  # without a branch, which would be guessed wrong at every other event
    return value | (words[at + wide] & -wide) << 32


@compiled_lean
def _name_span(words, at, length, offset, size, form):
    """(first byte, bytes) of a record's text; no bytes when it would lie outside the record."""
    field = at + offset
    if form == NAME_IN_PLACE:
        return field, size
    location = words[field >> 2] & WORD
    start = (location & 0xFFFF) + (at if form == NAME_DATA_LOC else field + 4)
    size = location >> 16
    if start + size > at + length:
        return at, 0
    return start, size


@compiled_lean
def _new_name(starts, lengths, count, start, length):
    number = count[0]
    starts[number], lengths[number] = start, length
    count[0] = number + 1
    return number


@compiled_lean
def _number(data, start, size, slots, starts, lengths, count):
    """The number of a text that ends at a NUL or after `size` bytes: that of an equal one met before, else the next."""
    mixed, end = 0x811C9DC5, start + size  # FNV-1a with 32 bits
    for place in range(start, start + size):
        byte = data[place] & 0xFF
        if byte == 0:
            end = place
            break
        mixed = ((mixed ^ byte) * 0x01000193) & WORD
    slot, length = mixed & (len(slots) - 1), end - start
    while slots[slot]:
        number = slots[slot] - 1
        if lengths[number] == length and _is_equal(data, starts[number], start, length):
            return number
        slot = (slot + 1) & (len(slots) - 1)
    slots[slot] = count[0] + 1
    return _new_name(starts, lengths, count, start, length)


def text_masks():
    """By size of a text up to SHORT bytes: which bits of its first and of its second eight bytes belong to it."""
    bits = [(8 * min(size, 8), 8 * max(size - 8, 0)) for size in range(SHORT + 1)]
    return [[(1 << low) - 1 if low < 64 else -1, (1 << high) - 1 if high < 64 else -1] for low, high in bits]


@compiled_lean
def _text_number(words, data, start, size, masks, slots, starts, lengths, guesses, count):
    """As _number. A short text is compared with the one met last at its place in `guesses`, all of it at once."""
    if size > SHORT or start & 3 or start + SHORT > len(data):
        return _number(data, start, size, slots, starts, lengths, count)
    at = start >> 2
    low = (words[at] & WORD | words[at + 1] << 32) & masks[size, 0]
    high = (words[at + 2] & WORD | words[at + 3] << 32) & masks[size, 1]
    guess = (low + high * 31) * 0x9E3779B1 >> 40 & GUESSES - 1  # of the bytes behind its NUL too: good enough to guess
    if guesses[guess, 0] == low and guesses[guess, 1] == high and guesses[guess, 2]:
        return guesses[guess, 2] - 1
    number = _number(data, start, size, slots, starts, lengths, count)
    guesses[guess, 0], guesses[guess, 1], guesses[guess, 2] = low, high, number + 1
    return number


@compiled_lean
def _is_equal(data, one, other, length):
    for place in range(length):  # noqa: SIM110  numba knows no generator in all()
        if data[one + place] != data[other + place]:
            return False
    return True


@compiled_lean
def _name_task(comms, pids, count, pid, start, size):
    if size > 0 and pid >= 0 and pid < PIDS_MAX:
        if comms[pid] == 0:
            pids[count[0]] = pid
            count[0] += 1
        comms[pid] = start << 16 | size
