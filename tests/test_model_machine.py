"""Snapshots of simulated machines: what the files of a host would say, and no way to tell that there is none."""

import pytest

from modelprograms import at_times, busy, program
from modelworlds import add_napi, mixed
from test_export_recording import plain
from tophalf.export.proctexts import interrupts_text
from tophalf.export.recording import write_recording
from tophalf.host.door import open_machine
from tophalf.host.readers.interrupts import parse_interrupts
from tophalf.host.sample import take_snapshots
from tophalf.judge import metrics
from tophalf.judge.lines import source_of
from tophalf.model import fields as f
from tophalf.model import ops
from tophalf.model.build import Builder
from tophalf.model.irq.builddevices import add_device
from tophalf.model.machine.take import take_snapshot
from tophalf.model.table import event_table
from tophalf.model.work import workfields as g
from tophalf.model.work.buildwork import add_workqueue
from workprograms import item, queued_at, simulated

pytestmark = pytest.mark.kernels
MACHINES = [{}, {"preempt": "rt", "threadirqs": True}, {"kernel": "6.1", "preempt": "none", "nohz": False}]


def moments(builder, *times_ns, trace_rows=0):
    """(world, snapshots) at the start and at each time."""
    world = builder.world(trace_rows)
    shots = [take_snapshot(world)]
    for time_ns in times_ns:
        world.run(time_ns)
        shots.append(take_snapshot(world))
    return world, shots


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_a_host_door_reads_what_the_model_shows(machine, tmp_path):
    world, shots = moments(mixed(**machine), 10_000_000, 30_000_000, trace_rows=500)
    write_recording(f"{tmp_path}/x.tar", shots, event_table(world))
    again = take_snapshots(open_machine(f"{tmp_path}/x.tar"))
    for read, shot in zip(again, shots, strict=True):
        assert plain(read.replace(missing=None)) == plain(shot.replace(missing=None))


def test_a_host_reader_takes_the_text_of_the_interrupts_for_its_own():
    for cpus in (1, 3):
        builder = Builder(1, cpus=cpus)
        at_times(builder, 24, [1000, 5000], (ops.OP_SPEND_NS, 100))
        _, shots = moments(builder, 20_000)
        text = interrupts_text(shots[-1].interrupts)
        assert plain(parse_interrupts(text.encode())[0].interrupts()) == plain(shots[-1].interrupts)


def test_lines_say_their_chip_trigger_and_actions():
    _, shots = moments(mixed(), 5_000_000)
    lines = shots[-1].interrupts.lines
    assert (lines["30"].chip, lines["30"].trigger, lines["30"].actions) == ("IO-APIC", "level", ("level0", "level1"))
    assert (lines["31"].chip, lines["31"].trigger, lines["31"].hwirq) == ("IO-APIC", "fasteoi", 31)
    assert lines["32"].chip.startswith("PCI-MSI-0000:00:")
    assert (lines["33"].chip, lines["33"].hwirq) == ("PCI-MSIX-0000:00:04.0", 0)
    assert [key for key in lines if not key.isdigit()] == ["LOC", "IWI", "RES", "CAL", "ERR", "MIS"]
    assert all(line.kind == "device" for key, line in lines.items() if key.isdigit())


def test_counters_are_those_of_the_world():
    world, shots = moments(mixed(), 20_000_000)
    m, last = world.memory, shots[-1]
    assert sum(sum(line.counts) for line in last.interrupts.lines.values()) == last.stat.interrupts == m[f.G_INTERRUPTS]
    assert sum(last.interrupts.lines["LOC"].counts) > 0
    assert last.stat.softirqs["TASKLET"] == sum(last.softirqs.rows["TASKLET"]) > 0
    assert sum(row.processed for row in last.softnet.values()) == sum(each["rx_packets"] for each in last.netdev_stats.values()) > 0
    assert last.stat.context_switches == sum(int(m[cpu + f.C_SWITCHES]) for cpu in world.builder.cpus)
    assert all(snapshot.facts.boot.version.startswith("Linux version 6.12.0-tophalf") for snapshot in shots)


