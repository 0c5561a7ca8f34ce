"""A paced flood of UDP datagrams over loopback, sent and received by one process: udpflood.py RATE SECONDS.

Waits for a line on standard input, then sends RATE datagrams a second and takes each out again, so that nothing is dropped.
Prints: datagrams, nanoseconds it took, nanoseconds of CPU time it had (softirqs that ran in it are part of that).
"""

import socket
import sys
import time

TICK_NS = 1_000_000


def main(rate, seconds):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(receiver.getsockname())
    sys.stdin.readline()
    start_ns, cpu_ns = time.monotonic_ns(), time.process_time_ns()
    sent = flood(sender.send, receiver.recv, rate, start_ns, start_ns + round(seconds * 1e9))
    print(sent, time.monotonic_ns() - start_ns, time.process_time_ns() - cpu_ns)


def flood(send, receive, rate, start_ns, end_ns):
    sent, payload = 0, b"x" * 64
    while (now_ns := time.monotonic_ns()) < end_ns:
        due = (now_ns - start_ns) * rate // 10**9
        for _ in range(min(due - sent, 256)):
            send(payload)
            receive(64)
            sent += 1
        if sent >= due:
            time.sleep(TICK_NS / 1e9)
    return sent


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
