"""The variables of a context, to a file: one pass, so that what they share stays shared.

The file begins with a line of JSON: what to import, and the statements of functions and classes; a pickle follows.
Functions and classes of the context are in it as references to their statements, modules and what was imported from
them by name. What cannot be kept is left out by name, with the reason. Back: see restoring.py.
"""

import gc
import importlib
import json
import os
import pickle
import sys
import types

from buntime_kernel.definitions import Cached, Definition, imported_from, is_type_parameter
from buntime_kernel.parts import BYTECODE, parts_of, shape_of, states_of
from buntime_kernel.restoring import FILE, VERSION, defined, name_of, part, told, view

LIMIT = 256 * 1024 * 1024
# Of `__main__`, not of the code.
RESERVED = ("annotations", "builtins", "doc", "loader", "name", "package", "spec", "warningregistry")

THINGS = {
    "_io.TextIOWrapper": "an open file",
    "_io.BufferedReader": "an open file",
    "_io.BufferedWriter": "an open file",
    "_io.BufferedRandom": "an open file",
    "_io.FileIO": "an open file",
    "_thread.lock": "a lock",
    "_thread.RLock": "a lock",
    "generator": "a generator",
    "async_generator": "a generator",
    "coroutine": "a coroutine",
    "socket": "a socket",
    "frame": "a frame",
    "_asyncio.Task": "a task",
    "_asyncio.Future": "a future",
    "sqlite3.Connection": "a connection to a database",
    "weakref.ReferenceType": "a weak reference",
}


class Unsavable(Exception):
    """With the reason."""


class TooLarge(Exception):
    pass


def save(names, definitions, directory, limit=LIMIT):
    values = {name: value for name, value in names.items() if is_own(name, value)}
    imports, items = [], {}
    for name, value in values.items():
        source = imported_from(value)
        if source is None:
            items["v", name] = value
        else:
            imports.append([name, *source])
    known = Known(definitions)
    items.update(known.states())
    dropped = write_all(items, imports, known, os.path.join(directory, FILE), limit)
    return told([name for name in values if name not in dropped], dropped)


class Known:
    """What has a statement, and what came into being with it."""

    def __init__(self, definitions):
        self.definitions = definitions
        self.entries = definitions.all()
        # By ids, the order of whose part it is and the path to it.
        self.taken = {}
        self.parts = {
            definition.order: parts_of(value, definition.order, definitions, self.taken)
            for value, definition in self.entries
        }
        # By their orders, why they are not.
        self.unkept = {}

    def states(self):
        for value, definition in self.entries:
            for where, state in states_of(value, definition, self.parts[definition.order], self):
                yield ("s", definition.order, where), state

    def to_json(self, items):
        # What decorators were given is made together with what they made of it.
        left_out = {*self.unkept, *(definition.inner for _, definition in self.entries)}
        entries = [each for each in self.entries if each[1].order not in left_out and self.fault_of(each[1]) is None]
        return [self.entry(*each, items) for each in entries]

    def fault_of(self, definition):
        return self.unkept.get(definition.order, self.unkept.get(definition.inner))

    def entry(self, value, definition, items):
        kept = {name: getattr(definition, name) for name in Definition.KEPT}
        parts = self.parts[definition.order]
        return {
            **kept,
            "order": definition.order,
            "stated": ("s", definition.inner or definition.order, None) in items,
            "deleted": [name for name in definition.begun or () if name not in vars(value)],
            "shape": {} if definition.plain else shape_of(value, parts, self.definitions.order_of),
        }


def write_all(items, imports, known, path, limit):
    dropped = {}
    try:
        write(path, items, imports, known, limit)
    except Exception:
        items, dropped = sift(items, known, limit)
        write(path, items, imports, known, limit)
    return dropped


