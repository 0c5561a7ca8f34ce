"""Outside the subset."""

from tophalf.kernel import *


def read(dev):
    dev.mean = dev.sum / dev.count
    spin_lok(dev.lock)
