"""The door: every form of MACHINE, alone, packed, nested, damaged and hostile."""

import io
import os
import tarfile

import pytest

from tophalf.errors import MachineError
from tophalf.host.door import open_machine
from tophalf.host.read import read_snapshot


@pytest.fixture
def case(tmp_path, data):
    """A recorded series, unpacked."""
    with tarfile.open(os.path.join(data, "hosts", "cpu0.tar.xz")) as tar:
        tar.extractall(tmp_path, filter="data")
    return os.path.join(tmp_path, "cpu0")


def pack(path, folder, mode, prefix=""):
    with tarfile.open(path, mode) as tar:
        tar.add(folder, arcname=os.path.join(prefix, os.path.basename(folder)))
    return str(path)


def counts(machine, index=0):
    root = machine.moments[index][1]
    return read_snapshot(root, 0, ("interrupts",)).interrupts


def test_nothing_is_this_host():
    machine = open_machine()
    assert machine.live and machine.kind == "live" and counts(machine).cpus


def test_a_directory_with_proc_is_one_moment(case):
    machine = open_machine(os.path.join(case, "000.000"))
    assert (machine.kind, len(machine.moments), machine.live) == ("moment", 1, False)


def test_a_series_has_its_times_from_the_directories(case):
    machine = open_machine(case)
    assert machine.kind == "series"
    times = [time_ns for time_ns, _ in machine.moments]
    assert times[:2] == [0, 997_000_000] and times == sorted(times)


def test_what_belongs_to_no_moment_is_found_beside_them(case):
    assert "Linux version" in open_machine(case).moments[0][1].text("/dmesg")


@pytest.mark.parametrize(("ending", "mode"), [(".tar", "w"), (".tar.gz", "w:gz"), (".tar.xz", "w:xz"), (".tar.bz2", "w:bz2")])
@pytest.mark.parametrize("prefix", ["", "home/user/deep"])
def test_archives_hold_the_same_wherever_the_root_lies(case, tmp_path, ending, mode, prefix):
    machine = open_machine(pack(tmp_path / f"packed{ending}", case, mode, prefix))
    unpacked = open_machine(case)
    assert [time_ns for time_ns, _ in machine.moments] == [time_ns for time_ns, _ in unpacked.moments]
    assert counts(machine, -1) == counts(unpacked, -1)


def test_a_single_root_in_an_archive(case, tmp_path):
    machine = open_machine(pack(tmp_path / "one.tar", os.path.join(case, "000.000"), "w", "sosreport-host-2026"))
    assert machine.kind in ("moment", "series") and counts(machine).lines["24"].actions


def test_a_truncated_archive_keeps_what_is_whole(case, tmp_path):
    path = pack(tmp_path / "cut.tar.gz", case, "w:gz")
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 3)
    machine = open_machine(path)
    assert 0 < len(machine.moments) < len(open_machine(case).moments)
    assert "damaged" in machine.notes[0]


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"hello\n" * 1000, b"\x1f\x8b broken gzip", b"\xfd7zXZ\0 broken",
                                     b"BZh9 broken", b"\x28\xb5\x2f\xfd broken"])  # fmt: skip
def test_what_is_no_machine_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "thing"
    path.write_bytes(content)
    with pytest.raises(MachineError) as caught:
        open_machine(str(path))
    assert str(path) in caught.value.line() and "\n" not in caught.value.line()


def test_nothing_there(tmp_path):
    with pytest.raises(MachineError, match="no such file"):
        open_machine(str(tmp_path / "absent"))
    with pytest.raises(MachineError, match="no proc/"):
        open_machine(str(tmp_path))


def add(tar, name, content=b"", link=None):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    if link is not None:
        member.type, member.linkname = tarfile.SYMTYPE, link
    tar.addfile(member, io.BytesIO(content))


def hostile(tmp_path, *members):
    path = str(tmp_path / "hostile.tar")
    with tarfile.open(path, "w") as tar:
        add(tar, "m/proc/stat", b"cpu0 1 2 3 4\nctxt 5\n")
        for member in members:
            add(tar, *member)
    return path


def test_paths_that_leave_the_archive_are_skipped(tmp_path):
    machine = open_machine(hostile(tmp_path, ("../../etc/proc/interrupts", b"CPU0\n")))
    assert "1 paths that leave the archive were skipped" in machine.notes


def test_symlink_loops_end(tmp_path):
    machine = open_machine(hostile(tmp_path, ("m/sys/a", b"", "b"), ("m/sys/b", b"", "a"), ("m/sys/up", b"", "../..")))
    root = machine.moments[0][1]
    assert root.read("/sys/a/x") is None and root.listing("/sys/a") == []
    assert root.read("/sys/up/proc/stat") is not None


def test_links_inside_an_archive_are_followed(tmp_path):
    link = ("m/sys/class/net/eth0", b"", "../../devices/pci0/net/eth0")
    path = hostile(tmp_path, ("m/sys/devices/pci0/net/eth0/mtu", b"1500\n"), link)
    root = open_machine(path).moments[0][1]
    assert root.number("/sys/class/net/eth0/mtu") == 1500
    assert root.real("/sys/class/net/eth0") == "/sys/devices/pci0/net/eth0"


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("tophalf.host.archive.TOTAL_BYTES_MAX", 1 << 20)
    path = hostile(tmp_path, ("m/proc/bomb", bytes(2 << 20)), ("m/proc/interrupts", b"CPU0\n"))
    machine = open_machine(path)
    assert "reading stopped" in machine.notes[0] or machine.moments[0][1].read("/proc/bomb") is None


def test_a_directory_link_does_not_leave_the_machine(tmp_path):
    root = tmp_path / "m"
    (root / "proc").mkdir(parents=True)
    (root / "proc" / "stat").write_text("cpu0 1 2 3 4\n")
    (tmp_path / "secret").write_text("CPU0\n")
    (root / "proc" / "interrupts").symlink_to(tmp_path / "secret")
    (root / "proc" / "loop").symlink_to("loop")
    machine = open_machine(str(root))
    assert machine.moments[0][1].read("/proc/interrupts") is None
    assert machine.moments[0][1].missing["/proc/interrupts"] == "symlink loop"
    assert machine.moments[0][1].read("/proc/loop") is None


def test_a_trace_alone_has_no_counters(data):
    machine = open_machine(os.path.join(data, "hosts", "slow.trace.dat"))
    assert machine.kind == "trace" and not machine.holds_counters and machine.trace.form == "dat"


def test_packed_tracefs_text(data):
    assert open_machine(os.path.join(data, "hosts", "idle-6.18.trace.txt.xz")).trace.form == "text"


def test_a_trace_beside_a_machine(data):
    hosts = os.path.join(data, "hosts")
    machine = open_machine(os.path.join(hosts, "slow.tar.xz"), os.path.join(hosts, "slow.trace.dat"))
    assert machine.holds_counters and machine.trace.form == "dat"


def test_a_containers_mount_of_proc_is_live(tmp_path):
    machine = open_machine("/")
    assert machine.live
