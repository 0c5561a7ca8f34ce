"""For tests that record this machine: why they cannot, and work whose count is known."""

import os
import socket

import pytest

from tophalf.errors import MachineError
from tophalf.host.record.tracefs import tracefs_path


def why_not():
    """Why this machine cannot be recorded, or None."""
    try:
        path = tracefs_path()
    except MachineError as error:
        return error.line()
    return None if os.access(f"{path}/instances", os.W_OK) else f"no trace instances in {path}"


WHY_NOT = why_not()
needs_tracefs = pytest.mark.skipif(WHY_NOT is not None, reason=f"kernel events cannot be recorded here: {WHY_NOT}")


def send_datagrams(count):
    """Send so many UDP datagrams over loopback, one at a time, and take each out again. Returns how many came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        sender.connect(receiver.getsockname())
        for _ in range(count):
            sender.send(b"23")
            receiver.recv(2)
    return count


def instances():
    """Names of the instances that recorders have."""
    return {name for name in os.listdir(f"{tracefs_path()}/instances") if name.startswith("tophalf-")}
