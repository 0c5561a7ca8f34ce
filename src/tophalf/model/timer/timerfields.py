"""A driver's timer: what it keeps behind the kernel's (fields.H_*)."""

from tophalf.model.fields import HRTIMER_SIZE

# DT_CPU, DT_FIRST: where and when it starts before the run; DT_DUE: when it was to run; DT_LATE_*: by how much it was later;
# DT_RUNNING: the CPU that runs the function of an hrtimer of a driver in Python
DT_CPU, DT_FIRST, DT_DUE, DT_RUNS, DT_LATE_SUM, DT_LATE_MAX, DRIVER_TIMER_SIZE = range(HRTIMER_SIZE, HRTIMER_SIZE + 7)
DT_RUNNING, CODE_TIMER_SIZE = range(DRIVER_TIMER_SIZE, DRIVER_TIMER_SIZE + 2)
