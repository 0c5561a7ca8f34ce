"""Reading a file in place: the lease keeps writers out until it is read, and is given back."""

import os
import subprocess
import sys

import pytest

from tophalf.host.mapped import file_contents

WRITER = "import os, sys; os.close(os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK))"


def try_to_cut(path):
    """Whether another process may cut the file now; with O_NONBLOCK it is told instead of waiting (EWOULDBLOCK)."""
    return subprocess.run([sys.executable, "-c", WRITER, path], capture_output=True).returncode == 0


def test_a_writer_waits_while_the_file_is_read(tmp_path):
    path = tmp_path / "trace.dat"
    path.write_bytes(b"events" * 1000)
    with file_contents(str(path)) as data:
        if not try_to_cut(str(path)):
            assert bytes(data[-6:]) == b"events" and os.path.getsize(path) == 6000
        else:
            pytest.skip("this file system has no leases")
    assert try_to_cut(str(path)) and os.path.getsize(path) == 0


def test_a_file_that_is_being_written_is_copied(tmp_path):
    path = tmp_path / "trace.dat"
    with open(path, "wb") as writer:
        writer.write(b"events" * 1000)
        writer.flush()
        with file_contents(str(path)) as data:
            assert try_to_cut(str(path)), "no lease beside a writer"
            assert bytes(data[:6]) == b"events", "what was read stays"


def test_an_empty_file_is_empty(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    with file_contents(str(tmp_path / "empty")) as data:
        assert len(data) == 0
