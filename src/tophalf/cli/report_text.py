"""What is wrong with a driver for people: the kernel's title in red, then how one comes there and what to do."""

from tophalf.cli import render


def report_text(report):
    """Lines about a driver.report.Report."""
    first, *rest = report.text().splitlines()
    return "\n".join([render.paint(render.printable(first), "red"), *map(render.printable, rest)])
