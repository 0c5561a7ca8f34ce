"""What a program can say about lines and CPUs that are managed: the numbers from ops.MANAGE_FROM on."""

from tophalf.model.ops import MANAGE_FROM

(
    OP_SYNCHRONIZE_IRQ, OP_POLL_SPURIOUS, OP_POLL_END, OP_PERCPU_TRIGGER, OP_SET_AFFINITY, OP_VECTOR_CLEANUP, OP_IRQ_THREAD_END,
    OP_ACTOR,
) = range(MANAGE_FROM, MANAGE_FROM + 8)  # fmt: skip

OP_HOTPLUG = 160  # x: a step of taking a CPU down or bringing it up (`hotplug`, `stopmachine`); y: where to go on
