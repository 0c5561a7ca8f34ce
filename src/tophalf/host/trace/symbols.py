"""Kernel function names by address, from the text of /proc/kallsyms, which is read only when a name is asked for."""

_LINE_BYTES_MAX = 4096  # longer than any line of kallsyms (KSYM_NAME_LEN is 512)


class Symbols:
    """Names of functions. load: a function that gives kallsyms as bytes, or None when there is none."""

    def __init__(self, load):
        self._load, self._text, self._names = load, None, {}

    def name(self, address):
        """The name of the function that starts at this address (as signed or unsigned 64-bit), or None."""
        if address not in self._names:
            if self._text is None:
                self._text = b"\n" + (self._load() or b"")
            self._names[address] = _find(self._text, address & (1 << 64) - 1)
        return self._names[address]


class NamedFunctions:
    """For traces in text, which give names and no addresses: each name gets a number that stands for its address."""

    def __init__(self):
        self.names, self._numbers = [], {}

    def number(self, name):
        """A stand-in for the address of a function: 1, 2, ..."""
        if name not in self._numbers:
            self.names.append(name)
            self._numbers[name] = len(self.names)
        return self._numbers[name]

    def name(self, address):
        """The name behind a number, or None."""
        return self.names[address - 1] if 0 < address <= len(self.names) else None


def _find(text, address):
    """Search the lines, which are in order of address up to the modules' (kernel/kallsyms.c s_show), then all of them."""
    if not address:
        return None
    for key in (b"%016x " % address, b"%08x " % address):
        at = _bisect(text, key)
        at = at if text.startswith(key, at) else text.find(b"\n" + key) + 1
        if at:
            return _name_in_line(text[at : at + _LINE_BYTES_MAX].partition(b"\n")[0])
    return None


def _bisect(text, key):
    """Start of the first line that is not before key, where lines are in order; else anywhere."""
    low, high = 1, len(text)
    while low < high:
        middle = text.rfind(b"\n", 0, (low + high) // 2) + 1
        if middle < low:
            middle = low
        if text[middle : middle + len(key)] < key:
            low = text.find(b"\n", middle) + 1 or len(text)
        else:
            high = middle
    return low


def _name_in_line(line):
    fields = line.split()
    return fields[2].decode("utf-8", "replace") if len(fields) > 2 else None
