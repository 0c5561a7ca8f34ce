"""What a program can say: one instruction is four words, an opcode and three operands x, y, z.

Handlers of built-in devices, the kernel's own routines (`microcode`) and users' drivers are all such programs. An
instruction takes no time by itself; time passes where one leaves something in F_LEFT. Between any two instructions an
interrupt can arrive, if interrupts are on.
"""

STRIDE = 4  # words

# Control: `engine`
(
    OP_SPEND, OP_SPEND_NS, OP_SPEND_REG, OP_JUMP, OP_RET, OP_RET_REG, OP_CALL, OP_SET, OP_ADD, OP_JUMP_ZERO,
    OP_JUMP_POSITIVE,
) = range(11)  # fmt: skip
CONTROL_END = 11

# Tasks: `tasks`
(
    OP_HALT, OP_BLOCK, OP_SLEEP, OP_WAKE, OP_COND_RESCHED, OP_EXIT, OP_IRQS_OFF, OP_IRQS_ON, OP_BH_OFF, OP_BH_ON,
    OP_PREEMPT_OFF, OP_PREEMPT_ON, OP_SYSCALL, OP_FAULT,
) = range(11, 25)  # fmt: skip
TASKS_END = 25

# Interrupts: `hardirq`
(
    OP_FLOW_BEGIN, OP_ACTION, OP_ACTION_DONE, OP_FLOW_END, OP_IRQ_EXIT, OP_IRQ_RETURN, OP_SYSVEC_BEGIN, OP_SYSVEC_END,
    OP_LOCAL_TIMER, OP_IRQ_THREAD, OP_IRQ_THREAD_DONE, OP_DEVICE_ACK, OP_ENABLE_IRQ, OP_DISABLE_IRQ, OP_TRIGGER,
    OP_DEVICE_READ,
) = range(25, 41)  # fmt: skip
HARDIRQ_END = 41

# Softirqs and tasklets: `softirq`, `tasklet`
(
    OP_SOFTIRQ_BEGIN, OP_SOFTIRQ_PASS, OP_SOFTIRQ_VECTOR, OP_SOFTIRQ_DONE, OP_SOFTIRQ_AGAIN, OP_KSOFTIRQD, OP_RAISE,
    OP_TASKLETS_BEGIN, OP_TASKLET_NEXT, OP_TASKLET_DONE, OP_TASKLET_SCHEDULE, OP_TASKLET_DISABLE, OP_TASKLET_ENABLE,
    OP_TASKLET_KILL, OP_TASKLET_KILLED, OP_TIMERS,
) = range(41, 57)  # fmt: skip
SOFTIRQ_END = 57

# Network: `napi`, `nic`
(
    OP_NET_RX_BEGIN, OP_NET_RX_NEXT, OP_NET_RX_DONE, OP_NET_RX_END, OP_NAPI_SCHEDULE, OP_RX, OP_NAPI_COMPLETE, OP_RX_DRAIN,
    OP_QUEUE_DONE, OP_RX_STAGE, OP_RX_STAGED, OP_NET_RX_BUDGET, OP_NET_RX_POLLED, OP_CALL_FUNCTIONS,
) = range(57, 71)  # fmt: skip
NETWORK_END = 71  # OP_CALL_FUNCTIONS: `smpcall`

# Areas from here on have a range each, named in their own files: work 72-99 (`workops`), the network stack above NAPI 100-115
# (`stackops`), NAPI outside of softirqs and drivers 116-131 (`driverops`), block devices and timers 132-151 (`blockops`), lines and
# CPUs that are managed 152-171 (`manageops`), IRQ_POLL, RCU, SCHED and NMIs 172-191 (`vectorops`). Drivers that people write, with
# locals: 192-255 (`codeops`), and beyond, each in its own file, what they wait for 256-279, devices and NAPI 280-303, timers and
# registering 304-327, what is checked while they run 328-359.
WORK_FROM, STACK_FROM, DRIVER_FROM, BLOCK_FROM, MANAGE_FROM, VECTOR_FROM, CODE_FROM, CODE_WAIT_FROM = (
    72, 100, 116, 132, 152, 172, 192, 256
)  # fmt: skip
CODE_DEVICE_FROM, CODE_TIMER_FROM, CODE_CHECK_FROM, OPS_END = 280, 304, 328, 360
