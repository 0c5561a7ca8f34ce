"""What [[nic]], [[app]] and [machine] say of flows and of the stack above NAPI: what is built of it, and what is refused."""

import pytest

from tophalf.errors import TophalfError
from tophalf.model import fields as f
from tophalf.model.assemble.flows import Spread, indirection
from tophalf.model.assemble.world import assemble
from tophalf.model.machine.take import take_snapshot
from tophalf.model.net import stackfields as s
from tophalf.model.net.packets import mixed
from tophalf.scenario.load import read_scenario

pytestmark = pytest.mark.kernels


def built(text, seed=0):
    return assemble(read_scenario(text, "x.toml"), seed)


def nic_of(text):
    return read_scenario(text, "x.toml").all("nic")[0]


# Flows and RSS


def test_the_indirection_table_is_as_drivers_and_ethtool_fill_it():
    assert indirection(nic_of("[[nic]]\nrate = 1\nqueues = 3\n"))[:7] == [0, 1, 2, 0, 1, 2, 0]
    table = indirection(nic_of("[[nic]]\nrate = 1\nqueues = 3\nrss_weights = [1, 0, 3]\n"))
    assert (table[:32], table[32:]) == ([0] * 32, [2] * 96)
    equal = indirection(nic_of("[[nic]]\nrate = 1\nqueues = 4\nrss_weights = [1, 1]\n"))  # ethtool -X eth0 equal 2
    assert (equal.count(0), equal.count(1), equal.count(2)) == (64, 64, 0)


def test_a_flow_is_for_the_queue_that_its_hash_says():
    spread = Spread(7, nic_of("[[nic]]\nrate = 1000\nqueues = 4\nflows = 50\n"))
    hashes = [value for turn in spread.turns for value in turn]
    assert sorted(hashes) == sorted(mixed(spread.key + flow & 0xFFFFFFFF) for flow in range(50))
    assert all(value % 128 % 4 == queue for queue, turn in enumerate(spread.turns) for value in turn)
    assert len({tuple(turn) for turn in Spread(8, spread.nic).turns} & {tuple(turn) for turn in spread.turns}) == 0


def test_each_queue_gets_its_flows_share_of_the_rate():
    spread = Spread(7, nic_of('[[nic]]\nrate = 1003\nqueues = 4\nflows = 50\nflow_weights = [10, 1]\n'))
    rates = [spread.arrivals(queue)[1] for queue in range(4)]
    assert sum(rates) == 1003
    for rate, turn in zip(rates, spread.turns, strict=True):
        assert abs(rate - 1003 * len(turn) / 59) < 1


def test_times_are_of_the_flows_in_turn():
    text = '[[nic]]\nrate = 0\narrivals = "times"\ntimes = [10, 20, 30, 40, 50, 60]\nqueues = 2\nflows = 3\n'
    spread = Spread(7, nic_of(text))
    given = [spread.arrivals(queue)[1] for queue in range(2)]
    order = [next(queue for queue in range(2) if time in given[queue]) for time in (10, 20, 30, 40, 50, 60)]
    assert order == spread.order * 2


def test_without_a_word_of_flows_queues_have_equal_shares_and_as_many_flows():
    spread = Spread(7, nic_of("[[nic]]\nrate = 1000\nqueues = 3\n"))
    assert [len(set(turn)) for turn in spread.turns] == [64] * 3
    assert [spread.arrivals(queue) for queue in range(3)] == [("constant", 334), ("constant", 333), ("constant", 333)]
    assert all(spread.table[value % 128] == queue for queue, turn in enumerate(spread.turns) for value in turn)


# What is built


def test_only_what_asks_for_a_stack_has_one():
    plain = built("[[nic]]\nrate = 1000\nflows = 5\n")
    assert (plain.stacked, plain.memory[f.G_STACK]) == ([], 0)
    for line in ('rps_cpus = "1"', "gro_segments = 2", "protocol_cost = 10"):
        assert len(built(f"[[nic]]\nrate = 1000\n{line}\n").stacked) == 1


