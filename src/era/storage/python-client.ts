// `era_storage.py`: the account's storage for Python code in a session. It asks the environment anew for each call, so that
// nothing of a run's token is kept with the variables that outlive the run.
import { RESPONSE_MS } from "../../data/limits.ts";

export const PYTHON_CLIENT = String.raw`"""Storage of your account, for code in a session: values (kv), SQL (d1) and objects (r2), each in namespaces.

    import era_storage
    era_storage.kv.set("app", "theme", {"dark": True})
    era_storage.d1.query("app", "SELECT * FROM item WHERE price < ?", [10])
    era_storage.r2.put("app", "cat.png", open("cat.png", "rb").read())

All sessions of the account share it. A call that is refused raises StorageError, with a code and a status.
"""
import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request

_PAGE = 1000
_TIMEOUT_SECONDS = ${RESPONSE_MS / 1000}


class StorageError(Exception):
    def __init__(self, message, code, status):
        super().__init__(message)
        self.code = code
        self.status = status


def _ask(method, path, body=None, query=None):
    base = os.environ.get("ERA_STORAGE_URL")
    token = os.environ.get("ERA_STORAGE_TOKEN")
    if not base or not token:
        raise StorageError("This run has no storage: the key that began it may not use it.", "forbidden", 403)
    asked = {name: value for name, value in (query or {}).items() if value is not None}
    url = base + "/api/storage" + path + ("?" + urllib.parse.urlencode(asked) if asked else "")
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": "Bearer " + token, "content-type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        text = error.read().decode("utf-8", "replace")
        try:
            problem = json.loads(text)
            message, code = problem["message"], problem["code"]
        except (ValueError, KeyError, TypeError):
            message, code = text, None
        raise StorageError(message, code, error.code) from None


def _space(kind, namespace):
    return "/%s/%s" % (kind, urllib.parse.quote(namespace, safe=""))


def _entry(kind, namespace, key):
    if key in ("", ".") or ".." in key.split("/"):
        raise ValueError("a key is not empty, nor has it . or .. in place of a name: %r" % (key,))
    return _space(kind, namespace) + "/" + urllib.parse.quote(key, safe="")


def _found(path):
    try:
        return _ask("GET", path)
    except StorageError as error:
        if error.code == "not_found":
            return None
        raise


def _pages(path, member, prefix, limit):
    items, cursor = [], None
    while len(items) < limit:
        page = _ask("GET", path, query={"prefix": prefix, "limit": min(limit - len(items), _PAGE), "cursor": cursor})
        items += page[member]
        cursor = page["cursor"]
        if cursor is None:
            break
    return items


class KVStorage:
    """JSON values by key, up to 1 MiB each."""

    def set(self, namespace, key, value, metadata=None):
        return _ask("PUT", _entry("kv", namespace, key), {"value": value, "metadata": metadata})["success"]

    def get(self, namespace, key):
        """None where there is no such value."""
        found = _found(_entry("kv", namespace, key))
        return None if found is None else found["value"]

    def delete(self, namespace, key):
        return _ask("DELETE", _entry("kv", namespace, key))["success"]

    def list(self, namespace, prefix="", limit=100):
        """[{"name", "metadata"}] by name, as many as limit says."""
        return _pages(_space("kv", namespace), "keys", prefix, limit)


class D1Storage:
    """A database of SQLite for each namespace. All statements of a call are done, or none is."""

    def query(self, namespace, sql, params=None):
        """The rows of the last statement, as dicts."""
        return self._post(namespace, "query", sql, params)["results"]

    def exec(self, namespace, sql, params=None):
        """{"success", "meta": {"changes", "last_row_id", "rows_read", "rows_written", "size_after"}}"""
        return self._post(namespace, "exec", sql, params)

    def _post(self, namespace, how, sql, params):
        return _ask("POST", _space("d1", namespace) + "/" + how, {"sql": sql, "params": [*(params or ())]})


class R2Storage:
    """Objects by key: bytes, up to 10 MiB each."""

    def put(self, namespace, key, content, metadata=None):
        """Bytes, or text as UTF-8."""
        data = content.encode() if isinstance(content, str) else bytes(content)
        body = {"content": base64.b64encode(data).decode(), "metadata": metadata}
        return _ask("PUT", _entry("r2", namespace, key), body)["success"]

    def get(self, namespace, key):
        """Bytes; None where there is no such object."""
        found = _found(_entry("r2", namespace, key))
        return None if found is None else base64.b64decode(found["content"])

    def delete(self, namespace, key):
        return _ask("DELETE", _entry("r2", namespace, key))["success"]

    def list(self, namespace, prefix="", limit=100):
        """[{"key", "size", "uploaded", "customMetadata"}] by key, as many as limit says."""
        return _pages(_space("r2", namespace), "objects", prefix, limit)


kv = KVStorage()
d1 = D1Storage()
r2 = R2Storage()
`;
