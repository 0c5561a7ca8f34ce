"""A blinking LED: a timer, until the count is over."""

from tophalf.kernel import *

LED = 0x0
BLINKS = 10


def led_stop(led):
    write_reg(led, LED, 0)
    led.count = 0


def led_tick(timer):
    led = from_timer(timer)
    led.count += 1
    if led.count > BLINKS:
        led_stop(led)
        return
    write_reg(led, LED, led.count & 1)
    mod_timer(led.timer, msecs_to_jiffies(200))


def probe(dev):
    dev.count = 0
    timer_setup(dev.timer, led_tick, 0)
    mod_timer(dev.timer, msecs_to_jiffies(200))
    return 0


def remove(dev):
    timer_delete_sync(dev.timer)
    led_stop(dev)
