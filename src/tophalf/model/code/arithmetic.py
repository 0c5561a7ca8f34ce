"""Integers as drivers count with them: words of 64 bits, // and % rounded as Python rounds them.

What Python's numbers would outgrow wraps, as the kernel's s64 do (-fno-strict-overflow). Dividing by zero, or shifting by less than
0 or more than 63, ends the run: on a kernel the first is an oops, the second undefined.
"""

from tophalf.model.check.crash import DIVISION_BY_ZERO, SHIFT_OUT_OF_RANGE, crash
from tophalf.model.code.codeops import (
    CODE_ADD,
    CODE_AND,
    CODE_DIV,
    CODE_EQ,
    CODE_GT,
    CODE_LE,
    CODE_LT,
    CODE_MOD,
    CODE_MUL,
    CODE_NE,
    CODE_OR,
    CODE_SHL,
    CODE_SHR,
    CODE_SUB,
)
from tophalf.model.ground.jit import compiled, inlined, wrapped


@inlined
def operate(m, cpu, op, left, right):
    """left op right; op: CODE_ADD to CODE_GE."""
    if op >= CODE_EQ:
        return compare(m, op, left, right)
    if op == CODE_ADD:
        return wrapped(m, left + right)
    if op == CODE_SUB:
        return wrapped(m, left - right)
    if op == CODE_AND:
        return left & right
    if op == CODE_OR:
        return left | right
    return operate_rarely(m, cpu, op, left, right)


@inlined
def compare(m, op, left, right):
    """1 for true."""
    if op == CODE_EQ:
        return int(left == right)
    if op == CODE_NE:
        return int(left != right)
    if op == CODE_LT:
        return int(left < right)
    if op == CODE_LE:
        return int(left <= right)
    if op == CODE_GT:
        return int(left > right)
    return int(left >= right)


@compiled
def operate_rarely(m, cpu, op, left, right):
    """What is slow, or may fail."""
    if op == CODE_MUL:
        return wrapped(m, left * right)
    if op == CODE_DIV or op == CODE_MOD:
        return divide(m, cpu, op, left, right)
    if op == CODE_SHL or op == CODE_SHR:
        return shift(m, cpu, op, left, right)
    return left ^ right


@compiled
def divide(m, cpu, op, left, right):
    """-1 on its own: the smallest number divided by it does not fit, and processors trap."""
    if right == 0:
        crash(m, cpu, DIVISION_BY_ZERO)
        return 0
    if right == -1:
        return wrapped(m, 0 - left) if op == CODE_DIV else 0
    return left // right if op == CODE_DIV else left % right


@compiled
def shift(m, cpu, op, left, right):
    if right < 0 or right > 63:
        crash(m, cpu, SHIFT_OUT_OF_RANGE)
        return 0
    return wrapped(m, left << right) if op == CODE_SHL else left >> right
