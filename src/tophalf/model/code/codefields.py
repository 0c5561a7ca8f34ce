"""Where what drivers in Python need lies: locals of frames, registers of devices, locks.

A frame's locals are LOCALS_MAX words of its own. Those of a task's stack lie one after another in the order of its frames, so that
frame + LOCALS_EACH * (frame's place) is all that finding them takes: K_LOCALS + LOCALS_EACH * frame. K_LOCALS is their address less
LOCALS_EACH * (where the task's first frame is), which may be negative.
"""

from tophalf.model.fields import FRAME_SIZE

LOCALS_EACH = 6
LOCALS_MAX = LOCALS_EACH * FRAME_SIZE

# Registers of a device. The status register shows R_READY while the device wants attention, beside what was written there last;
# who writes R_READY there acknowledges (write 1 to clear). R_STATUS is -1 without one. The registers' words follow.
R_DEVICE, R_STATUS, R_READY, R_COUNT, R_WORDS = range(5)

# A lock: who has it (a CPU of a spinlock, a task of a mutex); those who wait: tasks in their order, linked through K_WAIT_NEXT, or
# frames that spin
L_OWNER, L_HEAD, L_TAIL, LOCK_SIZE = range(4)
SPIN_NS = 100  # between two looks at a lock that is taken (cpu_relax); assumed
