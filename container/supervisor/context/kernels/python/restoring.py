"""The variables of a context, from the file that saving.py has written.

Statements are done again in their order, and what they make is held against what they made. What has become of it since
follows, then the names: each has what it had, whatever the statements have bound on the way.
"""

import importlib
import importlib.machinery
import io
import json
import os
import sys
import types

from buntime_kernel.definitions import Definition
from buntime_kernel.parts import BYTECODE, parts_of, set_attribute, set_state, shape_of
from buntime_kernel.unpickling import NotDefined, load, reason_of

FILE = "python.values"
VERSION = 2
# Those of the first have no shapes, no parts and no places.
VERSIONS = (1, 2)
ROUNDS = 3

TOLD = 1000
REASON_CHARACTERS = 500

# By their orders, while a file is read: what definitions have made, what came with that, and why others have not.
made = {}
grown = {}
faults = {}


def defined(order):
    """The object of a definition, while a file is read."""
    if order not in made:
        raise NotDefined(faults.get(order, "its definition was not kept"))
    return made[order]


def part(order, path):
    """What came into being with it."""
    defined(order)
    if path not in grown[order]:
        raise NotDefined("what it was a part of is made differently by now")
    return grown[order][path]


def view(shown):
    return types.MappingProxyType(shown)


def told(kept, dropped):
    reasons = [{"name": name[:TOLD], "reason": reason[:REASON_CHARACTERS]} for name, reason in dropped.items()]
    return [name[:TOLD] for name in kept[:TOLD]], reasons[:TOLD]


def restore(names, definitions, directory):
    with open(os.path.join(directory, FILE), "rb") as file:
        header = json.loads(file.readline())
        data = file.read()
    if header.get("version") not in VERSIONS:
        raise ValueError("it was saved by another version")
    dropped = {}
    enter(header.get("directory"))
    if header.get("bytecode") == BYTECODE:
        look_in(header["path"])
    finder = Finder(header.get("places", {}))
    sys.meta_path.insert(0, finder)
    try:
        imports = bring_imports(header, dropped)
        names.update(imports)
        values = Restoring(header, names, definitions, imports).bring(data, dropped)
    finally:
        sys.meta_path.remove(finder)
        for each in (made, grown, faults):
            each.clear()
    return told([*values, *imports], dropped)


def enter(directory):
    try:
        if directory is not None:
            os.chdir(directory)
    except OSError:
        pass  # it is gone; where the context was started is as good


def look_in(path):
    for at, entry in enumerate(path):
        if entry not in sys.path:
            sys.path.insert(at, entry)


class Finder:
    """Modules where they were found before."""

    def __init__(self, places):
        self.places = places

    def find_spec(self, name, path=None, target=None):
        if name not in self.places:
            return None
        return importlib.machinery.PathFinder.find_spec(name, self.places[name], target)


def bring_imports(header, dropped):
    for dotted in header["dotted"]:
        try:
            importlib.import_module(dotted)
        except Exception:
            continue  # what needs it is told by its name
    imports = {}
    for name, module, attribute in header["imports"]:
        try:
            found = importlib.import_module(module)
            imports[name] = found if attribute is None else getattr(found, attribute)
        except Exception as error:
            dropped[name] = reason_of(error)
    return imports


class Restoring:
    def __init__(self, header, names, definitions, imports):
        self.entries = header["definitions"]
        self.is_strict = header["version"] > 1
        self.has_shapes = header.get("bytecode") == BYTECODE
        self.names = names
        self.definitions = definitions
        self.imports = imports

    def bring(self, data, dropped):
        """Definitions before values; those that need a value to be made, after it."""
        values, missing, unset, lacking = {}, {}, {}, len(self.entries)
        for number in range(ROUNDS):
            left = sum(not self.define(each) for each in self.entries)
            items, missing = self.load(data)
            values = {key[1]: value for key, value in items.items() if key[0] == "v"}
            self.names.update(values)
            unset = self.set_states(items)
            if not left or (number > 0 and left == lacking):
                break
            lacking = left
        dropped.update(unset)
        for each in self.entries:
            if each["name"] not in values:
                self.names.pop(each["name"], None)
        self.names.update(self.imports)
        names_by_order = self.names_by_order()
        for key, reason in missing.items():
            name = name_of(key, names_by_order)
            if key[0] == "v" or (("v", name) in missing if key[2] is None else key[1] in made):
                dropped.setdefault(name, reason)
        return values

    def load(self, data):
        while True:
            items, missing = load(io.BytesIO(data), self.is_strict)
            # As when it is saved: a function without these is another one, and so is what holds it.
            lacking = [key for key in missing if key[0] == "s" and key[2] is None and key[1] in made]
            if not lacking:
                return items, missing
            for key in lacking:
                owners = [each["order"] for each in self.entries if each.get("inner") == key[1]]
                for order in (key[1], *owners):
                    made.pop(order, None)
                    faults[order] = missing[key]

    def names_by_order(self):
        orders = [(each[key], each["name"]) for each in self.entries for key in ("order", "inner") if each.get(key)]
        return dict(orders)

    def define(self, entry):
        definition = Definition(**{name: entry[name] for name in Definition.KEPT if name in entry})
        order, former = entry["order"], entry.get("inner")
        if order in made:
            # As it was when the next ones were made.
            self.names[entry["name"]] = made[order]
            return True
        try:
            value, inner = self.definitions.make(definition, without_defaults=entry["stated"])
            if former is not None:
                parts = [getattr(definition, name) for name in ("name", "source", "filename", "line", "flags")]
                self.definitions.add(inner, Definition(*parts, plain=True, bare=True), former)
            self.definitions.add(value, definition, order)
            parts = parts_of(value, order, self.definitions, {})
            if self.has_shapes:
                self.compare(shape_of(value, parts, self.definitions.order_of), entry["shape"])
        except Exception as error:
            faults[order] = faults[former] = reason_of(error)
            return False
        made[order], grown[order] = value, parts
        if former is not None:
            made[former], grown[former] = inner, parts_of(inner, former, self.definitions, {})
        return True

    def compare(self, shape, saved):
        """What a statement uses may be something else by now, and so may be what it makes."""
        if any(shape.get(key) != described for key, described in saved.items()):
            raise NotDefined("its statement makes something else by now")

    def set_states(self, items):
        """Those that could not be, by their names, with the reasons."""
        unset = {}
        for each in self.entries:
            for name in each.get("deleted", ()):
                try:
                    if each["order"] in made and name in vars(made[each["order"]]):
                        delattr(made[each["order"]], name)
                except Exception as error:
                    unset[f"{each['name']}.{name}"] = reason_of(error)
        for key, state in items.items():
            if key[0] != "s" or key[1] not in made:
                continue
            try:
                self.set_state(made[key[1]], key[1], key[2], state)
            except Exception as error:
                unset[name_of(key, self.names_by_order())] = reason_of(error)
        return unset

    def set_state(self, value, order, where, state):
        if where is None:
            value.__defaults__, value.__kwdefaults__ = state[0], state[1]
            value.__dict__.update(state[2])
            for name, text in (state[3] if len(state) > 3 else {}).items():
                setattr(value, name, text)
        elif isinstance(where, str):
            set_attribute(value, where, state)
        else:
            set_state(grown[order][where[:-1]], where[-1], state)


def name_of(key, names_by_order):
    if key[0] == "v":
        return key[1]
    owner = names_by_order.get(key[1], "?")
    if key[2] is None:
        return owner
    step = key[2] if isinstance(key[2], str) else key[2][-1]
    return f"{owner}.{step.rpartition(':')[2]}"
