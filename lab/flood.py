"""Send small UDP packets from 32 ports: flood.py TARGET PACKETS_PER_SECOND SECONDS (0 a second: flat out).

Many source ports, because a multi-queue device picks the queue by a hash of addresses and ports.
Prints how many packets were sent.
"""

import socket
import sys
import time

PORTS = 32
DISCARD_PORT = 9


def sockets(target):
    """One connected socket for each source port."""
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(PORTS)]
    for one in made:
        one.connect((target, DISCARD_PORT))
    return made


def send_round(senders):
    """One packet from each socket; how many were accepted (a full tap or a port nobody listens on refuses some)."""
    sent = 0
    for one in senders:
        try:
            one.send(b"tophalf lab")
            sent += 1
        except OSError:
            pass
    return sent


def main(target, packets_per_second, seconds):
    """Send until the time is over."""
    senders = sockets(target)
    start, rounds, sent = time.monotonic(), 0, 0
    while time.monotonic() - start < seconds:
        sent += send_round(senders)
        rounds += 1
        if packets_per_second:
            time.sleep(max(0.0, start + rounds * PORTS / packets_per_second - time.monotonic()))
    print(sent)


main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
