"""Where what drivers in Python need lies: locals of frames, registers of devices, locks.

A frame's locals are LOCALS_MAX words of its own. Those of a task's stack lie one after another in the order of its frames, so that
frame + LOCALS_EACH * (frame's place) is all that finding them takes: K_LOCALS + LOCALS_EACH * frame. K_LOCALS is their address less
LOCALS_EACH * (where the task's first frame is), which may be negative.
"""

from tophalf.model.fields import FRAME_SIZE, NAPI_SIZE

LOCALS_EACH = 6
LOCALS_MAX = LOCALS_EACH * FRAME_SIZE

# A NAPI instance of such a driver. N_LET_GO: how often napi_complete_done was called
N_LET_GO = NAPI_SIZE
NAPI_OF_DRIVER_SIZE = NAPI_SIZE + 1

# A device behind its registers. R_READY, R_IDLE: bits of its status; R_ENABLE: the word that says which may interrupt, where a bit
# of R_FLIP means not, 0 for none. R_WAITS of R_ROOM places are taken by what has arrived: R_ARRIVED, R_DROPPED where there was no
# place, R_TAKEN read; R_FIFO: their numbers, 0 for none, and all are counted modulo R_DEPTH. R_IS_LATCH: one place that is
# acknowledged. R_GONE: how many have left their place: read, consumed, acknowledged; R_ANSWERED: what handlers did of that and of
# letting go (V_LET_GO); R_SEEN: how often what was read there told of something. Operations: R_LATENCY a cost; R_UNITS timers of
# R_UNIT_COUNT at a time, of which R_BUSY run; R_RUNG the doorbell. R_COUNT registers follow, two words each: what there is about
# it, and what was written.
(
    R_DEVICE, R_COUNT, R_READY, R_IDLE, R_ENABLE, R_FLIP, R_IS_LATCH, R_DEPTH, R_ROOM, R_WAITS, R_ARRIVED, R_DROPPED, R_TAKEN,
    R_FIFO, R_LATENCY, R_UNITS, R_UNIT_COUNT, R_BUSY, R_STARTED, R_COMPLETED, R_REFUSED, R_RUNG, R_GONE, R_ANSWERED,
    R_SEEN, R_WORDS,
) = range(26)  # fmt: skip
REGISTER_ROLE, REGISTER_WORD, REGISTER_SIZE = range(3)
# REGISTER_ROLE: 0, or what reading and writing it does beside keeping the word
STATUS, ENABLES, DATA, PRODUCED, CONSUMED, START, DOORBELL = 1, 2, 4, 8, 16, 32, 64

# A lock: who has it (a CPU of a spinlock, a task of a mutex); those who wait: tasks in their order, linked through K_WAIT_NEXT, or
# frames that spin
L_OWNER, L_HEAD, L_TAIL, LOCK_SIZE = range(4)
SPIN_NS = 100  # between two looks at a lock that is taken (cpu_relax); assumed
