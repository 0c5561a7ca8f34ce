"""Bad input at the command line: one line that names the place, or a partial answer that says what is missing."""

import io
import json
import os
import random
import subprocess
import sys
import tarfile
import threading

import pytest

import tophalf
from tophalf.cli.main import main

SOURCE = os.path.dirname(os.path.dirname(tophalf.__file__))
COMMANDS = [["irqs"], ["cpus"], ["check"], ["diff", "TWICE"], ["affinity", "*", "--machine"]]
GOOD = "           CPU0       CPU1\n 24:          1          2  IO-APIC  10-fasteoi   eth0\nLOC:  5  6   Local timer interrupts\n"
NO_MACHINES = (b"", b"\0" * 600, random.Random(5).randbytes(5000), b"text\n" * 200, b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0")


@pytest.fixture
def said(capsys):
    """Run a command on a path: (exit status, standard output, standard error)."""

    def run(command, path):
        status = main([*(str(path) if word == "TWICE" else word for word in command), str(path)])
        return (status, *capsys.readouterr())

    return run


def machine(folder, interrupts=GOOD, **files):
    """A directory with proc/interrupts and more files; `__` in a name is a slash."""
    texts = {"interrupts": interrupts, **{name.replace("__", "/"): text for name, text in files.items()}}
    for name, text in texts.items():
        place = folder / "proc" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def fails_in_one_line(result, *words):
    status, out, err = result
    assert status == 2 and not out and err.count("\n") == 1, (status, out[-500:], err)
    for word in words:
        assert word in err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("content", NO_MACHINES, ids=len)
def test_a_file_that_is_no_machine(said, tmp_path, command, content):
    (tmp_path / "file").write_bytes(content)
    fails_in_one_line(said(command, tmp_path / "file"), "file")


@pytest.mark.parametrize(
    ("interrupts", "words"),
    [
        (GOOD.replace("          1  ", str(2**70) + " "), ("/proc/interrupts:2", "64 bits")),
        (GOOD.replace("          1  ", "9" * 5000 + " "), ("/proc/interrupts:2", "64 bits")),
        ("", ("/proc/interrupts:1",)),
        ("CPU0 CPUx\n", ("/proc/interrupts:1",)),
        (bytes(range(256)), ("/proc/interrupts:1",)),
    ],
)
def test_damaged_interrupts_are_named_by_line(said, tmp_path, interrupts, words):
    for command in (["irqs"], ["affinity", "eth0", "--machine"]):
        fails_in_one_line(said(command, machine(tmp_path, interrupts)), *words)


def test_a_hundred_thousand_columns(said, tmp_path):
    header = " ".join(f"CPU{cpu}" for cpu in range(100_000))
    counts = "1 " * 100_000
    status, out, _ = said(["irqs", "--json"], machine(tmp_path, f"{header}\n 24: {counts} IO-APIC 1-edge x\n"))
    assert status == 0 and json.loads(out)["irqs"][0]["total"] == 100_000


def test_what_cannot_be_read_is_left_out_and_said(said, tmp_path):
    folder = machine(tmp_path, irq__24__smp_affinity="zz\n", irq__24__effective_affinity="2\n", softirqs="junk")
    status, out, _ = said(["irqs", "--json"], folder)
    document = json.loads(out)
    assert status == 0 and document["irqs"][0]["affinity"] is None and document["irqs"][0]["effective_affinity"] == [1]
    assert any("smp_affinity" in note for note in document["machine"]["notes"])


def test_a_file_cut_short_gives_what_is_whole(said, tmp_path):
    status, out, _ = said(["irqs", "--json"], machine(tmp_path, GOOD[:-35]))
    document = json.loads(out)
    assert status == 0 and [row["irq"] for row in document["irqs"]] == [24]
    assert any("/proc/interrupts:3" in note and "left out" in note for note in document["machine"]["notes"])


def tar(path, members):
    with tarfile.open(path, "w") as out:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                out.addfile(member)
            else:
                member.size = len(content)
                out.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_tar_that_wants_out_and_links_in_circles(said, tmp_path, command):
    members = [
        ("m/proc/interrupts", GOOD.encode()),
        ("../../etc/evil", b"x"),
        ("/abs/proc/stat", b"cpu 1\n"),
        ("m/proc/stat", "stat"),
        ("m/proc/softirqs", "../proc/softirqs"),
        ("m/proc/irq", "../../../../../../proc/irq"),
        ("m/sys", "/"),
        ("m/proc/net", "net2"),
        ("m/proc/net2", "net"),
    ]
    status, out, err = said(command, tar(tmp_path / "m.tar", members))
    assert status in (0, 1) and out or status == 2 and err.count("\n") == 1
    assert not os.path.exists("/etc/evil")
    if command == ["irqs"]:
        assert status == 0 and "1 paths that leave the archive were skipped" in out


def test_links_of_a_directory_do_not_show_this_hosts_files(said, tmp_path):
    folder = machine(tmp_path / "m")
    (folder / "proc" / "irq").symlink_to("/proc/irq")
    (folder / "proc" / "stat").symlink_to("/proc/stat")
    (folder / "proc" / "softirqs").symlink_to("softirqs")
    status, out, _ = said(["irqs", "--json"], folder)
    assert status == 0 and json.loads(out)["irqs"][0]["affinity"] is None


@pytest.mark.parametrize("packed", ["trace", "tar"])
def test_a_bomb_ends_early(tmp_path, packed):
    """A hundred KB that unpack to 2.2 GiB or say that they would to 12, in a process that may have 5."""
    zstandard = pytest.importorskip("zstandard")
    member = tarfile.TarInfo("m/proc/interrupts")
    member.size = 12 << 30
    with open(tmp_path / "bomb", "wb") as file, zstandard.ZstdCompressor().stream_writer(file) as out:
        out.write(member.tobuf() if packed == "tar" else b"# tracer: nop\n#\n")
        block = bytes(1 << 24)
        for _ in range(1 if packed == "tar" else 140):
            out.write(block)
    command = "irqs" if packed == "tar" else "trace"
    code = (
        f"import resource, sys; sys.path.insert(0, {SOURCE!r}); resource.setrlimit(resource.RLIMIT_AS, (5 << 30, 5 << 30))\n"
        f"from tophalf.cli.main import main; sys.exit(main([{command!r}, {str(tmp_path / 'bomb')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "2 GiB" in done.stderr, done.stderr[-500:]


AS_NOBODY = """
import contextlib, fcntl, importlib, io, os, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import tophalf
for room in ("host", "judge", "cli"):  # the interpreter's own folder may be closed to nobody: import while still root
    for module in pkgutil.walk_packages([f"{sys.argv[1]}/tophalf/{room}"], f"tophalf.{room}."):
        importlib.import_module(module.name)
from tophalf.cli.main import main
for command in (["irqs"], ["cpus", "--seconds", "0"], ["check", "--seconds", "0.05"], ["affinity", "*"]):
    with contextlib.redirect_stdout(io.StringIO()):
        main(command)  # what is imported late
os.setgroups([]); os.setgid(65534); os.setuid(65534); os.environ["HOME"] = "/nonexistent"
sys.exit(main(sys.argv[2:]))
"""


def as_nobody(*command):
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    return subprocess.run([sys.executable, "-c", AS_NOBODY, SOURCE, *command], capture_output=True, text=True, cwd="/")


@pytest.mark.parametrize(
    "command", [["irqs"], ["cpus", "--seconds", "0.05"], ["check", "--seconds", "0.05"], ["affinity", "*"]], ids=str
)
def test_without_root_there_is_an_answer(command):
    done = as_nobody(*command)
    assert done.returncode in (0, 1) and done.stdout and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    "command", [["record", "/tmp/tophalf-never.tar", "--seconds", "1"], ["affinity", "*", "0-0", "--all", "--wait", "0"]], ids=str
)
def test_without_root_recording_and_setting_say_so(command):
    done = as_nobody(*command)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "root" in done.stderr + done.stdout
    assert not os.path.exists("/tmp/tophalf-never.tar")


def test_files_that_change_while_they_are_read(said, tmp_path):
    """A writer replaces, cuts and removes them all the time; each read gives an answer or one line."""
    folder, stop = machine(tmp_path, irq__24__smp_affinity="3\n", softirqs="CPU0 CPU1\nHI: 1 2\n"), threading.Event()

    def disturb():
        rng, place = random.Random(3), folder / "proc" / "interrupts"
        while not stop.is_set():
            place.write_text(GOOD[: rng.randrange(len(GOOD))] if rng.random() < 0.5 else GOOD * rng.randrange(3))
            (folder / "proc" / "irq" / "24" / "smp_affinity").unlink(missing_ok=True)
            (folder / "proc" / "irq" / "24" / "smp_affinity").write_text(rng.choice(("3\n", "", "x", "1")))

    writer = threading.Thread(target=disturb)
    writer.start()
    try:
        seen = [said(["irqs", "--json"], folder) for _ in range(150)]
    finally:
        stop.set()
        writer.join()
    for status, out, err in seen:
        assert status == 0 and json.loads(out) or status == 2 and err.count("\n") == 1
    assert {status for status, _, _ in seen} == {0, 2}, "the writer disturbed nothing"
