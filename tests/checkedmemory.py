"""The memory of a world in plain Python that refuses what compiled code would do without a word.

A list takes an index below 0, and knows nothing of what lies where: a pointer that is none, a heap or a stack that is full.
"""

from tophalf.model import fields as f


class CheckedMemory(list):
    """Raises: IndexError at an index that is out of range or negative, AssertionError at what spoils the world."""

    def __init__(self, world):
        super().__init__(world.memory)
        self.frames = {cpu + f.C_FRAME: cpu for cpu in world.builder.cpus}
        self.timers_max = self[f.G_TRACE] - self[f.G_HEAP] - 1

    def __getitem__(self, index):
        if index.__class__ is int and index < 0:
            raise IndexError(f"m[{index}]")
        return list.__getitem__(self, index)

    def __setitem__(self, index, value):
        if index <= f.G_NULL:
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
