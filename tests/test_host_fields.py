"""One-value files: absent, broken, whole; links on the way."""

from hypothesis import given
from hypothesis import strategies as st

from damage import damaged, survives
from tophalf.host import fields
from tophalf.host.roots import MemoryRoot, live_root


def test_an_absent_file_leaves_no_note_and_a_broken_one_does():
    root = MemoryRoot({"/broken": b"x9", "/mask": b"zz", "/list": b"3-1"}, {})
    assert fields.number(root, "/absent") is None and not root.missing
    assert fields.number(root, "/broken") is None
    assert fields.cpu_mask(root, "/mask") is None and fields.cpu_list(root, "/list") is None
    assert set(root.missing) == {"/broken", "/mask", "/list"}


def test_cpus_as_block_devices_write_them():
    assert fields.cpu_list(MemoryRoot({"/l": b"0, 1, 8\n"}, {}), "/l") == (0, 1, 8)


def test_integers_are_ascii_and_of_a_sane_length():
    assert fields.integer(" -12\n") == -12 and fields.integer("1180591620717411303424") == 2**70
    assert [fields.integer(text) for text in ("", "-", "1_0", "٣", "9" * 31, "0x10", "+-1")] == [None] * 7


def test_a_link_behind_a_link():
    links = {"/sys/class/net/eth0": "../../devices/pci0000:00/0000:00:03.0/net/eth0",
             "/sys/devices/pci0000:00/0000:00:03.0/net/eth0/device": "../../../0000:00:03.0",
             "/sys/devices/pci0000:00/0000:00:03.0/driver": "../../../bus/pci/drivers/e1000e"}  # fmt: skip
    root = MemoryRoot({}, links)
    assert fields.link_name(root, "/sys/class/net/eth0/device/driver") == "e1000e"
    assert fields.link_name(root, "/sys/class/net/eth1/device/driver") is None


def test_pci_address_is_the_function_nearest_the_device():
    path = "../../devices/pci0000:00/0000:00:1c.0/0000:03:00.1/net/eth0"
    assert fields.pci_address(path) == "0000:03:00.1"
    assert fields.pci_address("../../devices/virtual/net/lo") is None and fields.pci_address(None) is None


def test_sockets_speak_only_for_the_host_itself():
    assert fields.speaks_here(live_root()) and not fields.speaks_here(MemoryRoot({}, {}))


@given(damaged(b"0-3,8\n", b"ffffffff,00000000\n", b"42\n"), st.sampled_from((fields.number, fields.cpu_list, fields.cpu_mask)))
def test_nothing_breaks_a_field(data, read):
    survives(lambda root: read(root, "/f"), {"/f": data})
