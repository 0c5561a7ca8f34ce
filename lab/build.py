"""Make everything the guests need. A second run finds it done and takes a second."""

import time

from lab import emulator, images, kernels


def build(flavours=None, update=False):
    """Build the emulator, the root image and the kernels.

    Args: flavours: some of kernels.META; all when None. update: ask apt for newer kernels.
    Raises: LabError.
    """
    steps = [("emulator", lambda: emulator.build(update)), ("root image", images.root_image)]
    for flavour, release in kernels.releases(update).items():
        if flavours is None or flavour in flavours:
            steps.append((f"kernel {flavour} = {release}", lambda release=release: images.initramfs(release)))
    for name, step in steps:
        start = time.monotonic()
        result = step()
        print(f"lab: {name}: {result} ({time.monotonic() - start:.1f} s)", flush=True)