def test_files_of_the_machine_show_what_was_said():
    builder = built("""
[machine]
cpus = 4
rps_sock_flow_entries = 100
netdev_max_backlog = 300
flow_limit_cpu_bitmap = "b"
dev_weight = 32
[[nic]]
rate = 1000
queues = 2
cpus = 0
rps_cpus = ["e", "0"]
rps_flow_cnt = 50
[[app]]
cpus = 1
""")
    facts = take_snapshot(builder.world()).facts
    assert facts.net["eth0"].rps == {0: (1, 2, 3), 1: ()}
    assert facts.net["eth0"].rps_flow_cnt == {0: 64, 1: 64}
    told = {name.removeprefix("net.core."): value for name, value in facts.sysctl.items()}
    assert (told["rps_sock_flow_entries"], told["netdev_max_backlog"], told["dev_weight"]) == (128, 300, 32)
    assert told["flow_limit_cpu_bitmap"] == "b"


def test_an_app_has_a_socket_on_each_of_its_cpus():
    apps = '[[app]]\ncpus = "1-2"\nrcvbuf = 5000\n[[app]]\ncpus = 0\n'
    builder = built(f"[machine]\ncpus = 3\n[[nic]]\nrate = 1000\nqueues = 2\n{apps}")
    assert [builder.memory[socket + s.S_RCVBUF] for socket in builder.sockets] == [5000, 5000, 212_992]
    for queue in builder.queues:
        sink = builder.memory[queue + f.Q_SINK]
        known = builder.memory[sink + s.X_SOCKETS]
        assert builder.memory.words[known : known + builder.memory[sink + s.X_SOCKET_COUNT]] == builder.sockets


def test_isolated_cpus_take_no_packets_for_others():
    builder = built('[machine]\ncpus = 4\nisolated = "2"\n[[nic]]\nrate = 1000\nrps_cpus = "e"\n')
    assert take_snapshot(builder.world()).facts.net["eth0"].rps == {0: (1, 3)}


def test_more_packets_under_way_than_memory_should_hold_are_refused():
    text = '[machine]\ncpus = 64\nnetdev_max_backlog = 100_000\n[[nic]]\nrate = 1\nrps_cpus = "ffffffff"\ngro_segments = 64\n'
    with pytest.raises(TophalfError, match="409,[0-9,]* packets can be under way"):
        built(text).world()


# What is refused


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[nic]]\nrate = 1\nrps_cpus = "g"\n', "x.toml:3 [nic] rps_cpus: 'g' is no mask"),
        ('[[nic]]\nrate = 1\nrps_cpus = "2"\n', "x.toml:3 [nic] rps_cpus: names a CPU that is not there, of 1"),
        ('[machine]\nflow_limit_cpu_bitmap = "2"\n[[nic]]\nrate = 1\nrps_cpus = "1"\n', "x.toml:2 [machine] flow_limit_cpu_bitmap"),
        ('[machine]\nisolated = 0\n[[nic]]\nrate = 1\nrps_cpus = "1"\n', "x.toml:5 [nic] rps_cpus: all of its CPUs are isolated"),
        ('[machine]\npreempt = "rt"\n[[nic]]\nrate = 1\nrps_cpus = "1"\n', "x.toml:5 [nic] rps_cpus: with PREEMPT_RT"),
        ('[[nic]]\nrate = 1\nmode = "handler"\ngro_segments = 4\n', "x.toml:4 [nic] gro_segments: mode handler"),
        ("[[nic]]\nrate = 1\nrss_weights = [0, 0]\n", "x.toml:3 [nic] rss_weights: 2 weights for 1 queues"),
        ("[[nic]]\nrate = 1\nflows = 65536\nflow_weights = [65536]\n", "x.toml:4 [nic] flow_weights: a turn of"),
        ('[[nic]]\nrate = 1\n[[app]]\ndevice = "eth1"\n', "x.toml:4 [app] device: there is no network device eth1"),
        ("[[app]]\nrcvbuf = 5\n", "x.toml:2 [app] rcvbuf: 5 is below 2,304"),
    ],
)
def test_what_no_machine_has_is_said_with_its_line_and_key(text, told):
    with pytest.raises(TophalfError) as error:
        built(text)
    assert told in str(error.value)
