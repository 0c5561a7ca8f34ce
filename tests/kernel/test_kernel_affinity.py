"""`tophalf affinity` on real kernels: moved, quiet, refused, taken back, and what irqbalance does to a mask."""

import json

import pytest
from lab.labirq import PARAMETERS

STATE = "/var/lib/tophalf/affinity.json"
READ_ONLY_MASKS = pytest.mark.on("6.12", "rt")  # since 6.12 smp_affinity of a line that cannot be moved has no write bit

ANY_KERNEL = pytest.mark.on("6.12")  # what is tested is tophalf's own: one kernel is enough


@pytest.fixture(autouse=True)
def forgotten(guest):
    """Each test begins without a history, and with labirq's mask open."""
    guest.check(f"rm -f {STATE}")
    yield
    if guest.alive():
        guest.check("echo f >/proc/irq/$(sed -n 's/^ *\\([0-9]*\\):.*labirq.*/\\1/p' /proc/interrupts)/smp_affinity")


def answer(guest, words, timeout_s=120):
    """What `tophalf affinity ... --json` says, and its exit status."""
    result = guest.tophalf(f"affinity {words} --json", timeout_s)
    assert result.stdout, repr(result)
    return json.loads(result.stdout), result.status


def masks(guest, irq):
    return guest.check(f"cd /proc/irq/{irq}; cat smp_affinity_list effective_affinity_list").split()


def place(guest, labirq, cpu):
    """Put labirq on a CPU and let the move settle: while the old vector is not cleaned up the kernel answers EBUSY and
    tries again with a later interrupt (arch/x86/kernel/apic/vector.c assign_vector_locked)."""
    irq = labirq.irq
    guest.check(
        f"cd /proc/irq/{irq}; echo {cpu} >smp_affinity_list; for try in $(seq 20); do echo 1 >{PARAMETERS}/raise; "
        f"[ $(cat effective_affinity_list) = {cpu} ] && break; sleep 0.05; done; "
        f"echo 1 >{PARAMETERS}/raise; sleep 0.1; [ $(cat effective_affinity_list) = {cpu} ]"
    )
    return irq


def ticking(labirq, seconds, gap_us=10000):
    """Shell text that raises interrupts in the background, about so long."""
    return labirq.text(gap_us=gap_us) + f"\n(echo {int(seconds * 1e6 / gap_us)} >{PARAMETERS}/raise) & "


def test_a_busy_line_is_seen_to_move(guest, labirq):
    place(guest, labirq, 0)
    done = guest.run(ticking(labirq, 6) + "python3 -m tophalf affinity labirq 2-2 --wait 5 --json; echo $? >&2; wait")
    change = json.loads(done.stdout)["changes"][0]
    assert change["verdict"] == "landed" and done.stderr.split()[-1] == "0", repr(done)
    assert change["before"] == [0] and change["after"] == [2]
    assert change["effective_before"] == [0] and change["effective_after"] == [2]
    assert change["inside"] > 0 and change["outside"] <= 1, "at most the interrupt that carries the move lands on the old CPU"
    _, before = labirq.row()
    labirq.set(gap_us=0, **{"raise": 5})
    _, after = labirq.row()
    assert [new - old for new, old in zip(after, before, strict=True)] == [0, 0, 5, 0]


def test_a_quiet_line_is_not_proven_and_its_next_interrupt_still_lands_on_the_old_cpu(guest, labirq):
    place(guest, labirq, 0)
    said, status = answer(guest, "labirq 3-3 --wait 0.3")
    change = said["changes"][0]
    assert status == 0 and change["verdict"] == "quiet"
    assert change["affinity_now"] == [3] and change["effective_after"] == [0], "the mask reads back, the move waits"
    _, before = labirq.row()
    labirq.set(**{"raise": 1})
    labirq.set(**{"raise": 4})
    _, after = labirq.row()
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 0, 0, 4]
    text = guest.tophalf("affinity labirq 3-3 --wait 0.1").stdout
    assert "already 3" in text and "still 3, inside the mask: nothing had to move" in text


def test_one_interrupt_carries_the_move(guest, labirq):
    irq = place(guest, labirq, 0)
    done = guest.run(
        "python3 -m tophalf affinity labirq 1-1 --wait 3 >/tmp/said & "
        f"until [ $(cat /proc/irq/{irq}/smp_affinity_list) = 1 ]; do sleep 0.05; done; sleep 0.7; "
        f"echo 1 >{PARAMETERS}/raise; wait; cat /tmp/said"
    )
    assert "moved: one interrupt on CPU 0 took the move along; the next lands on CPU 1" in done.stdout, repr(done)


def test_a_managed_line_is_refused_in_words_and_remembered(guest):
    result = guest.tophalf("affinity nvme0q1 2-3")
    error = "EIO" if guest.release.startswith("6.1.") else "EPERM"
    assert result.status == 2 and not result.stdout
    assert "does not let this line be moved" in result.stderr and f"({error})" in result.stderr
    assert result.stderr.count("\n") == 1
    said, _ = answer(guest, "nvme0q1")
    row = said["irqs"][0]
    assert row["managed"] is True and row["fixed"] == f"the kernel refused a mask for it in this boot ({error})"
    assert row["affinity"] == [0]
    assert "nothing to undo" in guest.tophalf("affinity --undo").stderr


@READ_ONLY_MASKS
def test_masks_without_a_write_bit_are_those_the_kernel_refuses(guest):
    text = guest.check(
        "cd /proc/irq; for irq in [0-9]*; do (cat $irq/smp_affinity >$irq/smp_affinity) 2>/dev/null && w=1 || w=0; "
        "echo $irq $(stat -c %a $irq/smp_affinity) $w; done"
    )
    rows = [line.split() for line in text.splitlines()]
    assert {mode for _, mode, _ in rows} == {"444", "644"}
    assert [row for row in rows if (row[1] == "644") != (row[2] == "1")] == []


