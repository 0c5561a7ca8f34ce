"""The inner loops over ring buffer pages: walk the events of one CPU, merge CPUs, pick the fields of each event.

Format after kernel/trace/ring_buffer.c (struct buffer_data_page, struct ring_buffer_event; rb_update_read_stamp). A page
is a time stamp (8 bytes), a commit word (4 or 8 bytes) and events. An event is a word, type in its low 5 bits, time delta
in the upper 27, and what the type says. Everything is little endian and lies on a multiple of 4 bytes, so the data are read
as signed 32-bit words (`& WORD` makes them numbers from 0). Every read is bounded here: the pages are foreign input and
compiled code does not check an index.

`walk` packs where an event's record lies into one integer: offset << 16 | length, bit 62 set after lost events. The length
saturates at 65,535, which is more than any field lies away from a record's start.
"""

from tophalf.compiled import compiled

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

# Columns of a layout row: where the records of one event id hold what (made by ringbuffer.layout_table). X_SIZE: bytes,
# negative when signed, 0: no such field. NAMES_TASK: 1 when `name` is the comm of the pid in column a.
KIND, STATIC, A, A_SIZE, B, B_SIZE, C, C_SIZE, NAME, NAME_FORM, NAME_SIZE, NAMES_TASK, PREV_COMM, LENGTH_MIN = range(14)
LAYOUT_COLUMNS = 14
NO_NAME, NAME_IN_PLACE, NAME_DATA_LOC, NAME_REL_LOC = range(4)
COMM_SIZE = 16  # include/linux/sched.h TASK_COMM_LEN
PIDS_MAX = 1 << 22  # include/linux/threads.h PID_MAX_LIMIT


@compiled
def walk(words, start, end, stride, commit_size, times, wheres):
    """All events of one CPU's pages in bytes start..end; times and wheres have room for one event per 12 bytes.

    stride: bytes from page to page; 0: each page is cut after its committed bytes. Returns counts: (events, pages
    damaged, steps back in time, gaps without a number, events lost by the stored numbers).
    """
    row, damaged, backward, gaps, lost, flag, newest = 0, 0, 0, 0, 0, 0, 0
    page, header = start, 8 + commit_size
    while page + header <= end:
        at = page >> 2
        time = (words[at] & WORD) | ((words[at + 1] & (WORD >> 1)) << 32)
        commit = words[at + 2] & WORD
        at = page + header
        stop = at + (commit & COMMIT_MASK)
        limit = min(page + stride, end) if stride else end
        if stop > limit:
            damaged += 1
            stop = limit
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
                    damaged += 1
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
    return row, damaged, backward, gaps, lost
