"""Words for what a driver does wrong with NAPI: {kind: function of a reports.Case giving (kind, title, remedy)}."""

from tophalf.model.check.checkkinds import DEVICES_FROM

NAPI_BEYOND_BUDGET, NAPI_BUDGET_WHEN_COMPLETE, NAPI_NOT_SCHEDULED = range(DEVICES_FROM, DEVICES_FROM + 3)


def _beyond_budget(case):
    """net/core/dev.c __napi_poll; a negative number it takes as it is."""
    what = "exceeding its budget of" if case.about > 0 else "which is no number of packets; its budget is"
    title = f"NAPI poll function {case.function()} returned {case.about}, {what} {case.other}"
    return "napi-budget", title, "count what was done, and stop at the budget"


def _budget_when_complete(case):
    """Documentation/networking/napi.rst: one that has used up its budget must not be completed."""
    title = f"NAPI poll function {case.function()} returned its whole budget after napi_complete_done"
    return "napi-budget", title, "call napi_complete_done only where less than the budget was done"


def _not_scheduled(case):
    """WARN_ON_ONCE in napi_complete_done."""
    return "napi-state", "WARNING: napi_complete_done of an instance that is not scheduled", "call it once, at the end of the poll"


WORDS = {
    NAPI_BEYOND_BUDGET: _beyond_budget, NAPI_BUDGET_WHEN_COMPLETE: _budget_when_complete, NAPI_NOT_SCHEDULED: _not_scheduled,
}  # fmt: skip
