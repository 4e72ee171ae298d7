"""Values as results: their plain text always, and the richer forms that they or their libraries know."""

import base64
import json
import math
import sys

TEXT_CHARACTERS = 100_000
PART_BYTES = 2_000_000
IMAGE_BYTES = 5_000_000
ROWS = 1000
COLUMNS = 200
CELL_CHARACTERS = 1000

# Of the forms that an object has itself, in the order in which the first one names the result.
FORMS = (
    ("image/png", "_repr_png_"),
    ("image/jpeg", "_repr_jpeg_"),
    ("image/svg+xml", "_repr_svg_"),
    ("text/html", "_repr_html_"),
    ("text/markdown", "_repr_markdown_"),
    ("application/json", "_repr_json_"),
)


def describe(value, main):
    result = {"type": "text", "main": main, "text": cut(repr(value), TEXT_CHARACTERS)}
    if isinstance(value, (str, bytes, int, float, complex)):
        return result
    if isinstance(value, (dict, list)):
        return describe_json(value, result)
    if is_of(value, "matplotlib.figure", "Figure"):
        return describe_image(result, "image/png", png_of(value))
    frame = frame_of(value)
    if frame is not None:
        result.update(table_of(frame), type="table")
        html = forms_of(frame).get("text/html")
        if isinstance(html, str) and len(html) <= PART_BYTES:
            result["html"] = html
        return result
    if isinstance(value, type):
        return result
    for mime, data in forms_of(value).items():
        add_form(result, mime, data)
    return result


def cut(text, characters):
    return text if len(text) <= characters else text[:characters] + "…"


def describe_json(value, result):
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return result
    if len(text) <= PART_BYTES:
        try:
            exact = json.loads(text, parse_int=small, object_pairs_hook=distinct)
        except (ValueError, RecursionError):
            return result
        result.update(type="json", json=exact)
    return result


def small(digits):
    """Larger ones come out as others elsewhere."""
    value = int(digits) if len(digits) < 18 else None
    if value is None or abs(value) >= 2**53:
        raise ValueError
    return value


def distinct(pairs):
    """All keys are texts there: 1 and "1" are the same."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def forms_of(value):
    """What the object itself says about how it is shown; what fails at it is left out."""
    forms = {}
    bundle = method(value, "_repr_mimebundle_")
    if bundle is not None:
        try:
            data = bundle(include=None, exclude=None)
            data = data[0] if isinstance(data, tuple) else data
            forms.update({mime: data[mime] for mime, _ in FORMS if mime in data})
        except Exception:
            pass
    for mime, name in FORMS:
        show = method(value, name)
        if show is None or mime in forms:
            continue
        try:
            data = show()
        except Exception:
            continue
        data = data[0] if isinstance(data, tuple) else data
        if data is not None:
            forms[mime] = data
    return forms


def method(value, name):
    # Of its class: an object that answers to any name has no such form.
    return getattr(value, name, None) if callable(getattr(type(value), name, None)) else None


def add_form(result, mime, data):
    kind = mime.split("/")[0]
    if kind == "image":
        if "data" not in result:
            describe_image(result, mime, data)
        return
    if mime == "application/json":
        found = describe_json(data, {})
        if found:
            result["json"] = found["json"]
            if result["type"] == "text":
                result["type"] = "json"
        return
    name = "html" if mime == "text/html" else "markdown"
    if isinstance(data, str) and len(data) <= PART_BYTES:
        result[name] = data
        if result["type"] == "text":
            result["type"] = name


def describe_image(result, mime, data):
    if isinstance(data, (bytes, bytearray)):
        data = data.decode(errors="replace") if mime == "image/svg+xml" else base64.b64encode(data).decode()
    if isinstance(data, str) and len(data) <= IMAGE_BYTES:
        result.update(type="image", mime=mime, data=data)
    return result


# matplotlib


def is_of(value, module, name):
    loaded = sys.modules.get(module)
    kind = getattr(loaded, name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def png_of(figure):
    import io

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is not None:
        plt.close(figure)  # shown once
    return buffer.getvalue()


def open_figures():
    plt = sys.modules["matplotlib.pyplot"]
    get_numbers = getattr(plt, "get_fignums", None)
    return [plt.figure(number) for number in get_numbers()] if get_numbers is not None else []


# pandas


def frame_of(value):
    if is_of(value, "pandas", "Series"):
        return value.to_frame(name=value.name if value.name is not None else "0")
    return value if is_of(value, "pandas", "DataFrame") else None


def table_of(frame):
    value = frame.iloc[:ROWS, :COLUMNS]
    index, columns = value.index, value.columns
    names = [cut(str(name), CELL_CHARACTERS) for name in columns]
    rows = value.itertuples(index=False, name=None)
    if type(index).__name__ != "RangeIndex":
        names = ["" if name is None else cut(str(name), CELL_CHARACTERS) for name in index.names] + names
        keys = (key if isinstance(key, tuple) else (key,) for key in index)
        rows = (key + row for key, row in zip(keys, rows))
    return {"columns": names, "rows": rows_that_fit(rows)}


def rows_that_fit(rows):
    fitting, size = [], 0
    for row in rows:
        cells = [cell(item) for item in row]
        size += sum(len(each) if isinstance(each, str) else 8 for each in cells)
        if size > PART_BYTES:
            break
        fitting.append(cells)
    return fitting


def cell(value):
    """As JSON has it, or as text."""
    if value is None or isinstance(value, (bool, str)):
        return cut(value, CELL_CHARACTERS) if isinstance(value, str) else value
    item = getattr(value, "item", None)  # numpy's numbers
    if callable(item):
        try:
            value = item()
        except Exception:
            pass
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    text = str(value)
    return None if text in ("NaT", "<NA>") else cut(text, CELL_CHARACTERS)
