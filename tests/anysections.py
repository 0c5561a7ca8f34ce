"""Sections for random machines beside `anyscenario`: the stack above NAPI, readers of sockets, suspend.

Each function draws what a valid scenario may say, as {key: value}; what the kernel or the model refuses is not drawn.
"""

from hypothesis import strategies as st

STACK_MODES = ("napi", "each", "counted")


def cost(most):
    return st.integers(0, most) | st.integers(1, most).map(lambda ns: f"exponential {ns}ns")


def mask(cpus):
    return st.integers(0, (1 << cpus) - 1).map(lambda bits: f"{bits:x}")


def some_cpus(cpus):
    return st.sets(st.integers(0, cpus - 1), min_size=1).map(sorted)


@st.composite
def places(draw, cpus):
    """Nodes, each a run of CPUs, and cores of two; how time is accounted for."""
    given = {"irq_time_accounting": draw(st.booleans())}
    if cpus > 1 and draw(st.booleans()):
        cut = draw(st.integers(1, cpus - 1))
        given["nodes"] = [f"0-{cut - 1}", f"{cut}-{cpus - 1}"]
    if draw(st.booleans()):
        given["cores"] = [f"{cpu}-{min(cpu + 1, cpus - 1)}" for cpu in range(0, cpus, 2)]
    return given


# The network stack


def stack_of_machine(cpus):
    return st.fixed_dictionaries({}, optional={
        "netdev_max_backlog": st.integers(1, 200), "dev_weight": st.integers(1, 64),
        "rps_sock_flow_entries": st.sampled_from((0, 1, 32, 100)), "flow_limit_cpu_bitmap": mask(cpus),
    })  # fmt: skip


@st.composite
def stack_of_nic(draw, cpus, steers):
    """steers: whether the machine may have RPS."""
    given = draw(st.fixed_dictionaries({"protocol_cost": cost(4000), "gro_segments": st.integers(1, 8)}, optional={
        "flows": st.integers(1, 40), "flow_order": st.sampled_from(("turn", "random")), "truesize": st.integers(256, 2000),
        "flow_weights": st.lists(st.integers(1, 5), min_size=1, max_size=3),
    }))  # fmt: skip
    if steers:
        given |= draw(st.fixed_dictionaries({}, optional={
            "rps_cpus": mask(cpus), "rps_flow_cnt": st.sampled_from((0, 1, 16, 64)), "rps_cost": cost(500),
        }))  # fmt: skip
    return given


@st.composite
def app(draw, number, device, polls, cpus):
    """polls: whether its device's mode can be busy polled."""
    given = draw(st.fixed_dictionaries({"cpus": some_cpus(cpus), "run": cost(5000)}, optional={
        "nice": st.integers(-20, 19), "fifo": st.sampled_from((0, 0, 1, 50, 99)), "rcvbuf": st.integers(2304, 100_000),
        "batch": st.integers(1, 16), "recv_cost": st.integers(1, 1000),
    }))  # fmt: skip
    if polls and draw(st.booleans()):
        given |= draw(st.fixed_dictionaries({"busy_read": st.integers(1, 200), "loop_cost": st.integers(20, 300)}, optional={
            "prefer_busy_poll": st.booleans(), "busy_poll_budget": st.integers(1, 64),
        }))  # fmt: skip
    return {"name": f"server{number}", "device": device, **given}


def suspend():
    return st.fixed_dictionaries({"time": st.integers(0, 5_000_000), "suspend": st.integers(1, 4_000_000)})