@pytest.mark.on("6.1")
def test_before_6_12_every_mask_has_a_write_bit(guest):
    assert set(guest.check("stat -c %a /proc/irq/[0-9]*/smp_affinity").split()) == {"644"}


@ANY_KERNEL
def test_only_refused_lines_of_a_device_stay(guest):
    said, status = answer(guest, "nvme0 1-2 --all --wait 0.1")
    refused = {change["actions"][0]: bool(change["refused"]) for change in said["changes"]}
    assert status == 1
    assert refused == {"nvme0q0": False, "nvme0q1": True, "nvme0q2": True, "nvme0q3": True, "nvme0q4": True}
    said, status = answer(guest, "--undo --wait 0.1")
    assert status == 0 and [change["actions"] for change in said["changes"]] == [["nvme0q0"]]
    assert said["changes"][0]["affinity_now"] == [0, 1, 2, 3]


@ANY_KERNEL
def test_a_cpu_that_is_not_there(guest):
    result = guest.tophalf("affinity labirq 0x10")
    assert result.status == 2 and "cannot have (EOVERFLOW); possible CPUs: 0-3" in result.stderr


@ANY_KERNEL
def test_a_cpu_that_is_offline(guest):
    guest.check("echo 0 >/sys/devices/system/cpu/cpu3/online")
    try:
        result = guest.tophalf("affinity labirq 3-3")
        assert result.status == 2 and "no CPU of the mask is online (EINVAL); online CPUs: 0-2" in result.stderr
    finally:
        guest.check("echo 1 >/sys/devices/system/cpu/cpu3/online")


@ANY_KERNEL
def test_undo_brings_the_line_back_to_its_cpu_and_not_only_to_its_mask(guest, labirq):
    irq = place(guest, labirq, 3)
    guest.check(f"echo f >/proc/irq/{irq}/smp_affinity")
    labirq.set(**{"raise": 2})
    assert masks(guest, irq) == ["0-3", "3"]
    guest.check(ticking(labirq, 4) + "python3 -m tophalf affinity labirq 1-1; wait")
    assert masks(guest, irq) == ["1", "1"]
    guest.check(ticking(labirq, 6) + "python3 -m tophalf affinity --undo labirq; wait")
    assert masks(guest, irq) == ["0-3", "3"]


@ANY_KERNEL
def test_undo_refuses_another_device_behind_the_number(guest):
    """Without the nvme driver its first interrupt number goes to the next who asks: labirq."""
    irq = answer(guest, "nvme0q0")[0]["irqs"][0]["irq"]
    guest.check(f"python3 -m tophalf affinity {irq} 2-2 --wait 0.1; rmmod nvme labirq; modprobe labirq")
    try:
        assert answer(guest, "labirq")[0]["irqs"][0]["irq"] == irq
        result = guest.tophalf(f"affinity --undo {irq}")
        assert result.status == 2 and "another device has this number now" in result.stderr
        assert "0x1234:0x11e8 now" in result.stderr and "nothing was written" in result.stderr
        assert masks(guest, irq)[0] == "0-3"
    finally:
        guest.check("rmmod labirq; modprobe nvme; sleep 1; modprobe labirq")


@ANY_KERNEL
def test_undo_refuses_another_boot(guest):
    guest.check("python3 -m tophalf affinity labirq 2-2 --wait 0.1")
    guest.check(f"sed -i 's/\"boot\": \"[0-9a-f]*/\"boot\": \"00000000/' {STATE}")
    result = guest.tophalf("affinity --undo labirq")
    assert result.status == 2 and "another boot" in result.stderr
    assert answer(guest, "labirq")[0]["irqs"][0]["affinity"] == [2]


@pytest.mark.on("6.12")
def test_irqbalance_overrides_an_older_mask_and_keeps_off_a_banned_line(guest):
    lines = {row["actions"][0][-1]: row["irq"] for row in answer(guest, "'virtio*-input.*'")[0]["irqs"]}
    banned, free = lines["0"], lines["1"]
    flood = guest.flood(1500, 60)
    try:
        guest.check(f"for irq in {banned} {free}; do python3 -m tophalf affinity $irq 2-3 --wait 0.1; done")
        guest.check(f"mkdir -p /run/irqbalance; irqbalance --foreground -t 2 --banirq={banned} >/tmp/irqbalance 2>&1 & sleep 1")
        said = answer(guest, "'virtio*-input.[01]'")[0]["irqbalance"]
        assert said["running"] and said["interval_s"] == 2
        assert said["banned"] == [banned] and said["not_banned"] == [free]
        changed = f"[ $(cat /proc/irq/{free}/smp_affinity_list) != 2-3 ]"
        guest.check(f"for i in $(seq 60); do {changed} && exit 0; sleep 0.2; done; exit 1")
        assert masks(guest, banned)[0] == "2-3"
        text = guest.check(f"python3 -m tophalf affinity {free} 2-3")
        assert f'IRQBALANCE_ARGS="-t 2 --banirq={banned} --banirq={free}"' in text
        assert "overwritten one interval after irqbalance" in text
        guest.check("sleep 5")
        assert masks(guest, banned)[0] == "2-3"
        assert f"told to leave IRQ {banned} alone" in guest.check(f"python3 -m tophalf affinity {banned} 1-2")
    finally:
        flood.kill()
        flood.wait()
        guest.check("kill $(pidof irqbalance); sleep 0.2")
        guest.check(f"echo 1 >/proc/irq/{banned}/smp_affinity; echo 2 >/proc/irq/{free}/smp_affinity")
