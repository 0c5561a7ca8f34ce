"""A robot arm: one task moves it, and waits under the arm's mutex until another one has brought the next goal."""

from tophalf.kernel import *

SCENARIO = """
title = "An arm with two tasks"

[machine]
seconds = "300s"

[[driver]]
name = "arm"
irq = 24
rate = 2
"""

STATUS, MOTOR = 0x0, 0x4
STEP = 0x1


def arm_irq(irq, dev):
    if not read_reg(dev, STATUS) & STEP:
        return IRQ_NONE
    write_reg(dev, STATUS, STEP)
    dev.steps += 1
    return IRQ_HANDLED


def next_goal(dev):
    mutex_lock(dev.arm)
    wait_event_interruptible(dev.goals, dev.goal > dev.reached)
    dev.reached = dev.goal
    write_reg(dev, MOTOR, dev.reached)
    mutex_unlock(dev.arm)


def arm_move(dev):
    while not kthread_should_stop():
        msleep(1000)
        next_goal(dev)
    return 0


def arm_plan(dev):
    while not kthread_should_stop():
        msleep(1500)
        mutex_lock(dev.arm)  # HERE hung-task: the mover holds it, and waits for what is done here
        dev.goal += 1
        mutex_unlock(dev.arm)
        wake_up(dev.goals)
    return 0


def probe(dev):
    mutex_init(dev.arm)
    init_waitqueue_head(dev.goals)
    dev.mover = kthread_run(arm_move, dev, "arm-move")
    dev.planner = kthread_run(arm_plan, dev, "arm-plan")
    return request_irq(dev.irq, arm_irq, 0, "arm", dev)
