"""What a myth is made of: a claim, situations of two runs each, and the effect in them that decides.

A verdict is counted from effects: the claim holds where a situation's effect lies on its side of the limit. Nothing here runs.
Left out: how likely a situation is. That a claim holds in one of three says nothing about how often one meets it.
"""

from tophalf.frozen import Frozen

TRUE, FALSE, DEPENDS = "true", "false", "it depends"


class Myth(Frozen):
    """name: a word. claim: a sentence. tried: what is compared, a line. truth: sentences, without figures. situations: Situation.

    kernel: Kernel lines. universal: whether the claim says "always": one situation against it makes it false then.
    rule: what of it no measurement decides.
    """

    __slots__ = ("name", "claim", "tried", "truth", "situations", "kernel", "universal", "rule")


class Kernel(Frozen):
    """file, function: in Linux 6.12. says: what stands there."""

    __slots__ = ("file", "function", "says")


class Situation(Frozen):
    """Two runs and what they are compared by.

    name: where one meets it. arms: two, each with `label` and `run(seed, scale, shorter)`. shown: Figure to draw of both.
    means: what the effect is. effect(one, other): a number of what the arms' runs found; unit: of say(). limit: the claim holds
    above it, or, where `below`, below it. why: the argument for the limit. without_times: do not draw CPUs' time.
    """

    __slots__ = ("name", "arms", "shown", "means", "effect", "unit", "limit", "below", "why", "without_times")

    def holds(self, effect):
        """Whether the claim holds here, by its effect."""
        return effect < self.limit if self.below else effect > self.limit


class Figure(Frozen):
    """title; unit: of say(); of(found): its value in a run."""

    __slots__ = ("title", "unit", "of")


def verdict(myth, effects):
    """TRUE, FALSE or DEPENDS. effects: one number a situation, in order."""
    held = [situation.holds(effect) for situation, effect in zip(myth.situations, effects, strict=True)]
    if all(held):
        return TRUE
    return FALSE if myth.universal or not any(held) else DEPENDS


def say(value, unit):
    """A value for people. unit: ns, ratio, share (of 1), points (of a CPU, as a share), rate (a second), count."""
    from tophalf.vocab import human_count, human_ns

    if unit == "ns":
        return human_ns(round(value)) if value >= 0 else f"-{human_ns(round(-value))}"
    if unit == "ratio":
        return f"{value:.3g} times"
    if unit in ("share", "points"):
        return f"{value:.1%}" if unit == "share" else f"{value * 100:+.2f} points"
    return f"{human_count(round(value))}/s" if unit == "rate" else human_count(round(value))
