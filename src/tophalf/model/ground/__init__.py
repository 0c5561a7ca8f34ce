"""What every room of the model stands on: memory, programs, time, random numbers, lists, the way to machine code."""
