"""All functions of the engine as one LLVM module, optimised and turned into machine code once.

numba makes of every function a library of its own: it copies in all that the function calls, optimises that and makes machine
code of it, and does so again for each caller of a caller: three quarters of the time that the engine took to compile. Here a
function that compiled ones call (a Part) is left as it was lowered; what Python calls (a Whole) gathers all that it reaches,
makes that private, so that LLVM may do with it what it likes, and has it optimised and compiled once.

Built on numba's own `pipeline_class` and, beyond what it documents, on CodeLibrary.finalize and Dispatcher.add_overload of
numba 0.61 to 0.68. Left out: profiles, inspection of a Part's assembly, generators, exceptions (the model raises none).
"""

import types

import llvmlite.binding
import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

from tophalf.compiled import quick_to_load
from tophalf.model.ground.pointer import pointer_to


class Part(JITCodeLibrary):
    """One function, not optimised yet and without machine code."""

    def finalize(self):
        self._finalized = True


class Whole(JITCodeLibrary):
    """A function that Python calls, with all that it reaches."""

    def finalize(self):
        self.own = {function.name for function in self._final_module.functions if not function.is_declaration}
        for library in reached(self):
            module = library._final_module if isinstance(library, Part) else library._get_module_for_linking()
            self._final_module.link_in(module, preserve=True)
        for function in self._final_module.functions:
            if not function.is_declaration and function.name not in self.own:
                function.linkage = "internal"
        self._linking_libraries = []
        super().finalize()

    def serialize_using_object_code(self):
        """As CPUCodeLibrary's, but that the bitcode only names what there is: numba asks it for that, and nobody copies it in."""
        self._ensure_finalized()
        names = [function.name for function in self._final_module.functions if not function.is_declaration]
        text = "".join(f'define void @"{name}"() {{ ret void }}\n' for name in names if name in self.own)
        return self.name, "object", (self._get_compiled_object(), llvmlite.binding.parse_assembly(text).as_bitcode())


def reached(library):
    """The libraries of what a library calls, and what that calls, each once: Parts, and numba's own functions (min, max)."""
    seen, todo = [], [library]
    while todo:
        for called in todo.pop()._linking_libraries:
            if called not in seen:
                seen.append(called)
                todo.append(called)
    return seen


class PartCompiler(Compiler):
    """numba's own passes but the last: no machine code."""

    def define_pipelines(self):
        self.state.library = library_of(self.state, Part)
        self.state.flags.no_compile = True
        return super().define_pipelines()


class WholeCompiler(Compiler):
    """numba's own passes, into a Whole."""

    def define_pipelines(self):
        self.state.library = library_of(self.state, Whole)
        self.state.library.enable_object_caching()
        return super().define_pipelines()


def library_of(state, kind):
    return kind(state.targetctx.codegen(), state.func_id.func_qualname)


def part(function, options):
    """A dispatcher for a function that others call. Python can call it too: it gets an entry of its own then."""
    dispatcher = numba.njit(pipeline_class=PartCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)
    dispatcher.options = options
    dispatcher.add_overload = types.MethodType(add_part, dispatcher)
    dispatcher.get_call_template = types.MethodType(call_template, dispatcher)
    dispatcher._compile_for_args = lambda *arguments, **_: entry_of(dispatcher)
    return dispatcher


def entry_of(dispatcher):
    """What Python calls instead of a part, made at its first call."""
    if "entry" not in vars(dispatcher):
        dispatcher.entry = whole(dispatcher.py_func, dispatcher.options, dispatcher, cache=False)
    return dispatcher.entry


def add_part(dispatcher, result):
    """As Dispatcher.add_overload, but that Python's calls do not see it: the function has no address that they could call."""
    result = result._replace(entry_point=result.fndesc)
    dispatcher.targetctx.insert_user_function(result.entry_point, result.fndesc, [result.library])
    dispatcher.overloads[tuple(result.signature.args)] = result


def call_template(dispatcher, arguments, named):
    """As Dispatcher.get_call_template, but that f(m, 0) and f(m, 1) call one function, not two made for 0 and for 1."""
    return type(dispatcher).get_call_template(dispatcher, [numba.types.unliteral(each) for each in arguments], named)


def whole(function, options, inner, cache=True):
    """A dispatcher for a function that Python calls with an array. numba's cache knows it by the function's name and place."""
    place = function.__code__
    code = enter.__code__.replace(co_filename=place.co_filename, co_firstlineno=place.co_firstlineno, co_name=place.co_name)
    named = types.FunctionType(code, {"inner": inner, "pointer_to": pointer_to}, function.__name__)
    named.__qualname__, named.__module__, named.__doc__ = function.__qualname__, function.__module__, function.__doc__
    return quick_to_load(numba.njit(pipeline_class=WholeCompiler, cache=cache, **options)(named))


def enter(first, *others):
    return inner(pointer_to(first), *others)  # noqa: F821  `whole` says what these names are
