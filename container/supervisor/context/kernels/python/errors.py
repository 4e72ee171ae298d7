"""What a run's error looks like: the code's own frames, and where in this run's code it happened."""

import os
import sys
import traceback

RUNS = "<run "
MESSAGE_CHARACTERS = 10_000
LINES = 1000
KERNEL = os.path.dirname(os.path.dirname(__file__)) + os.sep


def describe(error, filename):
    start = own_frames(error.__traceback__)
    line, column = position(error, start, filename)
    shown = traceback.TracebackException(type(error), error, start)
    leave_out_kernel(shown, set())
    lines = [cut(text) for part in shown.format() for text in cut(part).splitlines()]
    return {
        "name": type(error).__name__,
        "message": cut(message_of(error)),
        # The first and the last are those that tell most.
        "traceback": lines if len(lines) <= LINES else [*lines[: LINES // 2], "  …", *lines[-LINES // 2 :]],
        "line": line,
        "column": column,
    }


def cut(text):
    return text if len(text) <= MESSAGE_CHARACTERS else text[:MESSAGE_CHARACTERS] + "…"


def leave_out_kernel(shown, seen):
    """Also of the errors that it came from."""
    if shown is None or id(shown) in seen:
        return
    seen.add(id(shown))
    frames = [frame for frame in shown.stack if not frame.filename.startswith(KERNEL)]
    shown.stack = traceback.StackSummary.from_list(frames)
    leave_out_kernel(shown.__cause__, seen)
    leave_out_kernel(shown.__context__, seen)


def message_of(error):
    if isinstance(error, SyntaxError):
        return str(error.msg)
    try:
        return str(error)
    except Exception as failure:
        return f"<its message could not be told: {type(failure).__name__}>"


def own_frames(frames):
    """Without those that led to the code; what was called by it is shown whole."""
    while frames is not None and not frames.tb_frame.f_code.co_filename.startswith(RUNS):
        frames = frames.tb_next
    return frames


def position(error, frames, filename):
    if isinstance(error, SyntaxError) and error.filename == filename and frames is None:
        return error.lineno, error.offset
    found = None
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == filename:
            found = frames
        frames = frames.tb_next
    if found is None:
        return None, None
    return found.tb_lineno, column_of(found)


def column_of(frame):
    positions = getattr(frame.tb_frame.f_code, "co_positions", None)  # from Python 3.11 on
    if positions is None or frame.tb_lasti < 0:
        return None
    for index, (_, _, column, _) in enumerate(positions()):
        if index == frame.tb_lasti // 2:
            return None if column is None else column + 1
    return None


def format_warning(usual, message, category, filename, line, text=None):
    """One that is laid on the kernel's own lines, as that of a caller which the code has not, belongs to the run."""
    if not filename.startswith(KERNEL):
        return usual(message, category, filename, line, text)
    frame, found = sys._getframe(), None
    while frame is not None:
        found = frame if frame.f_code.co_filename.startswith(RUNS) else found
        frame = frame.f_back
    if found is None:
        return f"{category.__name__}: {message}\n"
    return usual(message, category, found.f_code.co_filename, found.f_lineno)
