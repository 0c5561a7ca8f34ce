"""The questions of `tophalf defer`, one by one, where nothing was given and a terminal listens. Leaves out: --core, for few."""

from tophalf.errors import TophalfError

# Option: what is asked, what an empty answer means
QUESTIONS = (
    ("sleeps", "Does the work need to sleep: a mutex, GFP_KERNEL, a slow bus?", "no"),
    ("device", "Whose work is it: network, block, other?", "other"),
    ("work", "What does it take of a CPU, an interrupt?", "20us"),
    ("rate", "How many interrupts a second?", "1k"),
    ("latency", "How soon after the interrupt must it begin?", "any time"),
    ("per_cpu", "Must several CPUs do it at a time, each for itself?", "no"),
    ("kernel", "Which is the oldest kernel that it must run on?", "6.12"),
)
YES, NO = ("y", "yes"), ("n", "no")
DEVICES = ("network", "block", "other")


def ask(check, answer=None):
    """{option: as it would be given, None where it is the default}. check(option, text): raises TophalfError for what it cannot be.

    answer(prompt): a line, of the terminal when left out. Raises: TophalfError where the answers end.
    """
    given = {}
    for option, question, default in QUESTIONS:
        if not (option == "latency" and given["sleeps"]):  # the tree does not ask what sleeps how soon
            given[option] = _one(option, f"{question} [{default}] ", check, answer or input)
    return given


def _one(option, prompt, check, answer):
    while True:
        try:
            text = answer(prompt).strip()
        except EOFError:
            raise TophalfError("the answers end before the questions", do="answer each, or give options: --work 200us") from None
        try:
            return _understood(option, text, check)
        except TophalfError as error:
            print(f"  {error.what}")


def _understood(option, text, check):
    """The option's value. Raises: TophalfError."""
    if not text or option == "latency" and text in ("any", "any time"):
        return None
    if option in ("sleeps", "per_cpu"):
        return _chosen(text.lower(), {**dict.fromkeys(YES, True), **dict.fromkeys(NO)}, "yes or no")
    if option == "device":
        return _chosen(text.lower(), {name: name if name != "other" else None for name in DEVICES}, ", ".join(DEVICES))
    check(option, text)
    return text


def _chosen(text, meanings, said):
    if text not in meanings:
        raise TophalfError(f"{text!r} is not {said}")
    return meanings[text]
