"""Two NICs on a shared level line: a status that shows something is answered, even while the device is masked for its poll."""

from tophalf.kernel import *

SCENARIO = """
[machine]
cpus = 2
seconds = "20ms"

[[driver]]
name = "nic"
irq = 24
flow = "level"
rate = 1000
mask = 4
produced = 8
consumed = 12
depth = 256

[[driver]]
name = "nic2"
irq = 24
flow = "level"
rate = 1300
mask = 4
produced = 8
consumed = 12
depth = 256
"""


def handler(irq, dev):
    if not read_reg(dev, 0) & 1:
        return IRQ_NONE
    write_reg(dev, 4, 1)
    napi_schedule(dev.napi)
    return IRQ_HANDLED


def poll(napi, budget):
    dev = container_of(napi)
    done = 0
    spend(300000)
    while done < budget and read_reg(dev, 8) != dev.next:
        dev.next = (dev.next + 1) % 256
        done += 1
        write_reg(dev, 12, dev.next)
    if done < budget:
        if napi_complete_done(napi, done):
            write_reg(dev, 4, 0)
    return done


def probe(dev):
    netif_napi_add(dev.napi, poll)
    napi_enable(dev.napi)
    return request_irq(dev.irq, handler, IRQF_SHARED | IRQF_TRIGGER_HIGH, "nic", dev)
