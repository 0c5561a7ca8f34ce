"""Every path through a driver's functions, from each way that the kernel enters one: what is held and off at each step.

Conditions that are not known go both ways; one of plain names goes the same way again on its path. Loops go on until nothing new
is seen. Left out: values in attributes of a device, and correlation through them, so that a path may be walked that cannot be.
"""

import ast
from collections import namedtuple

from tophalf.driver import effects
from tophalf.driver.api import CALLS
from tophalf.driver.endings import judge_end, judge_round
from tophalf.driver.roles import HARDIRQ, SOFTIRQ, class_of, queued_on, workqueues_of
from tophalf.driver.state import SPIN, Object, entered
from tophalf.driver.subset import constant_value, operate

STATES_MAX = 400  # kept at one point; beyond, paths are dropped, and said to be
Flow = namedtuple("Flow", "on breaks continues returns")  # sets of State; returns: of End
End = namedtuple("End", "state value lineno")  # of a function: value: what it returns, None for unknown


class Path:
    """One way into a driver. locks: lockorder.Locks; reports: report.Reports; stack: [(function, line of the call)]."""

    def __init__(self, driver, role, locks, reports):
        self.driver, self.role, self.locks, self.reports = driver, role, locks, reports
        self.stack, self.constants, self.was_cut = [role.name], driver.constants, False
        queues = queued_on(driver, role.object) if role.kind == "work_fn" else ()
        self.queues_of_role = {queue.rsplit(".", 1)[-1] for queue in queues}
        self.flags_of_queues = workqueues_of(driver)

    def walk(self):
        """Report what is wrong on any of its paths."""
        function = self.driver.functions[self.role.name]
        state = entered(self.role.context)
        if self.role.object and function.args.args:
            key = self.role.object.rsplit(".", 1)[-1]
            state = state.knowing(function.args.args[0].arg, Object(key, self.role.object))
        ends = self.function(function, state)
        judge_end(self, function, ends)

    def object_of(self, node, state):
        """The Object that an argument means."""
        known = state.value(node.id) if isinstance(node, ast.Name) else None
        return known if isinstance(known, Object) else Object(class_of(node), ast.unparse(node))

    # What effects say

    def report(self, node, kind, title, state, do):
        details = [f"in {' < '.join(reversed(self.stack))}, {self.role.what}{self._handed_over()}; {state.said()}"]
        details += [f"{held.text} is held, taken at line {held.line}" for held in state.held]
        self.reports.add(node.lineno, kind, title, details, do)

    def _handed_over(self):
        return f" (line {self.role.line})" if self.role.line else ""

    def sleeps(self, node, name, state, do=None):
        """might_sleep says so. do: a better remedy than that of the context."""
        title = f"BUG: sleeping function called from invalid context: {name}"
        self.report(node, "sleep", title, state, do or self.where_to_sleep(state))

    def where_to_sleep(self, state):
        held = next((held for held in state.held if held.kind == SPIN), None)
        if state.context == HARDIRQ and self.role.kind == "hrtimer_fn":
            return "an hrtimer's function may not sleep: queue a work and sleep in that"
        if state.context == HARDIRQ:
            return "a top half may not sleep: return IRQ_WAKE_THREAD and sleep in the thread"
        if state.context == SOFTIRQ:
            return "a softirq may not sleep: queue a work and sleep in that"
        if held:
            return f"let go of {held.text} before, or make it a mutex"
        return "turn interrupts, preemption and bottom halves on before"

    def reclaim(self, node, name, text, queues, state):
        """check_flush_dependency: work that frees memory must not wait for work that needs some. queues: where that is."""
        mine = [self.flags_of_queues.get(queue) for queue in self.queues_of_role]
        others = [self.flags_of_queues.get(queue.rsplit(".", 1)[-1]) or 0 for queue in queues]
        reclaims = self.constants["WQ_MEM_RECLAIM"]
        if any(flags and flags & reclaims for flags in mine) and any(not flags & reclaims for flags in others):
            title = f"WQ_MEM_RECLAIM work waits with {name} for {text}, on a workqueue without a rescuer"
            self.report(node, "reclaim", title, state, "make that workqueue with WQ_MEM_RECLAIM too")

    # Statements

    def function(self, function, state):
        """Walk it. Returns its Ends."""
        flow = self.statements(function.body, {state})
        return flow.returns | {End(end, None, function.body[-1].lineno) for end in flow.on}

    def statements(self, body, states):
        breaks, continues, returns = set(), set(), set()
        for node in body:
            flow = self.each(self.statement, node, states)
            states, breaks, continues, returns = flow.on, breaks | flow.breaks, continues | flow.continues, returns | flow.returns
        return Flow(states, breaks, continues, returns)

    def each(self, walk, node, states):
        if len(states) > STATES_MAX:
            self.was_cut = True
            states = set(sorted(states, key=repr)[:STATES_MAX])
        flows = [walk(node, state) for state in states]
        return Flow(*(set().union(*(getattr(flow, field) for flow in flows)) for field in Flow._fields))

    def statement(self, node, state):
        nothing = set()
        if isinstance(node, ast.Return):
            pairs = self.value(node.value, state) if node.value is not None else {(state, None)}
            return Flow(nothing, nothing, nothing, {End(*pair, node.lineno) for pair in pairs})
        if isinstance(node, ast.Break):
            return Flow(nothing, {state}, nothing, nothing)
        if isinstance(node, ast.Continue):
            return Flow(nothing, nothing, {state}, nothing)
        if isinstance(node, ast.If):
            yes, no = self.condition(node.test, state)
            first, second = self.statements(node.body, yes), self.statements(node.orelse, no)
            return Flow(*(one | other for one, other in zip(first, second, strict=True)))
        if isinstance(node, (ast.While, ast.For)):
            return self.loop(node, state)
        return Flow(self.simple(node, state), nothing, nothing, nothing)

    def simple(self, node, state):
        if isinstance(node, ast.Expr):
            return {after for after, _ in self.value(node.value, state)}
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            value = node.value if isinstance(node, ast.Assign) else ast.BinOp(target, node.op, node.value)
            return {self.assigned(target, after, known) for after, known in self.value(value, state)}
        return {state}

    @staticmethod
    def assigned(target, state, value):
        return state.knowing(target.id, value) if isinstance(target, ast.Name) else state

    # Loops

    def loop(self, node, state):
        states, times = {state}, None
        if isinstance(node, ast.For):
            counts = [constant_value(argument, self.constants) for argument in node.iter.args]
            times = len(range(*counts)) if None not in counts and 0 not in counts[2:] else None
            for argument in node.iter.args:
                states = {after for one in states for after, _ in self.value(argument, one)}
            states = {one.knowing(node.target.id, None) for one in states}
        left, returns = set(), set()
        counted = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
        seen, todo = set(), {self.without_counts(one, counted) for one in states}
        while todo:
            seen |= {self.without_time(one) for one in todo}
            begins, leaves = self.round(node, todo)
            flow = self.statements(node.body, begins)
            left |= leaves | flow.breaks
            returns |= flow.returns
            judge_round(self, node, flow)
            rounds = {self.without_counts(one, counted) for one in flow.on | flow.continues}
            todo = {one for one in rounds if self.without_time(one) not in seen}
            if len(seen) > STATES_MAX:
                self.was_cut = True
                break
            left |= rounds - todo if isinstance(node, ast.For) else set()
        return Flow({self.with_rounds(one, state, times) for one in left}, set(), set(), returns)

    def round(self, node, states):
        """(states that begin another round, states that leave the loop)."""
        if isinstance(node, ast.For):
            return states, states
        pairs = [self.condition(node.test, one) for one in states]
        return set().union(*(yes for yes, _ in pairs)), set().union(*(no for _, no in pairs))

    @staticmethod
    def without_counts(state, names):
        """Numbers that change in a loop are not known at its head: it would be walked once for each of them."""
        for name in names:
            if isinstance(state.value(name), int):
                state = state.knowing(name, None)
        return state

    @staticmethod
    def without_time(state):
        return state._replace(spent_ns=0)

    @staticmethod
    def with_rounds(state, before, times):
        """Time of a round, as often as it is known to go round."""
        return state._replace(spent_ns=before.spent_ns + (state.spent_ns - before.spent_ns) * max(times or 1, 1))

    # Expressions

    def condition(self, node, state):
        """(states where it is true, states where it is not)."""
        key = self.condition_key(node)
        known = state.value(key) if key else None
        yes, no = set(), set()
        for after, value in self.value(node, state):
            value = known if value is None else value
            if value is None or value:
                yes.add(after.knowing(key, 1) if key else after)
            if value is None or not value:
                no.add(after.knowing(key, 0) if key else after)
        return yes, no

    def condition_key(self, node):
        """How a condition of plain names is remembered: its text and those names; None for one with anything else."""
        parts = [inner for inner in ast.walk(node) if isinstance(inner, ast.expr)]
        if any(isinstance(inner, (ast.Call, ast.Attribute)) for inner in parts):
            return None
        names = sorted({inner.id for inner in parts if isinstance(inner, ast.Name)} - self.constants.keys())
        return "\0".join([f"if {ast.unparse(node)}", *names]) if names else None

    def value(self, node, state):
        """A set of (State afterwards, value or None for unknown)."""
        constant = constant_value(node, self.constants)
        if constant is not None:
            return {(state, constant)}
        if isinstance(node, ast.Name):
            return {(state, state.value(node.id))}
        if isinstance(node, ast.Call):
            return self.call(node, state)
        if isinstance(node, ast.BoolOp):
            return self.boolean(node, state)
        if isinstance(node, ast.IfExp):
            yes, no = self.condition(node.test, state)
            return set().union(*(self.value(node.body, one) for one in yes), *(self.value(node.orelse, one) for one in no))
        if isinstance(node, ast.BinOp):
            return self.arithmetic(node, state)
        return {(after, None) for after in self.operands(node, state)}

    def arithmetic(self, node, state):
        found = set()
        for middle, left in self.value(node.left, state):
            for after, right in self.value(node.right, middle):
                known = isinstance(left, int) and isinstance(right, int)
                found.add((after, operate(node.op, left, right) if known else None))
        return found

    def operands(self, node, state):
        states = {state}
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                states = {after for one in states for after, _ in self.value(part, one)}
        return states

    def boolean(self, node, state):
        """and, or: what comes later may not be reached."""
        states, found = {state}, set()
        for part in node.values:
            states = {after for one in states for after, _ in self.value(part, one)}
            found |= {(after, None) for after in states}
        return found

    def call(self, node, state):
        name = node.func.id
        call = CALLS.get(name)
        results = {(state, ())}
        for at, argument in enumerate(node.args):
            if call and call.params[at] == "condition":  # the kernel looks at it, again and again
                results = {(one, (*values, None)) for one, values in results}
            else:
                results = {(after, (*values, value)) for one, values in results for after, value in self.value(argument, one)}
        if call:
            pairs = {effects.apply(self, call, node, one, values) for one, values in results}
            return {(after, value) for after, value in pairs if after is not None}
        return set().union(*(self.own_call(node, one, values) for one, values in results))

    def own_call(self, node, state, values):
        """A function of the driver, walked where it is called: with its own names."""
        function = self.driver.functions[node.func.id]
        inside = state._replace(values=())
        for argument, value in zip(function.args.args, values, strict=True):
            inside = inside.knowing(argument.arg, value)
        self.stack.append(function.name)
        ends = self.function(function, inside)
        self.stack.pop()
        return {(end.state._replace(values=state.values), end.value) for end in ends}

