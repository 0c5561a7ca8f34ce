"""What drivers can say about NAPI: the numbers from ops.CODE_DEVICE_FROM on. An instance is y, or x without a result.

SCHEDULE, DISABLE: x = whether it did. COMPLETE: x = what napi_complete_done returns of the work in local z. BEGINS, ENDS: around
the driver's poll, in the program that NET_RX enters.
"""

from tophalf.model.ops import CODE_DEVICE_FROM, CODE_TIMER_FROM

(
    CODE_NAPI_SCHEDULE, CODE_NAPI_COMPLETE, CODE_NAPI_ENABLE, CODE_NAPI_DISABLE, CODE_NAPI_BEGINS, CODE_NAPI_ENDS,
) = range(CODE_DEVICE_FROM, CODE_DEVICE_FROM + 6)  # fmt: skip
CODE_DEVICE_END = CODE_DEVICE_FROM + 6
assert CODE_DEVICE_END <= CODE_TIMER_FROM
