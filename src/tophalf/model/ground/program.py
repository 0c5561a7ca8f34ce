"""Programs as people write them, with labels, into words of the world's memory."""

from tophalf.model.ops import STRIDE


class Assembler:
    """Gathers instructions; `place` puts them into a memory. An operand that is a text is a label's address."""

    def __init__(self):
        self._instructions, self._labels = [], {}

    def label(self, name):
        """Name the next instruction. Raises: ValueError for a name that is taken."""
        if name in self._labels:
            raise ValueError(f"label {name} twice")
        self._labels[name] = len(self._instructions)

    def __call__(self, op, x=0, y=0, z=0):
        """One instruction."""
        self._instructions.append((op, x, y, z))

    def place(self, memory):
        """Put the program at the end of a memory. Returns {label: address}. Raises: KeyError for an unknown label."""
        base = len(memory.words)
        addresses = {name: base + STRIDE * index for name, index in self._labels.items()}
        words = []
        for instruction in self._instructions:
            words += [addresses[operand] if isinstance(operand, str) else operand for operand in instruction]
        memory.put(words)
        return addresses
