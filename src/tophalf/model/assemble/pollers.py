"""[[nic]] threaded into threads of NAPI."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.builddriver import add_napi_thread


def check(nic):
    """Raises: TophalfError for threads that there cannot be."""
    if nic.threaded and nic.mode != "napi":
        raise TophalfError(f"mode = {nic.mode} has no thread", nic.where("threaded"), "leave threaded out, or mode")
    for key in ("thread_cpus", "thread_fifo"):
        if key in nic.given and not nic.threaded:
            raise TophalfError("there is no thread of NAPI", nic.where(key), "say threaded = true")


def add_to_queue(builder, nic, number, napi):
    """The thread of the queue of that number: on its CPU of thread_cpus, else on that of the queue's interrupt."""
    if not nic.threaded:
        return
    m = builder.memory
    cpu = m[m[m[m[napi + f.N_QUEUE] + f.Q_DESC] + f.D_CPU] + f.C_NUMBER]
    add_napi_thread(builder, napi, nic.thread_cpus[number % len(nic.thread_cpus)] if nic.thread_cpus else cpu, nic.thread_fifo)
