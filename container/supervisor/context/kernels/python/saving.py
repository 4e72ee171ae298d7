"""The variables of a context, to a file and back: one pass, so that what they share stays shared.

The file begins with a line of JSON: what to import, and the statements of functions and classes; a pickle follows.
Functions and classes of the context are in it as references to their statements, modules and what was imported from
them by name. What cannot be kept is left out by name, with the reason.
"""

import importlib
import io
import json
import os
import pickle
import sys
import types

from buntime_kernel.unpickling import load

FILE = "python.values"
VERSION = 1
LIMIT = 256 * 1024 * 1024
ROUNDS = 3

TOLD = 1000
REASON_CHARACTERS = 500

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

# By their orders, while a file is read: what definitions have made, and why others have not.
made = {}
faults = {}


class Unsavable(Exception):
    """With the reason."""


class TooLarge(Exception):
    pass


class NotDefined(Exception):
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
    known = definitions.all()
    for value, definition in known:
        items.update({("s", definition.order, part): state for part, state in states_of(value, definition)})
    items, dropped = write_all(items, imports, known, definitions, os.path.join(directory, FILE), limit)
    return told([name for name in values if name not in dropped], dropped)


def told(kept, dropped):
    reasons = [{"name": name[:TOLD], "reason": reason[:REASON_CHARACTERS]} for name, reason in dropped.items()]
    return [name[:TOLD] for name in kept[:TOLD]], reasons[:TOLD]


def write_all(items, imports, known, definitions, path, limit):
    dropped = {}
    try:
        write(path, items, imports, known, definitions, limit)
    except Exception:
        items, dropped = sift(items, known, definitions, limit)
        write(path, items, imports, known, definitions, limit)
    return items, dropped


