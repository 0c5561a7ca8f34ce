"""The memory of a world in plain Python that refuses what compiled code would do without a word.

A list takes an index below 0, and knows nothing of what lies where: a pointer that is none, a heap or a stack that is full, the
word after the last of an object (`put_guards`).
"""

from tophalf.model import fields as f
from tophalf.model.ground.memory import Memory

GUARD = 8  # words after each piece of memory


class CheckedMemory(list):
    """Raises: IndexError at an index that is negative, out of range or between objects, AssertionError at what spoils the world."""

    def __init__(self, world):
        super().__init__(world.memory)
        self.frames = {cpu + f.C_FRAME: cpu for cpu in world.builder.cpus}
        self.guards = getattr(world.builder.memory, "guards", frozenset())
        words = list.__getitem__(self, f.G_TRACE) - list.__getitem__(self, f.G_HEAP) - GUARD * bool(self.guards)
        self.timers_max = words // 2 - 1  # a slot has two words, and none is numbered 0

    def __getitem__(self, index):
        if index.__class__ is int and index < 0 or index.__class__ is not slice and index in self.guards:
            raise IndexError(f"m[{index}]")
        return list.__getitem__(self, index)

    def __setitem__(self, index, value):
        if index <= f.G_NULL or index in self.guards:
            raise IndexError(f"m[{index}] = {value}")
        if index == f.G_HEAP_COUNT:
            assert 0 <= value <= self.timers_max
        elif index in self.frames:
            room = (f.FRAMES_MAX - 1) * f.FRAME_SIZE
            stack = self[self.frames[index] + f.C_CURRENT] + f.K_STACK
            assert 0 <= value - stack <= room and (value - stack) % f.FRAME_SIZE == 0
        list.__setitem__(self, index, value)


def check_memory(world):
    """From here on a world of plain Python is looked after."""
    world.memory = CheckedMemory(world)


def put_guards(monkeypatch):
    """From here on worlds are built with words between their objects that belong to none."""
    for name in ("take", "put"):
        monkeypatch.setattr(Memory, name, _guarded(getattr(Memory, name)))


def _guarded(method):
    def guarded(self, given):
        address = method(self, given)
        end = len(self.words)
        self.words += [0] * GUARD
        self.__dict__.setdefault("guards", set()).update(range(end, end + GUARD))
        return address

    return guarded
