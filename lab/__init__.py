"""The lab: real Debian kernels in QEMU, to try tophalf on machines that misbehave on order.

`python3 -m lab build` makes everything under `.lab/` in the checkout; `python3 -m lab run` starts one guest and
runs commands in it; tests/kernel does the same through `lab.guest`. Nothing is installed on the machine itself
beyond the tools named in apt-packages.txt, and nothing is changed on it: the network of a guest is a namespace
that ends with the emulator. Standard library only.
"""
