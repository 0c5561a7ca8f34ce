"""What went wrong, where, and what to do: the only exceptions a user is meant to see."""


class TophalfError(Exception):
    """An error a user can act on; the command line prints it on one line and exits with 2.

    Args: what: the fault in one clause. where: file:line, IRQ or path ("" when the message says it). do: the next step.
    """

    def __init__(self, what, where="", do=""):
        self.what, self.where, self.do = what, where, do
        super().__init__(self.line())

    def line(self):
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.do}" if self.do else text


class FormatError(TophalfError):
    """Text or bytes that are not what their name promises; `where` is file:line or file:offset."""


class MachineError(TophalfError):
    """A MACHINE that cannot be opened, or does not hold what a command needs."""


class SteerError(TophalfError):
    """A change that the kernel refused, or that would not be safe."""
