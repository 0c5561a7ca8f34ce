"""The model: the interrupt subsystem of one SMP machine, executable. Its door is `simulate`."""
