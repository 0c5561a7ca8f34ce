"""Starting a guest in spite of an emulator that now and then fails."""

from lab.guest import Guest, GuestDied

# Seen once in some forty starts, with three guests at a time on two processors: "iotlb_to_section: Assertion ... failed".
EMULATOR_FAILED = "Assertion"
BOOTS = 3


def booted(flavour, **options):
    """A Guest, tried again when the emulator itself failed while it started."""
    for _ in range(BOOTS - 1):
        try:
            return Guest(flavour, **options)
        except GuestDied as error:
            if EMULATOR_FAILED not in str(error):
                raise
    return Guest(flavour, **options)
