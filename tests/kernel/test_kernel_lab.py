"""The lab itself: what the guests are, before anything of tophalf is tried on them."""


def test_the_kernel_asked_for_has_booted(guest):
    assert guest.check("uname -r").strip() == guest.release


def test_only_the_rt_kernel_is_preemptible_everywhere(guest):
    assert ("PREEMPT_RT" in guest.check("uname -v")) == ("-rt-" in guest.release)


def test_every_device_has_its_interrupts(guest):
    text = guest.check("cat /proc/interrupts")
    names = ["input.3", "output.0", "eth1-rx-0", "eth1-tx-0", "nvme0q4", "labirq"]
    assert not [name for name in names if name not in text]


def test_a_known_number_of_interrupts_is_counted(guest, labirq):
    before = labirq.count()
    labirq.set(**{"raise": 23})
    assert labirq.count() - before == 23


def test_interrupts_arrive_on_the_cpu_asked_for(guest, labirq):
    labirq.set(**{"raise": 1})
    guest.check(f"echo 2 >/proc/irq/{labirq.irq}/smp_affinity_list")
    labirq.set(**{"raise": 1})  # still on the old CPU: the move is done by this interrupt
    _, before = labirq.row()
    labirq.set(**{"raise": 7})
    _, after = labirq.row()
    assert [new - old for new, old in zip(after, before, strict=True)] == [0, 0, 7, 0]


def test_both_networks_carry_packets(guest):
    text = guest.check("for host in 10.9.0.1 10.9.1.1; do python3 -c 'import socket, sys; "
                       "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b\"x\", (sys.argv[1], 9))' $host; done; "
                       "sleep 0.3; ip neighbour")
    assert text.count("lladdr") == 2, text


def test_a_command_that_runs_out_of_time_is_reported(guest):
    assert guest.run("sleep 60", timeout_s=0.2).status is None
    assert guest.run("echo still here").stdout == "still here\n"
