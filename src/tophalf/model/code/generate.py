"""A driver's functions as programs of the engine, each made when somebody needs it, once for each device it is about.

What goes in is the checked tree of `driver.subset`.
"""

import ast

from tophalf.driver.roles import roles_of
from tophalf.driver.subset import ends
from tophalf.errors import TophalfError
from tophalf.model.check.buildwatch import functions_that_run_again
from tophalf.model.check.checkcalls import begin_entry, functions_that_change
from tophalf.model.check.checkmaps import map_of_entry, waits_of
from tophalf.model.check.checkroles import CALLER, ROLES
from tophalf.model.check.freedlines import frees_lines
from tophalf.model.code import codeops as c
from tophalf.model.code.buildcode import begin_code
from tophalf.model.code.kernelcalls import write_call
from tophalf.model.code.objects import Object
from tophalf.model.code.statements import Statements
from tophalf.model.code.timingcalls import variable
from tophalf.model.ground.program import Assembler
from tophalf.model.ops import OP_JUMP
from tophalf.model.work.buildwork import system_workqueue


class Generator:
    """Programs of one driver in one world. builder: its Builder; driver: driver.subset.Driver."""

    def __init__(self, builder, driver):
        begin_code(builder)
        self.builder, self.driver = builder, driver
        self._programs, self._queues = {}, {}
        self.running_again = functions_that_run_again(driver)
        self.made = {}  # {name: Object} of its own workqueues: a probe that runs once more has them again
        self.roles = {role.name: ROLES.index(role.kind) + 1 for role in roles_of(driver) if role.kind}
        self.waits, self.changing = waits_of(driver), functions_that_change(driver)
        self.freed = {} if frees_lines(driver) else None  # {number of a line: its word}

    def function(self, name, statics, role=0, lock=0):
        """The address of a function's program. statics: for each argument a Device or an Object, None where a number is handed over
        in a local, in their order from 0. role: of one that the kernel calls (`checkroles`); lock: the map of what waits for it.
        Raises: TophalfError for what the model cannot run."""
        key = name, tuple(id(static) if static is not None else None for static in statics), role, lock
        if key not in self._programs:
            self._programs[key] = None
            self._programs[key] = self._written(Statements(self, self.driver.functions[name], statics), role, lock)
        if self._programs[key] is None:
            where = f"{self.driver.path}:{self.driver.functions[name].lineno}"
            raise TophalfError(f"{name} hands itself to the kernel while it runs", where, "set it up in another function, as probe")
        return self._programs[key]

    def entry(self, name, arguments):
        """The address of a program that the kernel enters: calls a function with arguments that are known now."""
        statics = tuple(None if isinstance(argument, int) else argument for argument in arguments)
        program = self.function(name, statics, self.roles.get(name, CALLER), map_of_entry(self, arguments))
        numbers = [argument for argument in arguments if isinstance(argument, int)]
        if not numbers:
            return program
        code = Assembler()
        code.label("entry")
        for slot, number in enumerate(numbers):
            code(c.CODE_SET, slot, number)
        code(OP_JUMP, program)
        return self.builder.program(code)["entry"]

    def workqueue(self, variable):
        """One of the kernel's workqueues."""
        if variable not in self._queues:
            self._queues[variable] = Object("workqueue", variable, None, system_workqueue(self.builder, variable))
        return self._queues[variable]

    def kernel_call(self, writer, node, target):
        """What a call of the API is worth, its instructions written."""
        return write_call(self, writer, node, target)

    def variable(self, writer, name):
        """What one of the kernel's numbers is worth, its instructions written."""
        return variable(self, writer, name)

    def _written(self, writer, role, lock):
        function = writer.function
        if role:
            begin_entry(writer, role, lock)
        writer.body(function.body)
        if not ends(function.body):
            writer.line = function.body[-1].lineno
            writer.leave(None, 0)
        code, lines = Assembler(), []
        code.label("start")
        for name in unset_at_first(function, writer.slots.keys() - writer.statics.keys()):
            code(c.CODE_SET, writer.slots[name], 0)
            lines.append(function.lineno)
        for line in writer.instructions:
            if isinstance(line, str):
                code.label(line)
            else:
                code(*line[:4])
                lines.append(line[4])
        address = self.builder.program(code)["start"]
        self.builder.code_places.append((address, lines, self.driver.path, function.name))
        return address


def unset_at_first(function, names):
    """Names that may be looked at before anything was assigned: they are 0 then, where Python has an error. In their order."""
    known, found = {argument.arg for argument in function.args.args}, set()
    _look_at(function.body, known, found)
    return sorted(found & names - {argument.arg for argument in function.args.args})


def _look_at(body, known, found):
    """Statement by statement; what is assigned in branches and loops only does not count as assigned after them."""
    for node in body:
        parts = [node.test] if isinstance(node, (ast.If, ast.While)) else [node.iter] if isinstance(node, ast.For) else [node]
        names = (each for part in parts for each in ast.walk(part) if isinstance(each, ast.Name))
        read = {each.id for each in names if isinstance(each.ctx, ast.Load)}
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            read.add(node.target.id)
        found |= read - known
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known.add(node.targets[0].id)
        elif isinstance(node, (ast.If, ast.While)):
            _look_at(node.body, set(known), found)
            _look_at(node.orelse, set(known), found)
        elif isinstance(node, ast.For):
            _look_at(node.body, known | {node.target.id}, found)
