"""Kernel settings that shape softirq work: /proc/sys, or what `sysctl -a` printed in a sosreport."""

from tophalf.host.fields import first_text, integer, word

NAMES = (
    "net.core.netdev_budget", "net.core.netdev_budget_usecs", "net.core.netdev_max_backlog", "net.core.dev_weight",
    "net.core.dev_weight_rx_bias", "net.core.dev_weight_tx_bias", "net.core.rps_sock_flow_entries",
    "net.core.rps_default_mask", "net.core.flow_limit_cpu_bitmap", "net.core.flow_limit_table_len",
    "net.core.gro_normal_batch", "net.core.busy_poll", "net.core.busy_read", "net.core.rmem_default", "net.core.rmem_max",
    "net.core.optmem_max", "net.ipv4.udp_mem", "net.ipv4.udp_rmem_min", "kernel.sched_rt_runtime_us",
    "kernel.sched_rt_period_us", "kernel.timer_migration", "kernel.numa_balancing", "kernel.watchdog_thresh",
    "kernel.dmesg_restrict", "kernel.perf_event_paranoid", "kernel.ftrace_enabled",
)  # fmt: skip


def read_sysctl(root):
    """{"net.core.netdev_budget": int, ...}; a setting that is no single integer stays text. None when none is recorded."""
    found = {name: word(root, f"/proc/sys/{name.replace('.', '/')}") for name in NAMES}
    if not any(found.values()) and not root.live:
        _, text = first_text(root, "/sos_commands/kernel/sysctl_-a")
        found = parse_sysctl(text or "")
    settings = {name: _value(text) for name, text in found.items() if text}
    return settings or None


def parse_sysctl(text):
    """{name: text} of the settings of interest in the output of `sysctl -a`. Never an error: other lines are skipped."""
    pairs = (line.partition(" = ") for line in text.split("\n"))
    return {name: value.strip() for name, sign, value in pairs if sign and name in NAMES}


def _value(text):
    number = integer(text)
    return text if number is None else number
