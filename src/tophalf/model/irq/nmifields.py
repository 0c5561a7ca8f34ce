"""A CPU's counter that interrupts with an NMI: its timer, then what it keeps."""

from tophalf.model.fields import TIMER_SIZE

# N_LATCHED: another came while one was handled
NM_CPU, NM_FIRST, NM_PERIOD, NM_PROGRAM, NM_COUNT, NM_LATCHED, NMI_SOURCE_SIZE = range(TIMER_SIZE, TIMER_SIZE + 7)