def test_remapping_and_nodes_show_where_they_are_told():
    builder = Builder(1, cpus=4)
    add_napi(builder, 24, "eth0", 1000, 100)
    builder.about |= {"interrupt_remapping": True, "nodes": {0: (0, 1), 1: (2, 3)}, "device_nodes": {"eth0": 1}, "isolated": (3,)}
    _, shots = moments(builder, 1_000_000)
    facts = shots[-1].facts
    assert shots[-1].interrupts.lines["24"].chip == "IR-PCI-MSIX-0000:00:04.0"
    assert (shots[-1].irq_files[24].node, facts.pci[24].node, facts.net["eth0"].pci_address) == (1, 1, "0000:00:04.0")
    assert facts.topology.node_of == {0: 0, 1: 0, 2: 1, 3: 1}
    assert facts.boot.isolated == (3,)
    assert "isolcpus=3" in facts.boot.cmdline.split()


def test_queues_belong_to_their_device():
    builder = Builder(1, cpus=2)
    for number in range(2):
        add_napi(builder, 24 + number, "eth0", 1000, 100, cpu=number)
    _, shots = moments(builder, 1_000_000)
    last, net = shots[-1], shots[-1].facts.net["eth0"]
    assert {source_of(last.interrupts.lines[key], last.facts).name for key in ("24", "25")} == {"eth0"}
    assert (net.rx_queues, net.channels["combined"], [napi.irq for napi in net.napi]) == (2, 2, [24, 25])
    assert (net.rings["rx"], net.rings["rx_max"]) == (1024, 4096)


def test_threads_are_there_with_their_time_and_policy():
    world, shots = moments(mixed(), 20_000_000)
    threads = {name: thread for (name, _), thread in shots[-1].threads.items()}
    sensor = threads["irq/31-sensor"]
    assert (sensor.kind, sensor.irq, sensor.cpu, sensor.policy, sensor.rt_priority) == ("irq", 31, 1, "SCHED_FIFO", 50)
    irq_thread_ns = sum(int(world.memory[cpu + f.C_TIMES + f.IRQ_THREAD]) for cpu in world.builder.cpus)
    assert sensor.cpu_ns == irq_thread_ns > 0
    assert threads["ksoftirqd/1"].cpu == 1


def test_nobody_cared_is_in_the_log_as_the_kernel_words_it():
    builder = Builder(1)
    desc = builder.irq(9, flow=f.FLOW_LEVEL)
    add_device(builder, "stuck", desc, True, ("times", [1000]))
    builder.action(desc, "stuck", program(builder, (ops.OP_SPEND_NS, 100), (ops.OP_RET, f.IRQ_NONE)))
    _, shots = moments(builder, 100_000_000)
    assert shots[0].log == ()
    texts = [line.text for line in shots[-1].log]
    assert texts[0] == 'irq 9: nobody cared (try booting with the "irqpoll" option)'
    assert (texts[1], texts[-1]) == ("handlers:", "Disabling IRQ #9")
    assert shots[-1].irq_files[9].spurious.last_unhandled_ms == shots[-1].log[0].time_us // 4000 * 4


def test_two_moments_subtract():
    _, shots = moments(mixed(), 100_000_000, 200_000_000)
    whole = metrics.over(shots).whole
    assert whole.lines["31"].count == 400
    assert whole.lines["31"].rate == pytest.approx(2000, rel=0.01)
    for times in whole.cpu_times.values():
        assert times.total_ns == pytest.approx(200_000_000, abs=40_000_000)


def test_a_busy_cpu_is_busy():
    builder = Builder(1, cpus=2)
    busy(builder, cpu=1)
    _, shots = moments(builder, 500_000_000)
    times = metrics.over(shots).whole.cpu_times
    assert (times[0].busy_share, times[1].share("user")) == (0.0, 0.98)  # the tick at the very end is still to come


def test_workers_are_threads_once_they_are_made_and_masks_are_of_workqueues_in_sysfs():
    builder = Builder(1, cpus=4, kernel="6.12")
    builder.about |= {"isolated": (3,), "power_efficient": True}
    wq = add_workqueue(builder, "writeback", g.WQ_UNBOUND | g.WQ_SYSFS)
    add_workqueue(builder, "bound", g.WQ_SYSFS)
    queued_at(builder, wq, item(builder, "w", 1), 0)
    world, _ = simulated(builder, 5)
    snapshot = take_snapshot(world)
    assert {thread.name: thread.cpu for thread in snapshot.threads.values() if thread.kind == "kworker"} == {
        "kworker/u16:0": None, "kworker/u16:1": None, "kworker/0:0": 0, "kworker/1:0": 1, "kworker/2:0": 2, "kworker/3:0": 3,
    }  # fmt: skip
    assert snapshot.facts.workqueues == {"default": (0, 1, 2), "isolated": (3,), "writeback": (0, 1, 2, 3)}
    assert "workqueue.power_efficient=1" in snapshot.facts.boot.cmdline.split()
