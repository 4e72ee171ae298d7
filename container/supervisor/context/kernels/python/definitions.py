"""Functions and classes by the statements that made them, to make them again where their bytes cannot be kept.

Behind every statement that may make one, a run has a mark, which takes down what it has made there and then: what has
the name later may be something else, and another statement may have the same one.
"""

import _ast
import builtins
import linecache
import sys
import types
import weakref
from functools import _lru_cache_wrapper as Cached

FUNCTIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, _ast.ClassDef)
LOOPS = (_ast.For, _ast.AsyncFor, _ast.While)
TYPE_PARAMETERS = ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType")

# No names that code could have.
MARK, INNER = "<made>", "<inner>"


class Definition:
    """One statement, and one object that it made.

    `line`: where it stood in its run, from 1. `flags`: what its run had from `__future__`. `plain`: it makes a
    function, with nothing around it. `bare`: without its decorators. `inner`: the order of the function that they
    were given.
    """

    KEPT = ("name", "source", "filename", "line", "flags", "plain", "bare", "inner")
    __slots__ = (*KEPT, "begun", "code", "order")

    def __init__(self, name, source, filename, line, flags=0, plain=False, bare=False, inner=None):
        self.name = name
        self.source = source
        self.filename = filename
        self.line = line
        self.flags = flags
        self.plain = plain
        self.bare = bare
        self.inner = inner
        self.order = 0
        # What was made: of a plain function its code, of a class by name what its methods are, see `token`.
        self.code = None
        self.begun = None


class Definitions:
    def __init__(self, names):
        self.names = names
        # As in `import a.b`, which binds `a` alone.
        self.dotted = {}
        self.by_id = {}
        self.last = 0
        # Of this run.
        self.marked = []
        self.filename = None
        self.flags = 0
        # What decorators have just been given.
        self.inner = None
        setattr(builtins, MARK, self.note)
        setattr(builtins, INNER, self.take)

    def mark(self, tree, code, filename):
        """Puts the marks into a run's tree, before it is compiled."""
        self.marked = []
        self.filename = filename
        self.flags = future_flags(tree)
        lines = code.encode().split(b"\n")
        self.mark_all(tree.body, lines, False)

    def mark_all(self, statements, lines, is_repeated):
        for at in range(len(statements) - 1, -1, -1):
            node = statements[at]
            if isinstance(node, _ast.Import):
                self.dotted.update({each.name: None for each in node.names if "." in each.name and each.asname is None})
            name = name_of(node, is_repeated)
            if name is not None:
                text, line = source_of(node, lines)
                statements.insert(at + 1, call_at(node, MARK, len(self.marked)))
                self.marked.append((node, name, text, line))
                if isinstance(node, FUNCTIONS) and node.decorator_list:
                    node.decorator_list.append(name_at(node.decorator_list[-1], INNER))
            if isinstance(node, DEFINITIONS):
                continue
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                inner = getattr(node, field, None)
                if isinstance(inner, list):
                    self.mark_all(inner, lines, is_repeated or isinstance(node, LOOPS))

    def take(self, function):
        self.inner = function
        return function

    def note(self, at):
        inner, self.inner = self.inner, None
        try:
            node, name, source, line = self.marked[at]
            parts = (name, source, self.filename, line, self.flags)
            value = self.names.get(name)
            if not can_be_made(value):
                value = None
            if isinstance(node, FUNCTIONS) and node.decorator_list:
                if not isinstance(inner, types.FunctionType):
                    return
                self.add(inner, Definition(*parts, plain=True, bare=True))
                if value is not inner and not isinstance(value, type) and self.is_new(value):
                    self.add(value, Definition(*parts, inner=self.of(inner).order))
            elif self.is_new(value) and makes(node, value):
                self.add(value, Definition(*parts, plain=isinstance(value, types.FunctionType)))
        except Exception:
            pass  # it is kept like any other value, or told

    def is_new(self, value):
        """Neither of an earlier statement nor of a module, from which it can be imported."""
        return value is not None and self.of(value) is None and imported_from(value) is None

    def add(self, value, definition, order=None):
        """`order`: the one that it had before."""
        key = id(value)
        try:
            reference = weakref.ref(value, lambda _: self.by_id.pop(key, None))
        except TypeError:
            return  # a value like any other
        definition.order = order or self.last + 1
        self.last = max(self.last, definition.order)
        if definition.plain:
            definition.code = value.__code__
        if isinstance(value, type):
            definition.begun = {name: token(held) for name, held in vars(value).items()}
        self.by_id[key] = (reference, definition)

    def of(self, value):
        entry = self.by_id.get(id(value))
        return entry[1] if entry is not None and entry[0]() is value else None

    def order_of(self, value):
        definition = self.of(value)
        return definition and definition.order

    def all(self):
        """With their objects, in the order in which they were made."""
        entries = [(reference(), definition) for reference, definition in list(self.by_id.values())]
        return sorted((entry for entry in entries if entry[0] is not None), key=lambda entry: entry[1].order)

    def make(self, definition, without_defaults):
        """Again: its object, and the one that its decorators were given. Raises what the statement raises."""
        # One that stood in a block is in one again, on the line before: so it keeps its columns.
        is_indented = definition.source[:1] in (" ", "\t", "\f")
        padding = "\n" * (definition.line - 2) + "if 1:\n" if is_indented else "\n" * (definition.line - 1)
        flags = definition.flags
        parse = _ast.PyCF_ONLY_AST | flags
        tree = compile(padding + definition.source, definition.filename, "exec", parse, dont_inherit=True)
        node = tree.body[0].body[0] if is_indented else tree.body[0]
        if isinstance(node, FUNCTIONS) and node.decorator_list:
            if definition.bare:
                node.decorator_list = []
            else:
                node.decorator_list.append(name_at(node.decorator_list[-1], INNER))
        if without_defaults:
            leave_defaults_out(node)
        self.show_source(definition)
        self.inner = None
        exec(compile(tree, definition.filename, "exec", flags, dont_inherit=True), self.names)
        inner, self.inner = self.inner, None
        return self.names[definition.name], inner

    def show_source(self, definition):
        """In tracebacks. Several may come from one run."""
        _, _, lines, _ = linecache.cache.get(definition.filename, (0, None, [], ""))
        source = definition.source.splitlines(True)
        lines = lines + ["\n"] * (definition.line - 1 + len(source) - len(lines))
        lines[definition.line - 1 : definition.line - 1 + len(source)] = source
        size = sum(map(len, lines))
        linecache.cache[definition.filename] = (size, None, lines, definition.filename)


