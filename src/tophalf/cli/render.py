"""Text for people: aligned tables, bars, histograms, colour that means something and only where a terminal reads it.

Standard library only: this is on the live path.
"""

import os
import sys

# Colour is meaning: red needs action, yellow deserves a look, green is as it should be, dim is context.
_CODES = {"red": "31", "yellow": "33", "green": "32", "cyan": "36", "dim": "2", "bold": "1"}
_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def wants_colour(stream=None):
    """Whether to colour: a terminal, no NO_COLOR (no-color.org), or FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream or sys.stdout).isatty()


def paint(text, colour, on=None):
    """Text in a colour of _CODES; unchanged where colour is off or None."""
    if not colour or not (wants_colour() if on is None else on):
        return str(text)
    return f"\033[{_CODES[colour]}m{text}\033[0m"


def table(columns, rows, colours=None, width=None):
    """Aligned lines under a header.

    columns: titles; one that starts with '>' is right-aligned. rows: lists of cells (str() is taken; None is '-').
    colours: {(row index, column index): colour}. width: cut lines there (terminal width when a terminal reads).
    Returns one str without a final newline.
    """
    titles = [title.lstrip(">") for title in columns]
    right = [title.startswith(">") for title in columns]
    cells = [["-" if cell is None else printable(cell) for cell in row] for row in rows]
    widths = [max([len(title), *(len(row[at]) for row in cells)]) for at, title in enumerate(titles)]
    limit = width or terminal_width()
    lines = [paint(_line(titles, widths, right, limit), "dim")]
    for index, row in enumerate(cells):
        line_colours = [(colours or {}).get((index, at)) for at in range(len(row))]
        lines.append(_line(row, widths, right, limit, line_colours))
    return "\n".join(lines)


def _line(cells, widths, right, limit, colours=None):
    parts, used = [], 0
    for at, cell in enumerate(cells):
        room = None if limit is None else limit - used
        if room is not None and room <= 0:
            break
        last = at == len(cells) - 1
        text = cell.rjust(widths[at]) if right[at] else cell if last else cell.ljust(widths[at])
        text = _cut(text, room)
        used += len(text) + 2
        parts.append(paint(text, colours[at]) if colours else text)
    return "  ".join(parts).rstrip()


def _cut(text, room):
    return text if room is None or len(text) <= room else text[: max(room - 1, 0)] + "…"


def printable(value):
    """Text without control characters: names come from other machines' files, and a terminal obeys escapes."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "�" for char in text)


def terminal_width():
    """Columns of the terminal, or None when output goes elsewhere (then nothing is cut)."""
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        return None


def bar(value, largest, width=20):
    """A horizontal bar of at most `width` cells, in eighths of a cell."""
    eighths = round(8 * width * value / largest) if largest > 0 else 0
    eighths = min(max(eighths, 1 if value > 0 else 0), 8 * width)
    return ("█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")).ljust(width)


def spark(values, width=32):
    """One character a value (values are summed into at most `width` groups), height by share of the largest."""
    if len(values) > width:
        size = -(-len(values) // width)
        values = [sum(values[at : at + size]) for at in range(0, len(values), size)]
    largest = max(values, default=0)
    return "".join(_BLOCKS[0 if not value or not largest else max(1, round(8 * value / largest))] for value in values)


def histogram(buckets, width=40):
    """Lines of a histogram. buckets: list of (label, count), in order; empty ones at both ends are left off."""
    while buckets and not buckets[0][1]:
        buckets = buckets[1:]
    while buckets and not buckets[-1][1]:
        buckets = buckets[:-1]
    largest = max((count for _, count in buckets), default=0)
    label_width = max((len(label) for label, _ in buckets), default=0)
    count_width = max((len(str(count)) for _, count in buckets), default=0)
    return [f"{label:>{label_width}}  {count:>{count_width}}  {bar(count, largest, width)}".rstrip() for label, count in buckets]


def progress(text):
    """Replace the progress line on standard error; '' clears it. Silent where no terminal reads it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
