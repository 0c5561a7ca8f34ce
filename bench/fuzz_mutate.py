"""Ways to spoil input: bytes, numbers, lines and lengths, one to eight spots at a time."""

import re

NUMBERS = (b"0", b"1", b"-1", b"4294967295", b"4294967296", b"18446744073709551616", b"1180591620717411303424",
           b"9" * 4400, b"99999999", b"0-99999999999", b"nan", b"1e400", b"0x10", b"", b"1.5", b"\xd9\xa3")  # fmt: skip
WORDS = (b"\0", b"\n", b"\n\n", b" ", b"\t", b":", b",", b"-", b"(", b")", b"[", b"]", b"{", b"}", b'"', b"%", b"..", b"/", b"\r",
         b"\xff", b"\x85", b"\x1c", b"\xe2\x80\xa8", b"CPU0", b"CPU", b"ffffffff,", b"null", b"[" * 3000,
         b"A" * 70000)  # fmt: skip
WIDTHS = (1, 2, 4, 8)
_DIGITS = re.compile(rb"\d+")


def mutate(data, rng, others=(b"",)):
    """Spoilt bytes. rng: random.Random. others: what to splice in from."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        rng.choice(_WAYS)(data, rng, others)
    return bytes(data)


def _place(data, rng):
    return rng.randrange(len(data) + 1)


def _flip(data, rng, others):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _byte(data, rng, others):
    if data:
        data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _integer(data, rng, others):
    """A binary integer at its largest, smallest, or somewhat off."""
    width = rng.choice(WIDTHS)
    if len(data) < width:
        return
    at = rng.randrange(len(data) - width + 1) & ~(width - 1 if rng.random() < 0.8 else 0)
    old = int.from_bytes(data[at : at + width], "little")
    top = 1 << 8 * width
    edges = (0, 1, top - 1, top >> 1, (top >> 1) - 1)
    new = rng.choice((*edges, old + 1, old - 1, old * 2, old + rng.randrange(-64, 65), rng.randrange(top)))
    data[at : at + width] = (new % top).to_bytes(width, "little")


def _cut(data, rng, others):
    del data[0 if rng.random() < 0.1 else _place(data, rng) :]


def _remove(data, rng, others):
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 8, 64, 512, 4096))]


def _insert(data, rng, others):
    at = _place(data, rng)
    data[at:at] = rng.choice((*WORDS, rng.randbytes(rng.choice((1, 4, 40)))))


def _repeat(data, rng, others):
    at = _place(data, rng)
    piece = data[at : at + rng.choice((1, 4, 16, 80, 512, 4096))]
    data[at:at] = piece * rng.choice((1, 1, 2, 50))


def _splice(data, rng, others):
    other = rng.choice(others)
    start, at = rng.randrange(len(other) + 1), _place(data, rng)
    data[at : at + rng.choice((0, 16, 512))] = other[start : start + rng.choice((16, 512, 4096))]


def _number(data, rng, others):
    """A decimal number in text becomes another."""
    found = list(_DIGITS.finditer(data, max(0, _place(data, rng) - 200)))[:40]
    if found:
        match = rng.choice(found)
        data[match.start() : match.end()] = rng.choice(NUMBERS)


def _line(data, rng, others):
    """A line goes, comes twice, or changes places."""
    at = _place(data, rng)
    start = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at) + 1 or len(data)
    line = bytes(data[start:end])
    if rng.random() < 0.5:
        del data[start:end]
    at = _place(data, rng)
    start = data.rfind(b"\n", 0, at) + 1
    if rng.random() < 0.8:
        data[start:start] = line


_WAYS = (_flip, _byte, *[_integer] * 3, _cut, _remove, _insert, _repeat, _splice, *[_number] * 3, *[_line] * 2)
