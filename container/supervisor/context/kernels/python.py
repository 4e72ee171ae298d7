"""The interpreter of a Python context: takes code from the supervisor, runs it in `__main__`, says what came of it.

Requests come as JSON lines at descriptor 3, events leave at 4. What the code prints goes to the process's own streams;
a mark after each run tells where its output ends. Everything here runs as the session's user, and the code that it runs
can do to it whatever it likes: the supervisor believes nothing of what it hears.

Only what every run needs is imported at the start: an interpreter should be there at once.
"""

__name__ = "buntime_kernel"  # `__main__` is the code's own

import sys

sys.modules[__name__] = sys.modules["__main__"]
__path__ = [__file__[:-3]]

import _ast
import json
import linecache
import os
import signal
import threading
import time
import warnings

FORMAT_WARNING = warnings.formatwarning
STREAMS = ("stdin", "stdout", "stderr")
REQUESTS, EVENTS = 3, 4
COROUTINE = 0x80
PARSE = _ast.PyCF_ONLY_AST | _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
# Sources that tracebacks can still show.
SOURCES_KEPT = 500
# Of a task that does not end when it is cancelled.
CANCEL_SECONDS = 1.5


class Kernel:
    def __init__(self):
        self.pid = os.getpid()
        self.main = type(sys)("__main__")
        self.main.__builtins__ = __builtins__
        self.main.display = self.display
        self.names = self.main.__dict__
        self.request = None
        self.sources = []
        self.definitions = None
        self.loop = None
        self.task = None
        self.interruptible = False
        self.interrupted = False
        self.sending = threading.RLock()
        self.is_sending = False

    # Framing

    def send(self, event):
        if os.getpid() != self.pid:
            return  # a fork's words are not ours
        data = (json.dumps(event) + "\n").encode()
        with self.sending:
            self.is_sending = True
            try:
                while data:
                    data = data[os.write(EVENTS, data) :]
            finally:
                self.is_sending = False
        if self.interrupted and self.interruptible:
            self.interrupted = False
            raise KeyboardInterrupt

    def finish_output(self, nonce):
        """Everything that was printed, then the mark: to the first streams, whatever became of sys.stdout."""
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            try:
                stream.flush()
            except Exception:
                pass  # it was closed, or is something else
        if os.getpid() != self.pid:
            return  # a fork that ran on to here ends nothing
        mark = b"\x1e" + nonce.encode() + b"\n"
        for fd in self.streams:
            try:
                os.write(fd, mark)
            except OSError:
                pass

    def mend_streams(self):
        """The code may have closed what it should not: `quit()` closes stdin."""
        for fd, name in enumerate(STREAMS):
            stream = getattr(sys, f"__{name}__")
            if stream is not None and not stream.closed:
                continue
            source = os.open(os.devnull, os.O_RDONLY) if fd == 0 else os.dup(self.streams[fd - 1])
            os.dup2(source, fd)
            os.close(source)
            open_stream(fd)

    # Interrupts

    def on_signal(self, _number, _frame):
        if not self.interruptible or os.getpid() != self.pid:
            return
        if self.is_sending:
            self.interrupted = True
            return
        loop, task = self.loop, self.task
        if task is not None and loop.is_running() and sys.modules["asyncio"].current_task(loop) is None:
            self.interrupted = True
            loop.call_soon_threadsafe(task.cancel)
            return
        raise KeyboardInterrupt

    # Runs

    def run(self, request):
        code, filename = request["code"], request["filename"]
        self.request = request
        self.interrupted = False
        self.mend_streams()
        restore = self.set_environment(request.get("env") or {})
        for names in (self.names, globals()):
            names.pop("__warningregistry__", None)
        self.remember(code, filename)
        error = value = None
        try:
            try:
                self.interruptible = True
                tree = compile(code, filename, "exec", PARSE, dont_inherit=True)
                last = tree.body.pop() if tree.body and isinstance(tree.body[-1], _ast.Expr) else None
                value = self.execute(tree, last, code, filename)
                if value is not None and not is_muted(code, last):
                    self.show(value, main=True)
                self.show_figures()
            finally:
                self.interruptible = False
                value = None  # what it says as it goes belongs to this run
        except BaseException as raised:
            error = raised
        if error is not None:
            error = self.describe(error, filename)
        restore()
        if signal.getsignal(signal.SIGINT) != self.on_signal:
            signal.signal(signal.SIGINT, self.on_signal)
        self.request = None
        self.finish_output(request["nonce"])
        return {"event": "done", "error": error}

    def execute(self, tree, last, code, filename):
        """The value of the last expression, or None."""
        flags = _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        parts = []
        if tree.body:
            flags |= self.mark(tree, code, filename)
            parts.append(compile(tree, filename, "exec", flags, dont_inherit=True))
        if last is not None:
            expression = _ast.Expression(last.value)
            parts.append(compile(expression, filename, "eval", flags, dont_inherit=True))
        if any(part.co_flags & COROUTINE for part in parts):
            value = self.evaluate(parts)
        else:
            for part in parts:
                value = eval(part, self.names)
        return value if last is not None else None

    def evaluate(self, parts):
        """In one task, also what awaits nothing itself: it may need the loop that runs."""
        import asyncio
        import contextvars

        async def work():
            value = None
            try:
                for part in parts:
                    value = eval(part, self.names)
                    if part.co_flags & COROUTINE:
                        value = await value
                return value
            finally:
                contexts.append(contextvars.copy_context())

        contexts = []
        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        self.task = self.loop.create_task(work())
        try:
            return self.loop.run_until_complete(self.task)
        except BaseException as raised:
            interrupted = self.interrupted or isinstance(raised, KeyboardInterrupt)
            self.interrupted = False
            if not self.task.done():
                self.abandon(asyncio)
            if interrupted and not isinstance(raised, KeyboardInterrupt):
                raise KeyboardInterrupt().with_traceback(raised.__traceback__) from None
            raise
        finally:
            self.task = None
            # A task has a copy of them; what is set at the top level stays.
            for context in contexts:
                for variable, value in context.items():
                    variable.set(value)

    def abandon(self, asyncio):
        """A task that was waiting when something else was interrupted."""
        self.task.cancel()
        self.interruptible = False
        try:
            self.loop.run_until_complete(asyncio.wait([self.task], timeout=CANCEL_SECONDS))
        except BaseException:
            pass

    def set_environment(self, env):
        if not env:
            return lambda: None
        before = {name: os.environ.get(name) for name in env}
        os.environ.update(env)

        def restore():
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            if "TZ" in before:
                time.tzset()

        if "TZ" in before:
            time.tzset()
        return restore

    def remember(self, code, filename):
        linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
        self.sources.append(filename)
        if len(self.sources) > SOURCES_KEPT:
            linecache.cache.pop(self.sources.pop(0), None)

    # What is bound by the code itself can be defined again: see definitions.py

    def mark(self, tree, code, filename):
        """What the run has from `__future__`."""
        if all(isinstance(node, (_ast.Expr, _ast.Pass)) for node in tree.body):
            return 0
        if self.definitions is None:
            from buntime_kernel.definitions import Definitions

            self.definitions = Definitions(self.names)
        self.definitions.mark(tree, code, filename)
        return self.definitions.flags

    # Results

    def show(self, value, main):
        if self.request is None or os.getpid() != self.pid:
            return
        from buntime_kernel.results import describe

        self.send({"event": "result", "id": self.request["id"], "result": describe(value, main)})

    def display(self, *values):
        """Shows values beside the one of the last expression."""
        for value in values:
            self.show(value, main=False)

    def show_figures(self):
        if "matplotlib.pyplot" in sys.modules:
            from buntime_kernel.results import open_figures

            for figure in open_figures():
                self.show(figure, main=False)

    def describe(self, error, filename):
        try:
            from buntime_kernel.errors import describe

            return describe(error, filename)
        except BaseException as failure:
            message = f"its message could not be told: {type(failure).__name__}"
            name = type(error).__name__
            return {"name": name, "message": message, "traceback": [name], "line": None, "column": None}

    def format_warning(self, *parts):
        from buntime_kernel.errors import format_warning

        return format_warning(FORMAT_WARNING, *parts)

    # Values

    def values(self, request):
        """To or from a file, see saving.py."""
        event = "saved" if request["op"] == "save" else "restored"
        try:
            try:
                self.interruptible = True
                from buntime_kernel import restoring, saving

                if self.definitions is None:
                    from buntime_kernel.definitions import Definitions

                    self.definitions = Definitions(self.names)
                work = saving.save if event == "saved" else restoring.restore
                limit = {"limit": request["limitBytes"]} if "limitBytes" in request else {}
                kept, dropped = work(self.names, self.definitions, request["directory"], **limit)
                return {"event": event, "kept": kept, "dropped": dropped}
            finally:
                self.interruptible = False
        except BaseException as error:
            failed = f"{type(error).__name__}: {str(error)[:500]}"
            return {"event": event, "kept": [], "dropped": [], "failed": failed}

    def live(self):
        sys.modules["__main__"] = self.main
        sys.argv[:] = [""]
        sys.path[0] = ""
        self.streams = [os.dup(1), os.dup(2)]
        for fd in (REQUESTS, EVENTS):
            os.set_inheritable(fd, False)
        open_stream(1)
        open_stream(2)
        signal.signal(signal.SIGINT, self.on_signal)
        warnings.formatwarning = self.format_warning
        self.send({"event": "ready"})
        with open(REQUESTS, "rb", closefd=False) as requests:
            for line in requests:
                request = json.loads(line)
                answer = self.run(request) if request["op"] == "run" else self.values(request)
                if os.getpid() != self.pid:
                    os._exit(0)  # a fork that ran on to here
                self.send({"id": request["id"], **answer})
        os._exit(0)


def open_stream(fd):
    """Line by line, also where all of Python is told not to buffer: then an interrupt could cut what is written."""
    name = STREAMS[fd]
    mode = "r" if fd == 0 else "w"
    stream = open(fd, mode, encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
    setattr(sys, f"__{name}__", stream)
    setattr(sys, name, stream)


def is_muted(code, last):
    """Its last line ends with a semicolon."""
    if ";" not in code:
        return False
    lines = code.encode().split(b"\n")[last.end_lineno - 1 :]
    rest = b"\n".join([lines[0][last.end_col_offset :], *lines[1:]])
    return rest.lstrip(b" \t\\\r\n)").startswith(b";")


Kernel().live()