def write(path, items, imports, known, definitions, limit):
    header = {
        "version": VERSION,
        "imports": imports,
        "dotted": list(definitions.dotted),
        "definitions": [to_json(definition, items) for _, definition in known],
    }
    draft = f"{path}.new"
    with open(draft, "wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        Saver(Counted(file, limit), definitions).dump(items)
    os.replace(draft, path)


def sift(items, known, definitions, limit):
    """What can be kept, each by itself and all together: rather many small ones than one that is large."""
    sizes, dropped = {}, {}
    for key, value in items.items():
        counter = Counted(None, limit)
        try:
            Saver(counter, definitions).dump(value)
            sizes[key] = counter.size
        except TooLarge:
            dropped[key] = f"it is larger than {limit >> 20} MiB"
        except RecursionError:
            dropped[key] = "it is nested too deeply"
        except Exception as error:
            dropped[key] = reason_of(value, error)
    total, chosen = 0, set()
    for key in sorted(sizes, key=sizes.get):
        total += sizes[key]
        if total > limit - 4096:
            dropped[key] = f"it is too large: all variables together may take {limit >> 20} MiB"
        else:
            chosen.add(key)
    by_order = {definition.order: definition.name for _, definition in known}
    reasons = {}
    for key, reason in dropped.items():
        name = name_of(key, by_order)
        reasons[name] = reason
        # A function without what it takes when nothing is given is another one.
        if key[0] == "s" and key[2] is None:
            chosen.discard(("v", name))
    return {key: value for key, value in items.items() if key in chosen}, reasons


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
    def __init__(self, file, definitions):
        super().__init__(file, protocol=5)
        self.definitions = definitions

    def reducer_override(self, value):
        definition = self.definitions.of(value)
        if definition is not None:
            return defined, (definition.order,)
        if isinstance(value, types.ModuleType):
            return importlib.import_module, (value.__name__,)
        if isinstance(value, (types.FunctionType, type)) and getattr(value, "__module__", None) == "__main__":
            self.check(value)
        return NotImplemented

    def check(self, value):
        """Only what is found in something that can be made again."""
        outer, _, inner = value.__qualname__.partition(".")
        if inner and self.definitions.of(self.definitions.names.get(outer)) is not None and "<" not in inner:
            return
        if isinstance(value, type):
            raise Unsavable("a class that no statement of its own has made")
        if value.__closure__ or "<locals>" in value.__qualname__:
            raise Unsavable("a function that was made inside of another one, whose variables are gone")
        raise Unsavable("a function that no statement of its own has made")


def defined(order):
    """The object of a definition, while a file is read."""
    if order not in made:
        raise NotDefined(faults.get(order, "its definition was not kept"))
    return made[order]


def is_own(name, value):
    return not (name.startswith("__") and name.endswith("__")) and getattr(value, "__module__", None) != "buntime_kernel"


def imported_from(value):
    """What to import to have it again; None for any other value."""
    if isinstance(value, types.ModuleType):
        return [value.__name__, None]
    if not isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return None
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if module in (None, "__main__") or not name.isidentifier():
        return None
    return [module, name] if getattr(sys.modules.get(module), name, None) is value else None


def states_of(value, definition):
    """What has become of an object since its statement: what it holds itself, beside what is written there."""
    if definition.plain and isinstance(value, types.FunctionType):
        yield None, (value.__defaults__, value.__kwdefaults__, value.__dict__)
    if not isinstance(value, type) or type(value).__name__ not in ("type", "ABCMeta"):
        return
    for name, held in list(vars(value).items()):
        is_special = name.startswith(("__", "_abc_")) or callable(held) or hasattr(type(held), "__get__")
        if not is_special:
            yield name, held


def to_json(definition, items):
    parts = {name: getattr(definition, name) for name in ("order", "name", "source", "filename", "line", "plain")}
    return {**parts, "stated": ("s", definition.order, None) in items}


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


def restore(names, definitions, directory):
    with open(os.path.join(directory, FILE), "rb") as file:
        header = json.loads(file.readline())
        data = file.read()
    if header.get("version") != VERSION:
        raise ValueError("it was saved by another version")
    dropped = {}
    bring_imports(header, names, dropped)
    try:
        values = make_again(header["definitions"], data, names, definitions, dropped)
    finally:
        made.clear()
        faults.clear()
    return told([*values, *(name for name, *_ in header["imports"] if name not in dropped)], dropped)


def bring_imports(header, names, dropped):
    for dotted in header["dotted"]:
        try:
            importlib.import_module(dotted)
        except Exception:
            continue  # what needs it is told by its name
    for name, module, attribute in header["imports"]:
        try:
            found = importlib.import_module(module)
            names[name] = found if attribute is None else getattr(found, attribute)
        except Exception as error:
            dropped[name] = f"{type(error).__name__}: {error}"


def make_again(pending, data, names, definitions, dropped):
    """Definitions before values; those that need a value to be made, after it."""
    names_by_order = {each["order"]: each["name"] for each in pending}
    defined_names = {each["name"] for each in pending}
    values, missing = {}, {}
    for _ in range(ROUNDS):
        left = [each for each in pending if not define(each, names, definitions)]
        items, failed = load(io.BytesIO(data))
        values = {key[1]: value for key, value in items.items() if key[0] == "v"}
        missing = failed
        names.update(values)
        set_states(items)
        if not left or len(left) == len(pending):
            break
        pending = left
    for name in defined_names:
        if name not in values:
            names.pop(name, None)
    for key, reason in missing.items():
        name = name_of(key, names_by_order)
        dropped[name] = reason
        # As when it is saved: without its state it is another one.
        if key[0] == "s" and key[2] is None and values.pop(name, None) is not None:
            names.pop(name, None)
    return values


def name_of(key, names_by_order):
    if key[0] == "v":
        return key[1]
    owner = names_by_order[key[1]]
    return owner if key[2] is None else f"{owner}.{key[2]}"


def define(entry, names, definitions):
    from buntime_kernel.definitions import Definition

    definition = Definition(entry["name"], entry["source"], entry["filename"], entry["line"], entry["plain"])
    try:
        made[entry["order"]] = definitions.make(definition, without_defaults=entry["stated"])
        return True
    except Exception as error:
        faults[entry["order"]] = f"{type(error).__name__}: {error}"
        return False


def set_states(items):
    for (kind, order, *part), state in items.items():
        if kind != "s" or order not in made:
            continue
        if part[0] is None:
            made[order].__defaults__, made[order].__kwdefaults__ = state[0], state[1]
            made[order].__dict__.update(state[2])
            continue
        try:
            setattr(made[order], part[0], state)
        except Exception:
            continue  # its class does not let it be set: it is as it was made
