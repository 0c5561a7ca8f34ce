"""The decision tree: which bottom half. Pure data and functions; no model runs here.

It begins as the chapter's tree does (does it sleep? network or block? else a tasklet) and is corrected where the kernel says
otherwise; CORRECTIONS has each place with the kernel's line. Leaves out: shared data and locks, which every answer needs.
"""

from tophalf.advise import limits
from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, NAPI, SOFTIRQ, TASKLET, THREAD, WORKQUEUE
from tophalf.advise.needs import BLOCK, NETWORK
from tophalf.frozen import Frozen
from tophalf.vocab import NAPI_POLL_WEIGHT, human_count, human_ns

CORRECTIONS = {
    "thread-first": "the chapter sends all that sleeps to a workqueue. A threaded irq first: one call, one thread a line, nothing "
                    "to cancel when the driver goes (include/linux/interrupt.h: \"consider using threaded IRQs instead\")",
    "own-softirq": "the chapter offers softirqs for network and block I/O. No driver opens one: NAPI polls for the network, the "
                   "block layer raises BLOCK itself where it is needed (block/blk-mq.c blk_mq_complete_request_remote)",
    "top-half": "the chapter does not ask whether the work is worth deferring: a few µs cost more to hand over than to do",
    "no-tasklet": "the chapter ends at tasklets, \"good for most driver deferred work\". They are deprecated (include/linux/"
                  "interrupt.h: \"This API is deprecated\"): threaded irqs first, and where a softirq is needed BH work, since 6.9",
}  # fmt: skip


class Question(Frozen):
    """asks: for people. test(needs): the answer. fact(needs): what decided, a clause. yes, no: a node's name or a mechanism.
    corrects: {answer: of CORRECTIONS}, where the way differs from the chapter's."""

    __slots__ = ("asks", "test", "fact", "yes", "no", "corrects")


class Step(Frozen):
    """One step of the path: node, asks, answer (bool), fact, correction (a sentence or None)."""

    __slots__ = ("node", "asks", "answer", "fact", "correction")


def _short(needs):
    return needs.work_ns <= limits.TOP_HALF_WORK_NS and needs.load <= limits.TOP_HALF_SHARE


def _needs_softirq(needs):
    hurried = needs.latency_ns is not None and needs.latency_ns < limits.THREAD_LATENCY_NS
    return hurried or switches_share(needs) > limits.THREAD_SHARE


def switches_share(needs):
    """The share of a CPU that waking a thread at each interrupt takes, by the assumed cost of a context switch."""
    return needs.rate * limits.THREAD_SWITCHES_NS / 1e9


def _said_load(needs):
    return f"{human_ns(needs.work_ns)} of work, {human_count(needs.rate)}/s: {needs.load:.1%} of a CPU"


def _said_hurry(needs):
    latency = "any latency will do" if needs.latency_ns is None else f"it must begin within {human_ns(needs.latency_ns)}"
    return f"{latency}; two switches at each of {human_count(needs.rate)}/s are {switches_share(needs):.1%} of a CPU"


def _said_work(needs):
    return f"{human_ns(needs.work_ns)} of work"


def _said_per_cpu(needs):
    return "each CPU works for itself" if needs.per_cpu else "one at a time will do"


def _said_sleep(needs):
    return "it sleeps" if needs.sleeps else "it does not sleep"


def _said_device(needs):
    return f"it is a {needs.device} device" if needs.device else "it is no network or block device"


def _said_core(needs):
    return "a subsystem of the kernel" if needs.core else "a driver"


def _said_kernel(needs):
    return "Linux " + ".".join(map(str, needs.kernel))


