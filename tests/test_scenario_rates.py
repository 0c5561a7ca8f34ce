"""[[at]] rate: arrivals whose rate changes, worked out by hand."""

import pytest

from modelprograms import times_of
from tophalf import vocab
from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.simulate import make_world
from tophalf.model.summary import packets, summarise
from tophalf.model.table import event_table
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels
DEVICE = '[costs]\nirq_entry = 0\nirq_exit = 0\n[[device]]\nname = "card"\nirq = 40\nhandler_cost = 100\n'
NIC = '[[nic]]\nname = "eth0"\nqueues = {queues}\narrivals = "{arrivals}"\nrate = {rate}\npacket_cost = 100\npoll_cost = 0\n'


def change(at_ns, of, rate):
    return f'[[at]]\ntime = {at_ns}\nrate = {{ of = "{of}", rate = {rate} }}\n'


def world_of(toml, until_ns, rows=0, cuts=()):
    world = make_world(read_scenario(toml, "test.toml"), 5, rows)
    for cut in (*cuts, until_ns):
        world.run(cut)
    return world


def came(toml, until_ns):
    return times_of(event_table(world_of(toml, until_ns, 5000)), vocab.IRQ_HANDLER_ENTRY, a=40)


def test_a_device_comes_at_the_new_rate_from_the_moment_on():
    changes = ((2_500_000, 4000), (4_000_000, 0), (7_000_000, 500))
    toml = DEVICE + "rate = 1000\n" + "".join(change(at_ns, "card", rate) for at_ns, rate in changes)
    # 0, 1, 2 ms; then each 250 µs from 2.5 ms on, up to 4 ms; nothing; from 7 ms each 2 ms
    expected = [0, 1_000_000, 2_000_000, *range(2_500_000, 4_000_000, 250_000), *range(7_000_000, 12_000_000, 2_000_000)]
    assert came(toml, 12_000_000) == expected


def test_of_changes_at_one_moment_the_last_one_holds_and_their_order_in_the_file_does_not_matter_else():
    early, late = change(1_500_000, "card", 2000), change(3_000_000, "card", 1000)
    assert came(DEVICE + "rate = 1000\n" + late + early, 6_000_000) == came(DEVICE + "rate = 1000\n" + early + late, 6_000_000)
    twice = DEVICE + "rate = 1000\n" + change(1_500_000, "card", 10_000) + change(1_500_000, "card", 2000)
    assert came(twice, 3_000_000) == [0, 1_000_000, 1_500_000, 2_000_000, 2_500_000]


def test_queues_of_a_nic_share_the_new_rate_and_take_turns():
    toml = "[machine]\ncpus = 2\n" + NIC.format(queues=2, arrivals="constant", rate=2000) + change(5_000_000, "eth0", 10_000)
    world = world_of(toml, 9_999_999)
    offered = [int(world.memory[queue + f.Q_OFFERED]) for queue in world.builder.queues]
    assert offered == [5 + 25, 5 + 25]  # 5 ms at 1000 a queue, 5 ms at 5000
    assert packets(world)["offered"] == 60


def test_packets_that_begin_late_begin_at_the_change():
    toml = NIC.format(queues=1, arrivals="constant", rate=0) + change(5_000_000, "eth0", 1000)
    assert packets(world_of(toml, 9_999_999))["offered"] == 5
    toml = NIC.format(queues=1, arrivals="poisson", rate=0) + change(5_000_000, "eth0", 100_000)
    assert packets(world_of(toml, 4_999_999))["offered"] == 0
    assert packets(world_of(toml, 25_000_000))["offered"] == pytest.approx(2000, rel=0.1)


def test_exponential_gaps_have_the_new_mean_after_the_change():
    toml = NIC.format(queues=1, arrivals="poisson", rate=20_000) + change(50_000_000, "eth0", 200_000)
    before, after = packets(world_of(toml, 50_000_000))["offered"], packets(world_of(toml, 100_000_000))["offered"]
    assert before == pytest.approx(1000, rel=0.1)  # three standard errors of a Poisson count
    assert after - before == pytest.approx(10_000, rel=0.03)


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_slices_change_nothing_where_polls_are_planned_beyond_the_change(arrivals):
    slow = NIC.replace("packet_cost = 100", "packet_cost = 300")
    toml = slow.format(queues=1, arrivals=arrivals, rate=1_500_000) + change(3_000_000, "eth0", 8_000_000)
    toml += change(3_500_000, "eth0", 0) + change(4_000_000, "eth0", 900_000) + '[[task]]\nrun = "1ms"\n'
    cuts = [(), (2_999_999, 3_000_000, 3_000_001, 3_777_777, 4_000_000)]
    assert len({summarise(world_of(toml, 6_000_000, cuts=each))["digest"] for each in cuts}) == 1
    found = packets(world_of(toml, 6_000_000))
    assert found["offered"] == found["delivered"] + found["dropped"]["ring"] + found["in_flight"] and found["dropped"]["ring"] > 0


def test_what_is_told():
    world = world_of(NIC.format(queues=1, arrivals="constant", rate=10) + change(1_000_000, "eth0", 5000), 2_000_000)
    assert [one.as_dict()["order"] for one in world.answers] == ["eth0 gets 5,000 a second"]


@pytest.mark.parametrize("toml, message", [
    (NIC.format(queues=1, arrivals="bursts", rate=10) + change(1, "eth0", 5), "no rate to change"),
    (NIC.format(queues=1, arrivals="constant", rate=10) + change(1, "eth1", 5), "nothing called eth1 has arrivals.*eth0"),
    (NIC.format(queues=1, arrivals="constant", rate=10) + change(1, "eth0", 2 * 10**9), "too many"),
    (DEVICE + change(1, "card", 5), "nothing called card has arrivals"),
])  # fmt: skip
def test_what_has_no_rate_to_change(toml, message):
    with pytest.raises(TophalfError, match=message):
        make_world(read_scenario(toml, "test.toml"), 0)
