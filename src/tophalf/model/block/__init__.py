"""Block devices: queues, completions, polled queues."""