START = "sleeps"
TREE = {
    "sleeps": Question(
        asks="Does the work need to sleep (a mutex, GFP_KERNEL, a slow bus)?", fact=_said_sleep,
        test=lambda needs: needs.sleeps, yes="per-cpu", no="network", corrects={True: "thread-first"}),
    "network": Question(
        asks="Is it the receive path of a network device?", fact=_said_device,
        test=lambda needs: needs.device == NETWORK, yes=NAPI, no="block", corrects={True: "own-softirq"}),
    "block": Question(
        asks="Is it the completion of block I/O?", fact=_said_device,
        test=lambda needs: needs.device == BLOCK, yes=SOFTIRQ, no="core", corrects={True: "own-softirq"}),
    "core": Question(
        asks="Is it a part of the kernel itself, worth a softirq vector of its own?", fact=_said_core,
        test=lambda needs: needs.core, yes=SOFTIRQ, no="short", corrects={}),
    "short": Question(
        asks=f"Is it short: at most {human_ns(limits.TOP_HALF_WORK_NS)}, and {limits.TOP_HALF_SHARE:.0%} of a CPU in all?",
        fact=_said_load, test=_short, yes=HARDIRQ, no="long", corrects={True: "top-half"}),
    "long": Question(
        asks=f"Is it too long for a softirq: over {human_ns(limits.SOFTIRQ_WORK_NS)}?", fact=_said_work,
        test=lambda needs: needs.work_ns > limits.SOFTIRQ_WORK_NS, yes="per-cpu", no="hurry", corrects={True: "no-tasklet"}),
    "hurry": Question(
        asks=f"Is a thread too late or too dear: sooner than {human_ns(limits.THREAD_LATENCY_NS)}, or its switches over "
             f"{limits.THREAD_SHARE:.0%} of a CPU?",
        fact=_said_hurry, test=_needs_softirq, yes="bh", no="per-cpu", corrects={False: "no-tasklet"}),
    "bh": Question(
        asks="Does the kernel have BH workqueues (6.9)?", fact=_said_kernel,
        test=lambda needs: needs.kernel >= limits.BH_WORK_SINCE, yes=BH_WORK, no=TASKLET, corrects={True: "no-tasklet"}),
    "per-cpu": Question(
        asks="Must several CPUs do it at a time, each for itself?", fact=_said_per_cpu,
        test=lambda needs: needs.per_cpu, yes=WORKQUEUE, no="hog", corrects={}),
    "hog": Question(
        asks=f"Does it compute for over {human_ns(limits.THREAD_WORK_NS)} at a time?", fact=_said_work,
        test=lambda needs: needs.work_ns > limits.THREAD_WORK_NS, yes=WORKQUEUE, no=THREAD, corrects={}),
}  # fmt: skip


def decide(needs):
    """(mechanism, [Step]): the answer, and the way to it."""
    node, path = START, []
    while node in TREE:
        question = TREE[node]
        answer = question.test(needs)
        correction = CORRECTIONS.get(question.corrects.get(answer))
        path.append(Step(node=node, asks=question.asks, answer=answer, fact=question.fact(needs), correction=correction))
        node = question.yes if answer else question.no
    return node, path


def cautions(needs, mechanism):
    """Sentences about what this answer does not make good."""
    found = []
    if needs.load >= 1:
        found.append(f"the work alone takes {needs.load:.0%} of a CPU: no mechanism keeps up on one; spread it over lines and "
                     "CPUs, or take more than one event an interrupt")  # fmt: skip
    if mechanism == TASKLET:
        found.append("tasklets are deprecated: keep it to one function, it becomes BH work when the kernel is 6.9 or later")
    hurried = needs.latency_ns is not None and needs.latency_ns < limits.THREAD_LATENCY_NS
    if hurried and mechanism in (THREAD, WORKQUEUE):
        reason = "it sleeps" if needs.sleeps else "it is too long for a softirq"
        found.append(f"to begin within {human_ns(needs.latency_ns)} is not certain in a {mechanism}, and {reason}: do what is "
                     "urgent in the top half, the rest there")  # fmt: skip
    if mechanism == WORKQUEUE and needs.latency_ns is not None:
        found.append("a kworker is an ordinary task: WQ_HIGHPRI gives it nice -20, nothing gives it a deadline")
    if mechanism == SOFTIRQ and needs.work_ns > limits.SOFTIRQ_WORK_NS:
        found.append(f"{human_ns(needs.work_ns)} at a time is too long for a softirq: hand the long part on to a workqueue")
    if mechanism == NAPI and needs.work_ns * NAPI_POLL_WEIGHT > limits.SOFTIRQ_BUDGET_NS:
        found.append(f"a poll of {NAPI_POLL_WEIGHT} packets takes {human_ns(needs.work_ns * NAPI_POLL_WEIGHT)}, the softirqs' "
                     "budget is 2 ms: a smaller weight, threaded NAPI, or less work a packet")  # fmt: skip
    return found