def write(path, items, imports, known, limit):
    header = {
        "version": VERSION,
        "bytecode": BYTECODE,
        "directory": working_directory(),
        "path": [entry for entry in sys.path if isinstance(entry, str)],
        "places": places_of_modules(),
        "imports": imports,
        "dotted": list(known.definitions.dotted),
        "definitions": known.to_json(items),
    }
    draft = f"{path}.new"
    with open(draft, "wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        Saver(Counted(file, limit), known).dump(items)
    os.replace(draft, path)


def working_directory():
    try:
        return os.getcwd()
    except OSError:
        return None  # it was removed


def places_of_modules():
    """Where those were found that are not in the usual places: in what was the working directory then, for one."""
    usual, places = set(sys.path), {}
    for name, module in list(sys.modules.items()):
        if "." in name or name in ("__main__", "buntime_kernel"):
            continue
        paths = getattr(module, "__path__", None) or [getattr(module, "__file__", None)]
        found = [os.path.dirname(path) for path in paths if isinstance(path, str)]
        if found and not usual.issuperset(found):
            places[name] = found
    return places


def sift(items, known, limit):
    """What can be kept, each by itself and all together: rather many small ones than one that is large."""
    sizes, dropped = {}, {}

    def measure(key):
        counter = Counted(None, limit)
        try:
            Saver(counter, known).dump(items[key])
            sizes[key] = counter.size
        except TooLarge:
            dropped[key] = f"it is larger than {limit >> 20} MiB"
        except RecursionError:
            dropped[key] = "it is nested too deeply"
        except Exception as error:
            dropped[key] = reason_of(items[key], error)

    # A function without what it takes when nothing is given is another one: it is not kept, nor is what holds it.
    given = [key for key in items if key[0] == "s" and key[2] is None]
    count = -1
    while count != len(dropped):
        count = len(dropped)
        for key in given:
            if key not in dropped:
                measure(key)
        known.unkept = {key[1]: reason for key, reason in dropped.items()}
    for key in items:
        if key not in sizes and key not in dropped:
            measure(key)
    total, chosen = 0, set()
    for key in sorted(sizes.keys() - dropped.keys(), key=lambda key: (key not in given, sizes[key])):
        total += sizes[key]
        if total > limit - 4096:
            dropped[key] = f"it is too large: all variables together may take {limit >> 20} MiB"
        else:
            chosen.add(key)
    unkept = {definition.order for _, definition in known.entries if known.fault_of(definition) is not None}
    kept = {key: value for key, value in items.items() if key in chosen and (key[0] == "v" or key[1] not in unkept)}
    return kept, reasons_by_name(dropped, unkept, known)


def reasons_by_name(dropped, unkept, known):
    by_order = {definition.order: definition.name for _, definition in known.entries}
    reasons = {}
    for key, reason in dropped.items():
        name = name_of(key, by_order)
        # What has the name may be another one. What held the one that is not kept is told by its own.
        if key[0] == "v" or (("v", name) in dropped if key[2] is None else key[1] not in unkept):
            reasons.setdefault(name, reason)
    return reasons


class Counted:
    """A file that grows no further than the limit; or none, which only counts."""

    def __init__(self, file, limit):
        self.file = file
        self.limit = limit
        self.size = 0

    def write(self, data):
        size = memoryview(data).nbytes
        self.size += size
        if self.size > self.limit:
            raise TooLarge
        if self.file is not None:
            self.file.write(data)
        return size


class Saver(pickle.Pickler):
    def __init__(self, file, known):
        super().__init__(file, protocol=5)
        self.known = known

    def reducer_override(self, value):
        definition = self.known.definitions.of(value)
        if definition is not None:
            if definition.plain and value.__code__ is not definition.code:
                raise Unsavable("a function whose code was replaced")
            if self.known.fault_of(definition) is not None:
                raise Unsavable(f"a function that is not kept: {self.known.fault_of(definition)}")
            return defined, (definition.order,)
        if id(value) in self.known.taken:
            return part, self.known.taken[id(value)]
        if isinstance(value, types.ModuleType):
            return importlib.import_module, (value.__name__,)
        if isinstance(value, (types.FunctionType, Cached, type)) or is_type_parameter(value):
            if getattr(value, "__module__", None) == "__main__":
                raise Unsavable(why_not(value))
        return reduce_wrapper(value)


def reduce_wrapper(value):
    """What pickle leaves out or takes for something else."""
    if isinstance(value, (staticmethod, classmethod)):
        return type(value), (value.__func__,)
    if type(value) is property:
        return property, (value.fget, value.fset, value.fdel, value.__doc__)
    if isinstance(value, types.MappingProxyType):
        # Of a view, what it shows: not a copy.
        (shown,) = gc.get_referents(value)
        return view, (shown,)
    # It would be asked for by the name of its function, which may be another one there.
    if isinstance(value, types.MethodType) and getattr(value.__self__, getattr(value, "__name__", ""), None) != value:
        raise Unsavable("a method that is not found by its name")
    return NotImplemented


def why_not(value):
    if isinstance(value, type):
        return "a class that no statement of its own has made"
    if isinstance(value, types.FunctionType) and (value.__closure__ or "<locals>" in value.__qualname__):
        return "a function that was made inside of another one, whose variables are gone"
    kind = "a function" if callable(value) and not is_type_parameter(value) else f"a {type(value).__name__}"
    return f"{kind} that no statement of its own has made"


def is_own(name, value):
    is_reserved = name.startswith("__") and name.endswith("__") and name[2:-2] in RESERVED
    return not is_reserved and getattr(value, "__module__", None) != "buntime_kernel"


def reason_of(value, error):
    text = str(error)
    if isinstance(error, Unsavable):
        return f"it is or holds {text}"
    start, end = text.find("cannot pickle '"), text.find("' object")
    if 0 <= start < end:
        kind = text[start + len("cannot pickle '") : end]
        thing = THINGS.get(kind, f"a {kind}")
        is_it = kind in (type(value).__name__, f"{type(value).__module__}.{type(value).__name__}")
        return f"{thing} cannot be saved" if is_it else f"it holds {thing}, which cannot be saved"
    return f"{type(value).__name__} cannot be saved: {text}"
