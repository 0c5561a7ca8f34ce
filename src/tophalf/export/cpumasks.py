"""CPU sets as the kernel prints masks."""


def mask(cpus):
    """A CPU set as the kernel writes masks: words of 32 bits."""
    digits = f"{sum(1 << cpu for cpu in cpus):x}"
    digits = digits.zfill(-(-len(digits) // 8) * 8)
    return ",".join(digits[at : at + 8] for at in range(0, len(digits), 8))
