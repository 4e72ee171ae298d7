"""Functions and classes by the statements that made them, so that they can be made again where their bytes cannot be kept."""

import _ast
import linecache
import types
import weakref

DEFINITIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef)


class Definition:
    """One statement. `line`: where it stood in its run, from 1. `plain`: it makes a function, with nothing around it."""

    __slots__ = ("filename", "line", "name", "order", "plain", "source")

    def __init__(self, name, source, filename, line, plain):
        self.name = name
        self.source = source
        self.filename = filename
        self.line = line
        self.plain = plain
        self.order = 0


class Definitions:
    def __init__(self, names):
        self.names = names
        # As in `import a.b`, which binds `a` alone.
        self.dotted = {}
        self.by_id = {}
        self.last = 0

    def bindings(self, statements):
        """What these may bind at the top level, and what is bound there before they run."""
        return [(name, node, self.names.get(name)) for node in walk(statements) for name in self.names_of(node)]

    def names_of(self, node):
        if isinstance(node, DEFINITIONS):
            return [node.name]
        if isinstance(node, _ast.Import):
            self.dotted.update({each.name: None for each in node.names if "." in each.name and each.asname is None})
        if isinstance(node, _ast.AnnAssign):
            return [node.target.id] if isinstance(node.target, _ast.Name) else []
        if isinstance(node, _ast.Assign):
            return [target.id for target in node.targets if isinstance(target, _ast.Name)]
        return []

    def note(self, before, code, filename):
        lines = None
        for name, node, earlier in before:
            value = self.names.get(name)
            if value is earlier or value is None or not makes(node, value) or self.of(value) is not None:
                continue
            if lines is None:
                lines = code.encode().split(b"\n")
            source, line = source_of(node, lines)
            plain = isinstance(value, types.FunctionType) and not getattr(node, "decorator_list", None)
            self.add(value, Definition(name, source, filename, line, plain))

    def add(self, value, definition):
        key = id(value)
        try:
            reference = weakref.ref(value, lambda _: self.by_id.pop(key, None))
        except TypeError:
            return  # a value like any other
        self.last += 1
        definition.order = self.last
        self.by_id[key] = (reference, definition)

    def of(self, value):
        entry = self.by_id.get(id(value))
        return entry[1] if entry is not None and entry[0]() is value else None

    def all(self):
        """With their objects, in the order in which they were made."""
        entries = [(reference(), definition) for reference, definition in list(self.by_id.values())]
        return sorted((entry for entry in entries if entry[0] is not None), key=lambda entry: entry[1].order)

    def make(self, definition, without_defaults):
        """Again. Raises what the statement raises."""
        padded = "\n" * (definition.line - 1) + definition.source
        tree = compile(padded, definition.filename, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
        if without_defaults:
            leave_defaults_out(tree.body[0])
        self.show_source(definition)
        exec(compile(tree, definition.filename, "exec", dont_inherit=True), self.names)
        value = self.names[definition.name]
        self.add(value, definition)
        return value

    def show_source(self, definition):
        """In tracebacks. Several may come from one run."""
        _, _, lines, _ = linecache.cache.get(definition.filename, (0, None, [], ""))
        source = definition.source.splitlines(True)
        lines = lines + ["\n"] * (definition.line - 1 + len(source) - len(lines))
        lines[definition.line - 1 : definition.line - 1 + len(source)] = source
        size = sum(map(len, lines))
        linecache.cache[definition.filename] = (size, None, lines, definition.filename)


def walk(statements):
    """With those inside of others, but for what functions and classes are made of."""
    for node in statements:
        yield node
        if isinstance(node, DEFINITIONS):
            continue
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                yield from walk(inner)


def makes(node, value):
    """The statement can be done again in place of keeping the value: it makes something and does nothing else."""
    if isinstance(node, DEFINITIONS):
        return True
    if isinstance(node.value, _ast.Lambda):
        return isinstance(value, types.FunctionType)
    # namedtuple("P", "x y"), Enum("Color", "RED BLUE")
    made_here = isinstance(value, type) and getattr(value, "__module__", None) == "__main__"
    return made_here and isinstance(node.value, _ast.Call)


def source_of(node, lines):
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    if node.col_offset > 0:
        import ast

        return ast.unparse(node), first
    taken = lines[first - 1 : node.end_lineno]
    taken[-1] = taken[-1][: node.end_col_offset]
    return b"\n".join(taken).decode(), first


def leave_defaults_out(node):
    """They are set afterwards, as they were: what they were made of may be something else by now."""
    function = node if isinstance(node, (_ast.FunctionDef, _ast.AsyncFunctionDef)) else node.value
    arguments = function.args
    arguments.defaults = [nothing(default) for default in arguments.defaults]
    arguments.kw_defaults = [default and nothing(default) for default in arguments.kw_defaults]


def nothing(node):
    return _ast.Constant(
        value=None,
        lineno=node.lineno,
        col_offset=node.col_offset,
        end_lineno=node.end_lineno,
        end_col_offset=node.end_col_offset,
    )
