"""A multi-function chip: three functions, a mutex each."""

from tophalf.kernel import *

GPIO, PWM, RTC = 0x0, 0x4, 0x8


def chip_pwm_set(chip, duty):
    mutex_lock(chip.pwm)
    write_reg(chip, PWM, duty)
    mutex_unlock(chip.pwm)


def chip_route(dev, duty):
    mutex_lock(dev.gpio)
    write_reg(dev, GPIO, 1)
    chip_pwm_set(dev, duty)
    mutex_unlock(dev.gpio)


def chip_calibrate(dev):
    mutex_lock(dev.pwm)
    mutex_lock(dev.rtc)
    write_reg(dev, PWM, read_reg(dev, RTC))
    mutex_unlock(dev.rtc)
    mutex_unlock(dev.pwm)


def chip_alarm(dev):
    mutex_lock(dev.gpio)
    mutex_lock(dev.rtc)
    write_reg(dev, RTC, 1)
    write_reg(dev, GPIO, 0)
    mutex_unlock(dev.rtc)
    mutex_unlock(dev.gpio)


def probe(dev):
    mutex_init(dev.gpio)
    mutex_init(dev.pwm)
    mutex_init(dev.rtc)
    return 0
