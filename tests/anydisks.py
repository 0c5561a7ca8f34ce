"""Sections for random machines beside `anyscenario`: disks with jobs on them, timers, the softirqs of the load balancer and RCU."""

from hypothesis import strategies as st

from anysections import cost, some_cpus


def softirqs():
    """What [softirqs] says, or None."""
    costs = {"rcu_core": cost(2000), "rcu_callback": cost(500)}
    return st.none() | st.fixed_dictionaries(costs, optional={"load_balance": cost(9000)})


@st.composite
def sections(draw, cpus, background):
    """[(section, {key: value})] of all that this file is about. background: what `softirqs` drew."""
    found = [("softirqs", background)] if background else []
    if draw(st.integers(0, 3)) == 0:
        found.append(("nmi", {"rate": draw(st.integers(1, 20_000)), "cpus": draw(st.none() | some_cpus(cpus)), "cost": 1500}))
    found += [("timer", draw(_timer(cpus))) for _ in range(draw(st.integers(0, 2)))]
    for number in range(draw(st.sampled_from((0, 0, 1, 2)))):
        disk = draw(_disk(number, cpus))
        jobs = [draw(_job(f"fio{number}{at}", disk, cpus)) for at in range(draw(st.integers(0, 2)))]
        found += [("disk", disk), *(("job", job) for job in jobs)]
    return found


def _timer(cpus):
    return st.fixed_dictionaries({
        "kind": st.sampled_from(("wheel", "hrtimer", "soft")), "period": st.integers(50_000, 80_000_000), "cpus": some_cpus(cpus),
        "cost": cost(20_000),
    })  # fmt: skip


@st.composite
def _disk(draw, number, cpus):
    nvme = draw(st.booleans())
    return {
        "name": f"nvme{number}n1", "driver": "nvme" if nvme else "ahci", "irq": 200 + 16 * number,
        "queues": draw(st.integers(1, cpus)) if nvme else None, "poll_queues": draw(st.integers(0, cpus)) if nvme else 0,
        "rq_affinity": draw(st.integers(0, 2)), "channels": draw(st.integers(1, 16)), "irq_poll": draw(st.booleans()),
        "service": draw(st.integers(5000, 300_000) | st.just("exponential 50us")), "handler_cost": draw(cost(2000)),
        "cqe_cost": draw(cost(500)), "complete_cost": draw(cost(3000)),
    }  # fmt: skip


@st.composite
def _job(draw, name, disk, cpus):
    return {
        "name": name, "disk": disk["name"], "cpus": draw(st.none() | some_cpus(cpus)), "depth": draw(st.integers(1, 8)),
        "rate": draw(st.sampled_from((0, 0, 3000))), "arrivals": draw(st.sampled_from(("constant", "poisson", "bursts"))),
        "run": draw(cost(5000)), "submit_cost": draw(cost(3000)), "poll": bool(disk["poll_queues"] and draw(st.booleans())),
        "poll_cost": draw(st.integers(500, 3000)),
    }  # fmt: skip
