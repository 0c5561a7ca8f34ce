"""The only code that changes a machine: masks of interrupts, with memory and proof."""
