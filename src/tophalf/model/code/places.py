"""Which line of a driver a CPU is at: for the words of an error."""

from tophalf.model import fields as f
from tophalf.model.ops import STRIDE


def place_of(world, cpu):
    """As "sensor.py:12, in sensor_irq", the innermost function of a driver on a CPU's stack; None without one. The instruction
    that was done last counts."""
    m = world.memory
    frame, bottom = int(m[cpu + f.C_FRAME]), int(m[cpu + f.C_CURRENT]) + f.K_STACK
    while frame >= bottom:
        at = int(m[frame + f.F_PC]) - STRIDE
        for address, lines, path, function in world.builder.code_places:
            if address <= at < address + STRIDE * len(lines):
                return f"{path}:{lines[(at - address) // STRIDE]}, in {function}"
        frame -= f.FRAME_SIZE
    return None
