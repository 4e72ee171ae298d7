"""What came into being together with an object: methods, nested classes, what decorators have around a function.

They have no statement of their own. Each is known by the path that leads to it from the object, before and after.
"""

import functools
import hashlib
import importlib.util
import types

from buntime_kernel.definitions import Cached, imported_from, is_behaviour, is_same, is_type_parameter, token

MOST = 10_000
# Where the functions of such are.
HOLDERS = {
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
    functools.cached_property: ("func",),
    functools.partialmethod: ("func",),
    functools.singledispatchmethod: ("func",),
}
PLAIN = (type(None), bool, int, float, complex, str, bytes)
CONTAINERS = (dict, list, set, types.MappingProxyType)
# Bytecode differs from one Python to the next.
BYTECODE = importlib.util.MAGIC_NUMBER.hex()


def parts_of(value, order, definitions, taken):
    """By their paths, itself first. `taken`: by ids, what is a part, of whom, and where."""
    found, waiting = {}, [((), value)]
    while waiting and len(found) < MOST:
        path, each = waiting.pop()
        found[path] = each
        for step, held in held_by(each, definitions.of(each)):
            if id(held) not in taken and definitions.of(held) is None and is_part(held):
                taken[id(held)] = order, (*path, step)
                waiting.append(((*path, step), held))
    return found


def held_by(each, definition):
    if isinstance(each, types.FunctionType):
        for name, cell in zip(each.__code__.co_freevars, each.__closure__ or ()):
            try:
                yield f"cell:{name}", cell.cell_contents
            except ValueError:
                continue  # it is empty
    if isinstance(each, (types.FunctionType, Cached)):
        yield from ((f"dict:{name}", held) for name, held in list(each.__dict__.items()))
    elif isinstance(each, type):
        begun = definition.begun if definition is not None else None
        for name, held in list(vars(each).items()):
            if begun is None or is_same(begun.get(name), token(held)):
                yield f"class:{name}", held
    else:
        yield from ((f"get:{name}", getattr(each, name, None)) for name in HOLDERS.get(type(each), ()))


def is_part(held):
    if isinstance(held, type):
        return held.__module__ == "__main__" and "." in held.__qualname__
    return isinstance(held, (types.FunctionType, Cached, *HOLDERS)) and imported_from(held) is None


def states_of(value, definition, parts, known):
    """What has become of an object since its statement: what it holds itself, beside what is written there."""
    if definition.plain:
        yield None, (value.__defaults__, value.__kwdefaults__, value.__dict__, names_of(value))
        return
    if isinstance(value, type):
        yield from class_state(value, definition.begun, known)
    for path, each in parts.items():
        if isinstance(each, (types.FunctionType, Cached)):
            for step, held in function_state(each, known):
                if known.taken.get(id(held)) != (definition.order, (*path, step)):
                    yield (*path, step), held
        elif isinstance(each, type):
            yield from (((*path, step), held) for step, held in field_state(each))
            if path:
                yield from (((*path, f"class:{name}"), held) for name, held in class_state(each, None, known))


def names_of(function):
    return {name: getattr(function, name) for name in ("__name__", "__qualname__", "__doc__")}


def function_state(function, known):
    is_own = isinstance(function, Cached) or function.__code__.co_filename.startswith("<run ")
    if isinstance(function, types.FunctionType):
        defaults = (function.__defaults__, function.__kwdefaults__)
        if any(defaults):
            # A library's own things are what its code compares with: a copy would not do.
            yield ("defaults", defaults) if is_own else ("plain", plain_of(defaults))
    for step, held in held_by(function, None):
        if step in ("dict:__wrapped__", "cell:__class__"):
            continue
        if is_own or type(held) in PLAIN or type(held) in CONTAINERS or known.definitions.order_of(held) is not None:
            yield step, held


def plain_of(defaults):
    given, named = defaults
    return {at: each for at, each in enumerate(given or ()) if type(each) in PLAIN}, {
        name: each for name, each in (named or {}).items() if type(each) in PLAIN
    }


def set_plain(function, given, named):
    if given:
        function.__defaults__ = tuple(given.get(at, each) for at, each in enumerate(function.__defaults__))
    if named:
        function.__kwdefaults__.update(named)


def class_state(kind, begun, known):
    # Those of libraries may do much where something of theirs is set.
    is_simple = type(kind).__module__ in ("builtins", "abc", "typing", "__main__")
    for name, held in list(vars(kind).items()):
        if is_behaviour(held):
            is_changed = begun is not None and not is_same(begun.get(name), token(held))
            if is_changed or known.definitions.order_of(held) is not None or has_state(held):
                yield name, held
        elif type(held) in PLAIN or (is_simple and not name.startswith(("__", "_abc_"))):
            yield name, held


def has_state(held):
    """Not only what it does."""
    return type(held) is functools.partial or type(held).__module__ == "__main__"


def field_state(kind):
    """What a dataclass was told of its fields."""
    for name, field in vars(kind).get("__dataclass_fields__", {}).items():
        if type(getattr(field, "default", None)) in PLAIN:
            yield f"field:{name}", field.default


def set_state(owner, step, state):
    """Raises where it does not let itself be set."""
    kind, _, name = step.partition(":")
    if kind == "defaults":
        owner.__defaults__, owner.__kwdefaults__ = state
    elif kind == "plain":
        set_plain(owner, *state)
    elif kind == "field":
        owner.__dataclass_fields__[name].default = state
    elif kind == "cell":
        owner.__closure__[owner.__code__.co_freevars.index(name)].cell_contents = state
    elif kind == "dict":
        owner.__dict__[name] = state
    else:
        set_attribute(owner, name, state)


def set_attribute(kind, name, state):
    now = vars(kind).get(name, vars)
    if now is not state and not (type(state) in PLAIN and type(now) is type(state) and now == state):
        setattr(kind, name, state)


def shape_of(value, parts, order_of):
    """By which it is seen whether a statement has made the same again. `order_of`: those of what has a statement."""
    shape = {}
    for path, each in parts.items():
        if isinstance(each, types.FunctionType):
            shape["/".join(path)] = digest(each.__code__)
        elif isinstance(each, Cached):
            about = getattr(each, "cache_parameters", dict)()
            shape["/".join((*path, "cached"))] = repr((order_of(each.__wrapped__), about))
    if isinstance(value, type):
        bases = [order_of(each) or f"{each.__module__}.{each.__qualname__}" for each in value.__mro__[1:]]
        members = getattr(value, "__members__", {})
        held = {name: each.value for name, each in members.items() if type(getattr(each, "value", None)) in PLAIN}
        shape["class"] = repr((bases, getattr(value, "_fields", None), list(members), held))
    elif is_type_parameter(value):
        about = ("__bound__", "__constraints__", "__supertype__")
        shape["type"] = repr([repr(value), *(getattr(value, name, None) for name in about)])
    return shape


def digest(code):
    return hashlib.sha1(repr(outline(code)).encode()).hexdigest()[:16]


def outline(code):
    about = (code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return about, names, code.co_code, [outline_of_constant(each) for each in code.co_consts]


def outline_of_constant(value):
    if isinstance(value, types.CodeType):
        return outline(value)
    if isinstance(value, frozenset):
        return "frozenset", sorted(map(repr, value))
    return repr(value)
