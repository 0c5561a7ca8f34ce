"""The tar that a recording is: what tarfile reads of it, cut off anywhere, on a full disk."""

import io
import os
import resource
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tophalf.errors import MachineError
from tophalf.host.tarindex import index_tar
from tophalf.recording import TarWriter, moment_name, seconds_name

LETTERS = st.characters(codec="utf-8", exclude_characters="/\0")
PART = st.text(LETTERS, min_size=1, max_size=60).filter(lambda part: part not in (".", ".."))
NAME = st.lists(PART, min_size=1, max_size=4).map("/".join)


def written(path, files, links=(), flush_each=True):
    tar = TarWriter(str(path), "case", force=True)
    for name, data in files.items():
        tar.add(f"proc/{name}", data)
        if flush_each:
            tar.flush()
    for name, target in links:
        tar.link(f"sys/{name}", target)
    tar.close()
    return str(path)


@given(files=st.dictionaries(NAME, st.binary(max_size=1500), max_size=6), links=st.lists(st.tuples(NAME, NAME), max_size=3))
def test_tarfile_reads_what_was_written(tmp_path_factory, files, links):
    path = written(tmp_path_factory.mktemp("tar") / "x.tar", files, links)
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        read = [(member.name, tar.extractfile(member).read()) for member in members if member.isfile()]
        followed = [(member.name, member.linkname) for member in members if member.issym()]
    assert read == [(f"case/proc/{name}", data) for name, data in files.items()]
    assert followed == [(f"case/sys/{name}", target) for name, target in links]


def test_names_longer_than_a_header_are_kept(tmp_path):
    name, target = "a/" * 200 + "end", "../" * 80 + "x"
    path = written(tmp_path / "x.tar", {name: b"1"}, [("link", target)])
    files, links, notes = index_tar(path, "x")
    assert list(files) == [f"/case/proc/{name}"] and links == {"/case/sys/link": target} and notes == []
    with tarfile.open(path) as tar:
        assert tar.getnames()[0] == f"case/proc/{name}"


@given(cut=st.integers(1, 9000))
def test_a_cut_tail_costs_the_tail_alone(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    content = {f"{number}/stat": bytes([number]) * (number * 137) for number in range(8)}
    path = written(folder / "x.tar", content)
    whole = os.path.getsize(path)
    os.truncate(path, max(0, whole - cut))
    found = index_tar(path, "x")
    files = found[0] if found else {}
    expected = [(f"/case/proc/{name}", data) for name, data in content.items()]
    assert [(name, stored.read()) for name, stored in files.items()] == expected[: len(files)]
    assert len(files) >= len(content) - 1 - cut // 512


def test_a_flush_that_the_disk_refuses_leaves_the_one_before(tmp_path):
    path = str(tmp_path / "x.tar")
    tar = TarWriter(path, "case")
    tar.add("proc/stat", b"cpu 1\n")
    tar.flush()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (tar.size + 700, hard))
    try:
        tar.add("proc/interrupts", bytes(5000))
        with pytest.raises(MachineError, match="cannot be written further .*readable up to the second before"):
            tar.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    tar.close()
    with tarfile.open(path) as reader:
        assert reader.getnames() == ["case/proc/stat"]


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "x.tar"
    path.write_bytes(b"precious")
    with pytest.raises(MachineError, match="--force"):
        TarWriter(str(path), "case")
    assert path.read_bytes() == b"precious"


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(MachineError, match="No such file or directory"):
        TarWriter(str(tmp_path / "none" / "x.tar"), "case")


def test_names_sort_by_time():
    times = [0, 999_999, 1_000_000, 59_999_999_999, 60_000_000_000, 3_600_000_000_000, 86_400_000_000_000]
    names = [seconds_name(time_ns) for time_ns in times]
    assert names == sorted(names) and names[1] == "000000.000999"
    assert moment_name(12_345_678_901) == "012.345" and moment_name(1_234_000_000_000) == "1234.000"


def test_a_tar_that_tarfile_wrote_is_indexed_alike(tmp_path):
    for form in (tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT):
        path = str(tmp_path / f"{form}.tar")
        with tarfile.open(path, "w", format=form) as tar:
            for name in ("m/proc/stat", "m/" + "d" * 80 + "/proc/" + "n" * 60):
                info = tarfile.TarInfo(name)
                info.size = 3
                tar.addfile(info, io.BytesIO(b"abc"))
        files, _, notes = index_tar(path, "x")
        assert [(name, stored.read()) for name, stored in files.items()] == [
            ("/m/proc/stat", b"abc"), ("/m/" + "d" * 80 + "/proc/" + "n" * 60, b"abc"),
        ] and notes == []  # fmt: skip


def test_an_archive_of_another_kind_is_left_to_others(tmp_path):
    path = str(tmp_path / "x.tar")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("m/proc/" + "ü" * 90)
        tar.addfile(info, io.BytesIO(b""))
    assert index_tar(path, "x") is None
    text = tmp_path / "text"
    text.write_bytes(b"no archive at all" * 100)
    assert index_tar(str(text), "x") is None


def test_a_file_that_shrinks_after_it_was_indexed_is_missed_not_fatal(tmp_path):
    path = written(tmp_path / "x.tar", {"1/stat": bytes(4000)})
    files, _, _ = index_tar(path, "x")
    os.truncate(path, 1000)
    assert files["/case/proc/1/stat"].read() is None


@given(at=st.integers(0, 4000), value=st.integers(0, 255))
def test_a_spoilt_byte_never_breaks_the_index(tmp_path_factory, at, value):
    path = written(tmp_path_factory.mktemp("spoilt") / "x.tar", {"stat": b"x" * 600, "softirqs": b"y" * 600})
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes([value]))
    found = index_tar(path, "x")
    assert found is None or all(len(stored.read() or b"") in (0, 600) for stored in found[0].values())
