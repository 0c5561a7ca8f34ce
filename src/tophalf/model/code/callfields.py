"""Where calls of drivers by tasks are counted: one block for each [[call]]."""

CL_BEGUN, CL_DONE, CL_FAILED, CL_LATENCY_SUM, CL_LATENCY_MAX, CL_HISTOGRAM, CALL_SIZE = range(7)
