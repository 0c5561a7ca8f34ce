"""The world's memory in compiled code: the bare address of its first word.

numba hands an array over in seven parts and, as an index may be negative, asks at every access whether it is. No address in
the model is; so the engine's functions hand on one pointer, and an access is a load or a store. Nothing checks it: run with
NUMBA_DISABLE_JIT=1 to see an index that is out of range.
"""

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model


class Memory(types.Type):
    def __init__(self):
        super().__init__(name="Memory")


MEMORY = Memory()


@register_model(Memory)
class MemoryModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.IntType(64).as_pointer())


@infer_global(operator.getitem)
class GetWord(AbstractTemplate):
    def generic(self, args, kws):
        if args[0] is MEMORY and isinstance(args[1], types.Integer):
            return signature(types.int64, MEMORY, types.int64)
        return None


@infer_global(operator.setitem)
class SetWord(AbstractTemplate):
    def generic(self, args, kws):
        if args[0] is MEMORY and isinstance(args[1], types.Integer):
            return signature(types.none, MEMORY, types.int64, types.int64)
        return None


@lower_builtin(operator.getitem, Memory, types.int64)
def get_word(context, builder, kind, args):
    memory, index = args
    return builder.load(builder.gep(memory, [index]))


@lower_builtin(operator.setitem, Memory, types.int64, types.int64)
def set_word(context, builder, kind, args):
    memory, index, word = args
    builder.store(word, builder.gep(memory, [index]))


@intrinsic
def pointer_to(typing_context, first):
    """Where an array of int64 begins; a number, the first argument of functions without memory, is left as it is."""
    if isinstance(first, types.Integer):
        return first(first), lambda context, builder, kind, args: args[0]
    if not isinstance(first, types.Array) or first.dtype != types.int64 or first.layout != "C":
        return None

    def code(context, builder, kind, args):
        return cgutils.create_struct_proxy(kind.args[0])(context, builder, args[0]).data

    return MEMORY(first), code


@intrinsic
def bit_length(typing_context, word):
    """int.bit_length of a word that is not negative."""

    def code(context, builder, kind, args):
        return builder.sub(ir.Constant(args[0].type, 64), builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0)))

    return types.int64(types.int64), code
