"""Reads a pickle of many values. Where something in it cannot be made any more, all the others still are."""

import gc
import io
import pickle
import types

LOOKS = 5_000_000


def load(file, is_strict):
    """The values, and of those that could not be made the reasons, both by their keys.

    `is_strict`: nothing of the code is taken by its name, which may be another one's by now.
    """
    try:
        return (Strict if is_strict else pickle.Unpickler)(file).load(), {}
    except Exception:
        file.seek(0)
    unpickler = Careful(file, is_strict)
    items = unpickler.load()
    good, failed = {}, {}
    for key, value in items.items():
        reason = unpickler.fault_in(value)
        if reason is None:
            good[key] = value
        else:
            failed[key] = reason
    return good, failed


class NotDefined(Exception):
    """Something that a statement makes was not made, with the reason."""


def reason_of(error):
    return str(error) if isinstance(error, NotDefined) else f"{type(error).__name__}: {error}"


class Strict(pickle.Unpickler):
    def find_class(self, module, name):
        refuse(module, name)
        return super().find_class(module, name)


def refuse(module, name):
    if module == "__main__":
        raise pickle.UnpicklingError(f"no statement of its own has made {name}")


class Missing:
    """In the place of what could not be made: takes whatever it is given."""

    def __init__(self, reason):
        self.reason = reason

    def __call__(self, *_args, **_named):
        return self

    def take(self, *_args):
        pass

    append = extend = add = update = take
    __setitem__ = __setstate__ = take


class Careful(pickle._Unpickler):
    """Slower, and goes on after every failure."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: io.BytesIO, is_strict):
        super().__init__(file)
        self.is_strict = is_strict
        # Half made.
        self.broken = {}

    def find_class(self, module, name):
        try:
            if self.is_strict:
                refuse(module, name)
            return super().find_class(module, name)
        except Exception as error:
            return Missing(reason_of(error))

    def fault_in(self, value):
        """Why a value is not whole; None: it is."""
        seen, waiting = set(), [value]
        while waiting:
            each = waiting.pop()
            if id(each) in seen:
                continue
            seen.add(id(each))
            if isinstance(each, Missing):
                return each.reason
            if id(each) in self.broken:
                return self.broken[id(each)][1]
            if len(seen) > LOOKS:
                return "it is too large to be looked through"
            # Those lead to everything, and were made elsewhere.
            if not isinstance(each, (types.ModuleType, types.FunctionType, type)):
                waiting.extend(gc.get_referents(each))
        return None


def attempt(make):
    """`make`, with what it would have made on the stack as missing where it fails. It takes one more than it leaves."""

    def careful(self):
        stack = self.stack
        depth = len(stack)
        try:
            make(self)
        except Exception as error:
            del self.stack[max(depth - 2, 0) :]
            self.append(Missing(reason_of(error)))

    return careful


def attempt_wide(self):
    """As NEWOBJ_EX: class, arguments, named arguments."""
    named, arguments, made = self.stack.pop(), self.stack.pop(), self.stack.pop()
    try:
        self.append(made if isinstance(made, Missing) else made.__new__(made, *arguments, **named))
    except Exception as error:
        self.append(Missing(reason_of(error)))


def attempt_new(self):
    arguments, made = self.stack.pop(), self.stack.pop()
    try:
        self.append(made if isinstance(made, Missing) else made.__new__(made, *arguments))
    except Exception as error:
        self.append(Missing(reason_of(error)))


def attempt_build(self):
    value = self.stack[-2]
    try:
        pickle._Unpickler.load_build(self)
    except Exception as error:
        self.broken[id(value)] = (value, reason_of(error))
        while self.stack[-1] is not value:
            self.stack.pop()


Careful.dispatch[pickle.REDUCE[0]] = attempt(pickle._Unpickler.load_reduce)
Careful.dispatch[pickle.NEWOBJ[0]] = attempt_new
Careful.dispatch[pickle.NEWOBJ_EX[0]] = attempt_wide
Careful.dispatch[pickle.BUILD[0]] = attempt_build
