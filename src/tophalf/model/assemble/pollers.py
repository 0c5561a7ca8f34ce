"""[[nic]] threaded into threads of NAPI, [[app]] busy_read into tasks that busy poll."""

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.net.builddriver import add_napi_thread, let_socket_busy_poll


def check(nic):
    """Raises: TophalfError for threads that there cannot be."""
    if nic.threaded and nic.mode != "napi":
        raise TophalfError(f"mode = {nic.mode} has no thread", nic.where("threaded"), "leave threaded out, or mode")
    for key in ("thread_cpus", "thread_fifo"):
        if key in nic.given and "threaded" not in nic.given:
            raise TophalfError("there is no thread of NAPI", nic.where(key), "say threaded = true")


def add_to_queue(builder, nic, number, napi):
    """The thread of the queue of that number: on its CPU of thread_cpus, else anywhere, first on that of the queue's interrupt."""
    if not nic.threaded:
        return
    m = builder.memory
    cpu = m[m[m[m[napi + f.N_QUEUE] + f.Q_DESC] + f.D_CPU] + f.C_NUMBER]
    if nic.thread_cpus:
        cpu = nic.thread_cpus[number % len(nic.thread_cpus)]
    add_napi_thread(builder, napi, cpu, nic.thread_fifo, floats=not nic.thread_cpus)


def add_to_socket(builder, scenario, app, socket, who):
    """Reads of a program's socket busy poll. Raises: TophalfError where nothing can be polled."""
    if not app.busy_read:
        for key in ("prefer_busy_poll", "busy_poll_budget", "loop_cost"):
            if key in app.given and "busy_read" not in app.given:
                raise TophalfError("it does not busy poll", app.where(key), "give busy_read")
        return
    nic = next(nic for nic in scenario.all("nic") if nic.name == app.device)
    if nic.mode != "napi":
        raise TophalfError(f"mode = {nic.mode} of {nic.name} cannot be polled", app.where("busy_read"), "leave it out, or mode")
    loop = builder.cost(app.loop_cost, f"busy loop of {who}")
    let_socket_busy_poll(builder, socket, loop, app.busy_read, app.prefer_busy_poll, app.busy_poll_budget)
