"""On which line each key of a TOML file stands: Python's reader does not say."""

import re

_HEADER = re.compile(r"\s*\[(\[?)\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w-]+)\s*=\s*(.*)")


def key_lines(text):
    """{(section, index, key): line}; key None is the header's line. index: of the table among those of its name, from 0.

    Text that is no TOML gives lines as far as it looks like some; it never raises.
    """
    places, section, index, counts, closing = {}, "", 0, {}, None
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = None if closing in line else closing
            continue
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            section = header[2]
            index = counts.get(section, 0) if header[1] else 0
            counts[section] = index + 1
            places[section, index, None] = number
        elif key:
            places.setdefault((section, index, key[1]), number)
            closing = _opens(key[2])
    return places


def _opens(value):
    """The quotes that a text over several lines ends with, if the value opens one."""
    for quotes in ('"""', "'''"):
        if value.startswith(quotes) and quotes not in value[3:]:
            return quotes
    return None
