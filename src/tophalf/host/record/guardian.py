"""A second process that gives a trace instance back when the recorder is gone, however it died."""

import contextlib
import os
import signal
import time

from tophalf.host.record.tracefs import remove_instance

RETRIES, RETRY_S = 100, 0.05  # the kernel closes a killed process's buffers one by one; until then the instance is busy


def start_guardian(instance_path):
    """Start a guardian for an instance. Returns the descriptor that holds it, for `dismiss`; when it closes, it acts.

    The guardian is nobody's child (forked twice) and in a session of its own, so neither a signal to the terminal's
    process group nor a wait for children meets it. Its descriptor is closed by the kernel also after SIGKILL.
    """
    watched, held = os.pipe()
    child = os.fork()
    if child == 0:
        _second_fork(watched, instance_path)
    os.close(watched)
    os.waitpid(child, 0)
    return held


def dismiss(held):
    """End the guardian without its acting: the instance has been given back, and the next may bear the same name."""
    with contextlib.suppress(BrokenPipeError):  # somebody killed the guardian
        os.write(held, b".")
    os.close(held)


def _second_fork(watched, instance_path):
    status = 1
    try:
        os.setsid()
        if os.fork() == 0:
            _guard(watched, instance_path)
        status = 0
    finally:
        os._exit(status)  # never back into the recorder's own code, nor its exit handlers


def _guard(watched, instance_path):
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        _keep_only(watched, instance_path)
        os.chdir("/")
        if not os.read(watched, 1):
            _give_back(instance_path)
    finally:
        os._exit(0)


def _keep_only(watched, instance_path):
    """Close everything else: another guardian's pipe held open here would keep that guardian waiting."""
    keep = {watched}
    if instance_path.startswith("/proc/self/fd/"):
        keep.add(int(instance_path.split("/")[4]))
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                continue  # the listing's own descriptor


def _give_back(instance_path):
    for _ in range(RETRIES):
        if remove_instance(instance_path):
            return
        time.sleep(RETRY_S)
