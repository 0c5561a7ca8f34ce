"""Starting a guest in spite of an emulator that now and then fails."""

from lab.guest import Guest, GuestDied

# Seen once in some forty starts, with three guests at a time on two processors: "iotlb_to_section: Assertion ... failed".
EMULATOR_FAILED = "Assertion"
BOOTS = 3


def booted(flavour, **options):
    """A Guest, tried again when it did not start: the emulator broke off, or a virtual CPU never got its timer interrupt.

    Nothing of ours runs before a guest answers, so a start that fails is no finding; three in a row are told.
    """
    for _ in range(BOOTS - 1):
        try:
            return Guest(flavour, **options)
        except GuestDied as error:
            print(f"{flavour} did not start, trying again: {str(error).splitlines()[0]}")
    return Guest(flavour, **options)