def future_flags(tree):
    flags = 0
    for node in tree.body:
        if isinstance(node, _ast.ImportFrom) and node.module == "__future__" and node.level == 0:
            import __future__

            for each in node.names:
                flags |= getattr(getattr(__future__, each.name, None), "compiler_flag", 0)
    return flags


def name_of(node, is_repeated):
    """What a statement binds that may make something; in a loop a call makes another thing each time."""
    if isinstance(node, DEFINITIONS):
        return node.name
    if not isinstance(node, (_ast.Assign, _ast.AnnAssign)):
        return None
    if not isinstance(node.value, _ast.Lambda) and (is_repeated or not isinstance(node.value, _ast.Call)):
        return None
    targets = node.targets if isinstance(node, _ast.Assign) else [node.target]
    return next((target.id for target in targets if isinstance(target, _ast.Name)), None)


def makes(node, value):
    """The statement can be done again in place of keeping the value: it makes something and does nothing else."""
    if isinstance(node, FUNCTIONS) or (not isinstance(node, DEFINITIONS) and isinstance(node.value, _ast.Lambda)):
        return isinstance(value, types.FunctionType)
    if isinstance(node, _ast.ClassDef):
        return isinstance(value, type)
    # namedtuple("P", "x y"), Enum("Color", "RED BLUE"), cache(f), TypeVar("T")
    return not isinstance(value, types.FunctionType) and value.__module__ == "__main__"


def can_be_made(value):
    # By its type alone: other values may be asked nothing.
    return issubclass(type(value), (types.FunctionType, Cached, type)) or is_type_parameter(value)


def is_type_parameter(value):
    kind = type(value)
    return kind.__name__ in TYPE_PARAMETERS and kind.__module__ in ("typing", "typing_extensions")


def imported_from(value):
    """What to import to have it again; None for any other value."""
    if isinstance(value, types.ModuleType):
        return [value.__name__, None]
    if not isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, Cached)):
        return None
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if module in (None, "__main__") or not name.isidentifier():
        return None
    return [module, name] if getattr(sys.modules.get(module), name, None) is value else None


def is_behaviour(held):
    return callable(held) or hasattr(type(held), "__get__")


def token(held):
    """What tells a method from another one later, and does not keep it alive. None: it is data."""
    if not is_behaviour(held):
        return None
    if isinstance(held, (staticmethod, classmethod)):
        return type(held).__name__, token(held.__func__)
    if type(held) is property:
        return tuple(token(each) for each in (held.fget, held.fset, held.fdel))
    try:
        return weakref.ref(held)
    except TypeError:
        return id(held)


def is_same(before, now):
    """Of tokens. References are not asked whether they are equal: that asks what they lead to."""
    if isinstance(before, tuple) and isinstance(now, tuple):
        return len(before) == len(now) and all(map(is_same, before, now))
    return before is now or (isinstance(before, (int, str)) and before == now)


def source_of(node, lines):
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    if lines[first - 1][: node.col_offset].strip():
        import ast

        return ast.unparse(node), first
    taken = lines[first - 1 : node.end_lineno]
    taken[-1] = taken[-1][: node.end_col_offset]
    return b"\n".join(taken).decode(), first


def leave_defaults_out(node):
    """They are set afterwards, as they were: what they were made of may be something else by now."""
    function = node if isinstance(node, FUNCTIONS) else node.value
    arguments = function.args
    arguments.defaults = [constant_at(default, None) for default in arguments.defaults]
    arguments.kw_defaults = [default and constant_at(default, None) for default in arguments.kw_defaults]


def place_of(node):
    names = ("lineno", "col_offset", "end_lineno", "end_col_offset")
    return {name: getattr(node, name) for name in names}


def constant_at(node, value):
    return _ast.Constant(value=value, **place_of(node))


def name_at(node, name):
    return _ast.Name(id=name, ctx=_ast.Load(), **place_of(node))


def call_at(node, name, argument):
    call = _ast.Call(func=name_at(node, name), args=[constant_at(node, argument)], keywords=[], **place_of(node))
    return _ast.Expr(value=call, **place_of(node))
