"""Where what tasks of drivers wait with lies: a block of each task, wait queues, completions, read-write locks."""

from tophalf.model.code.codefields import L_HEAD, L_OWNER

# A wait queue is one word: the block of the task that began to wait last, linked through B_NEXT.
# A completion: how often it was completed and nobody took it; tasks that wait, linked through K_WAIT_NEXT
CP_DONE, CP_HEAD, CP_TAIL, COMPLETION_SIZE = range(4)
DONE_MAX = (1 << 32) - 1  # UINT_MAX

# What a task has of its own (K_WAITER): the wait queue that it is in (0: none), how it waits there; of a kthread whether it should
# stop, what it returned, and the completion of its end
B_TASK, B_NEXT, B_QUEUE, B_STATE, B_STOP, B_RESULT, B_EXITED = range(7)
WAITER_SIZE = B_EXITED + COMPLETION_SIZE
AT_REST, PREPARED, ASLEEP = range(3)  # B_STATE: woken or never there; its state is set; it has left its CPU
ERESTARTSYS = 512

# A read-write lock: the CPU that writes; frames that spin, and a word of no use (as of a lock); how many read or are about to;
# whether the first in the queue is a writer that readers stay behind; the queue of those that wait in their order, as tickets: how
# many were given out, and how many are done
RW_WRITER, RW_SPINNERS, _, RW_READERS, RW_WAITING, RW_TICKETS, RW_TURN, RWLOCK_SIZE = range(8)
assert (RW_WRITER, RW_SPINNERS) == (L_OWNER, L_HEAD)
