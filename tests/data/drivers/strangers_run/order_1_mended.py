"""A camera: each frame is taken under the stream's and then the sensor's mutex; exposure is set after every 16th frame."""

from tophalf.kernel import *

SCENARIO = """
title = "A camera of 200 frames a second"

[machine]
seconds = "200ms"

[[driver]]
name = "camera"
irq = 24
flow = "level"
data = 4
depth = 4
rate = 200
"""

STATUS, FRAME, EXPOSURE = 0x0, 0x4, 0x8
READY = 0x1


def camera_irq(irq, dev):
    if not read_reg(dev, STATUS) & READY:
        return IRQ_NONE
    dev.number = read_reg(dev, FRAME)
    schedule_work(dev.take)
    if dev.number % 16 == 0:
        schedule_work(dev.expose)
    return IRQ_HANDLED


def camera_take(work):
    dev = container_of(work)
    mutex_lock(dev.stream)
    mutex_lock(dev.sensor)
    spend(200000)
    dev.frames += 1
    mutex_unlock(dev.sensor)
    mutex_unlock(dev.stream)


def camera_expose(work):
    dev = container_of(work)
    mutex_lock(dev.stream)
    mutex_lock(dev.sensor)
    write_reg(dev, EXPOSURE, dev.number)
    dev.exposures += 1
    mutex_unlock(dev.sensor)
    mutex_unlock(dev.stream)


def probe(dev):
    mutex_init(dev.stream)
    mutex_init(dev.sensor)
    INIT_WORK(dev.take, camera_take)
    INIT_WORK(dev.expose, camera_expose)
    return request_irq(dev.irq, camera_irq, 0, "camera", dev)
