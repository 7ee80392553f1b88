"""A small Hub on loopback: as much of its HTTP API as huggingface_hub uses to push and to pull.

Files lie in memory. Large files go to and come from a second port, as the Hub's lie on hosts of
their own, so that a token sent there can be noticed. Written after huggingface_hub 2.4's
``hf_api.py``, ``_commit_api.py``, ``lfs.py``, ``file_download.py`` and ``utils/_http.py``.
"""

import base64
import contextlib
import dataclasses
import hashlib
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

LARGE = (".safetensors", ".bin", ".png", ".wav", ".flac")


@dataclasses.dataclass
class Blob:
    """A file's bytes; ``large`` if it is kept outside git."""

    data: bytes
    large: bool

    @property
    def sha1(self):
        """Of the blob as git has it, which is a pointer where the file is large."""
        content = self.data
        if self.large:
            head = "version https://git-lfs.github.com/spec/v1\n"
            content = f"{head}oid sha256:{self.sha256}\nsize {len(self.data)}\n".encode()
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()

    @property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()

    @property
    def etag(self):
        return self.sha256 if self.large else self.sha1


class Repository:
    """Commits from the oldest to the newest, each a full ``{path: Blob}``."""

    def __init__(self, kind, name, private, sdk=None):
        self.kind, self.name, self.private, self.sdk = kind, name, private, sdk
        self.commits, self.refs = [], {}
        first = {".gitattributes": Blob(b"*.safetensors filter=lfs\n", False)}
        if kind == "space":
            first["README.md"] = Blob(f"---\nsdk: {sdk}\n---\n".encode(), False)
        self.commit("initial commit", first)

    def commit(self, message, files):
        oid = hashlib.sha1(f"{self.kind} {self.name} {len(self.commits)}".encode()).hexdigest()
        self.commits.append((oid, message, files))
        self.refs["main"] = oid
        return oid

    def files(self, revision="main"):
        """``(oid, {path: Blob})`` of a branch, tag or commit, or None."""
        wanted = self.refs.get(revision, revision)
        return next(((oid, files) for oid, _, files in self.commits if oid == wanted), None)

    @property
    def messages(self):
        return [message for _, message, _ in self.commits]


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status, message, code=None, **more):
        self.status, self.headers = status, {"X-Error-Message": message}
        if code:
            self.headers["X-Error-Code"] = code
        self.body = {"error": message, **more}
        super().__init__(message)


class LoopbackHub:
    """The Hub's state and its two servers, for a ``with`` statement.

    ``users`` maps a token to a dict of ``name``, ``role`` and ``orgs``. ``repositories`` maps
    ``(kind, "name/model")`` to a Repository. ``requests`` lists what was asked as
    ``(step, token or None)``; ``store`` holds the large files that were received whole.
    """

    def __init__(self, users):
        self.users, self.repositories, self.store = users, {}, {}
        self.requests, self.faults, self.lock = [], {}, threading.RLock()
        self.busy, self.idle = 0, threading.Condition()

    def __enter__(self):
        self._servers = [_Server(("127.0.0.1", 0), _Handler) for _ in range(2)]
        for server in self._servers:
            server.hub = self
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.endpoint, self.storage = (
            f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers
        )
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def repository(self, name, kind="model"):
        return self.repositories.get((kind, name))

    @contextlib.contextmanager
    def fault(self, step, what):
        """In here ``what(handler)`` is called where a step begins; see :func:`drop`."""
        self.faults[step] = what
        try:
            yield
        finally:
            del self.faults[step]

    def settle(self):
        """Wait until no request is being answered."""
        with self.idle:
            assert self.idle.wait_for(lambda: not self.busy, 60)

    def steps(self):
        return [step for step, _ in self.requests]


def drop(handler):
    """Close the connection without an answer and without reading the request's body."""
    raise ConnectionAbortedError


def drop_after(handler):
    """Do what was asked, then close the connection without an answer."""
    handler.answer_is_lost = True


def refuse(status, message="no"):
    """A fault that answers with a status."""

    def fault(handler):
        handler.read()
        raise Refusal(status, message)

    return fault


class Hold:
    """A fault that stops in mid-request until :meth:`release`; ``reached`` is set there."""

    def __init__(self):
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, handler):
        self.reached.set()
        assert self.go.wait(60)

    def release(self):
        self.go.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        # A little at a time, so that a client can be killed in mid-sentence.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        super().server_bind()

    def handle_error(self, request, client_address):
        """Clients that go away are what the tests are about."""


_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
_API = rf"/api/(?P<kind>model|space)s/{_REPO}"
_FILE = rf"/(?:(?P<kind>space)s/)?{_REPO}"
_ROUTES = [
    (method, re.compile(pattern + "$"), step)
    for method, pattern, step in (
        ("GET", "/api/whoami-v2", "whoami"),
        ("POST", "/api/repos/create", "create"),
        ("POST", "/api/validate-yaml", "validate"),
        ("POST", rf"{_API}/preupload/(?P<revision>[^/]+)", "preupload"),
        ("POST", rf"{_FILE}\.git/info/lfs/objects/batch", "batch"),
        ("PUT", r"/store/(?P<oid>\w{64})", "put"),
        ("POST", rf"{_FILE}\.git/info/lfs/verify", "verify"),
        ("POST", rf"{_API}/commit/(?P<revision>[^/]+)", "commit"),
        ("GET", rf"{_API}/refs", "refs"),
        ("GET", rf"{_API}(?:/revision/(?P<revision>[^/]+))?", "info"),
        ("GET", rf"{_API}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?", "tree"),
        ("GET", rf"{_FILE}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
        ("GET", r"/store/(?P<oid>\w{64})", "get"),
    )
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it the headers and the body of a small answer wait for each other.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Quiet."""

    def do(self):
        hub = self.server.hub
        with hub.idle:
            hub.busy += 1
        try:
            self.answer()
        finally:
            with hub.idle:
                hub.busy -= 1
                hub.idle.notify_all()

    def answer(self):
        self.answer_is_lost = False
        hub, url = self.server.hub, urlsplit(self.path)
        try:
            step, match = self.route(url.path)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
            hub.requests.append((step, token))
            if step in hub.faults:
                hub.faults[step](self)
            self.user = hub.users.get(token)
            body = self.read()
            if token and not self.user:
                raise Refusal(401, "Invalid credentials in Authorization header")
            parts = {key: unquote(value) for key, value in match.groupdict().items() if value}
            if "repo" in match.groupdict():
                parts.setdefault("kind", "model")
            with hub.lock:
                answer = getattr(self, f"on_{step}")(body, **parts)
            self.send(200, *answer) if isinstance(answer, tuple) else self.send(200, answer)
        except Refusal as refusal:
            self.send(refusal.status, refusal.body, refusal.headers)
        except (ConnectionError, TimeoutError):
            self.hang_up()

    def route(self, path):
        """Step and match of an address."""
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, pattern, step in _ROUTES:
            match = wanted == method and pattern.match(path)
            if match:
                return step, match
        self.read()
        raise Refusal(404, f"no such address: {path}")

    do_GET = do_HEAD = do_POST = do_PUT = do

    def read(self):
        """The request's body, whole; ConnectionError if the client went away before its end."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline() or b"x", 16):
                body += self.exactly(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.exactly(int(self.headers.get("Content-Length") or 0))

    def exactly(self, size):
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError
        return data

    def send(self, status, body, headers=()):
        if self.answer_is_lost:
            return self.hang_up()
        headers = dict(headers)
        status = headers.pop("status", status)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def hang_up(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def find(self, kind, repo, write=False):
        """The repository, as far as who asks may see or write it."""
        found = self.server.hub.repositories.get((kind, repo))
        owner = repo.partition("/")[0]
        mine = self.user and owner in (self.user["name"], *self.user["orgs"])
        if found is None or (found.private and not mine):
            if self.user:
                raise Refusal(404, "Repository not found", "RepoNotFound")
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        if write and not (mine and self.user["role"] == "write"):
            raise Refusal(403 if self.user else 401, "You don't have the required permissions")
        return found

    def at(self, kind, repo, revision="main"):
        """``(repository, oid, files)`` of a revision."""
        found = self.find(kind, repo)
        version = found.files(revision)
        if version is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found, *version

    def on_whoami(self, body):
        if not self.user:
            raise Refusal(401, "Invalid username or password.")
        return {
            "type": "user",
            "name": self.user["name"],
            "orgs": [{"name": name} for name in self.user["orgs"]],
            "auth": {"type": "access_token", "accessToken": {"role": self.user["role"]}},
        }

    def on_create(self, body):
        wanted, hub = json.loads(body), self.server.hub
        if not self.user:
            raise Refusal(401, "Invalid username or password.")
        owner, kind = wanted.get("organization") or self.user["name"], wanted.get("type", "model")
        if self.user["role"] != "write" or owner not in (self.user["name"], *self.user["orgs"]):
            raise Refusal(403, f"You don't have the rights to create a {kind} under {owner!r}")
        name = f"{owner}/{wanted['name']}"
        url = f"{hub.endpoint}/{'spaces/' * (kind == 'space')}{name}"
        if (kind, name) in hub.repositories:
            raise Refusal(409, f"You already created this {kind} repo", url=url)
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        hub.repositories[kind, name] = Repository(kind, name, private, wanted.get("sdk"))
        return {"url": url, "name": name, "id": name}

    def on_validate(self, body):
        content = json.loads(body)["content"]
        match = re.match(r"---\n(.*?)\n---", content, re.DOTALL)
        try:
            data = yaml.safe_load(match.group(1)) if match else {}
            if not isinstance(data, dict):
                raise yaml.YAMLError("metadata is no mapping")
        except yaml.YAMLError as error:
            text = str(error)
            raise Refusal(400, text, errors=[{"message": text}], warnings=[]) from error
        return {"errors": [], "warnings": [] if data else [{"message": "empty metadata"}]}

    def on_preupload(self, body, kind, repo, revision):
        found = self.find(kind, repo, write=True)
        known = found.files(revision)[1]
        return {
            "files": [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                    **({"oid": known[file["path"]].etag} if file["path"] in known else {}),
                }
                for file in json.loads(body)["files"]
            ]
        }

    def on_batch(self, body, kind, repo):
        self.find(kind, repo, write=True)
        hub, prefix = self.server.hub, "spaces/" * (kind == "space")
        answer = []
        for item in json.loads(body)["objects"]:
            made = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in hub.store:
                made["actions"] = {
                    "upload": {"href": f"{hub.storage}/store/{item['oid']}", "header": {}},
                    "verify": {"href": f"{hub.endpoint}/{prefix}{repo}.git/info/lfs/verify"},
                }
            answer.append(made)
        return {"transfer": "basic", "objects": answer}

    def on_put(self, body, oid):
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refusal(400, "BadDigest")
        self.server.hub.store[oid] = body
        return b""

    def on_verify(self, body, kind, repo):
        self.find(kind, repo, write=True)
        wanted = json.loads(body)
        if len(self.server.hub.store.get(wanted["oid"], b"")) != wanted["size"]:
            raise Refusal(404, "the file was not uploaded")
        return {}

    def on_commit(self, body, kind, repo, revision):
        found, hub = self.find(kind, repo, write=True), self.server.hub
        head, *changes = [json.loads(line) for line in body.splitlines()]
        files = dict(found.files(revision)[1])
        if head["value"].get("parentCommit", found.refs["main"]) != found.refs["main"]:
            raise Refusal(412, "A commit has happened since")
        for change in changes:
            value = change["value"]
            path = value["path"]
            if change["key"] == "deletedFile":
                if files.pop(path, None) is None:
                    raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
            elif change["key"] == "lfsFile":
                if value["oid"] not in hub.store:
                    raise Refusal(400, f"{path}: its pointer points to a file that was not sent")
                files[path] = Blob(hub.store[value["oid"]], True)
            else:
                files[path] = Blob(base64.b64decode(value["content"]), False)
        oid = found.commit(head["value"]["summary"], files)
        url = f"{hub.endpoint}/{'spaces/' * (kind == 'space')}{repo}/commit/{oid}"
        return {"success": True, "commitOid": oid, "commitUrl": url}

    def on_refs(self, body, kind, repo):
        refs = self.find(kind, repo).refs
        branches = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": oid}
            for name, oid in refs.items()
        ]
        return {"branches": branches, "converts": [], "tags": []}

    def on_info(self, body, kind, repo, revision="main"):
        found, oid, files = self.at(kind, repo, revision)
        siblings = [{"rfilename": path} for path in sorted(files)]
        about = {"id": repo, "modelId": repo, "private": found.private, "tags": []}
        return {**about, "_id": "0", "sha": oid, "sdk": found.sdk, "siblings": siblings}

    def on_tree(self, body, kind, repo, revision, path=None):
        _, _, files = self.at(kind, repo, revision)
        inside = {name: blob for name, blob in files.items() if name.startswith(f"{path or ''}")}
        if path and not inside:
            raise Refusal(404, f"{path} does not exist on {revision!r}", "EntryNotFound")
        return [
            {
                "type": "file",
                "path": name,
                "size": len(blob.data),
                "oid": blob.sha1,
                **(
                    {"lfs": {"oid": blob.sha256, "size": len(blob.data), "pointerSize": 130}}
                    if blob.large
                    else {}
                ),
            }
            for name, blob in sorted(inside.items())
        ]

    def on_resolve(self, body, kind, repo, revision, path):
        _, oid, files = self.at(kind, repo, revision)
        headers = {"X-Repo-Commit": oid}
        if path not in files:
            refusal = Refusal(404, "Entry not found", "EntryNotFound")
            refusal.headers.update(headers)
            raise refusal
        blob = files[path]
        if not blob.large:
            return blob.data, {**headers, "ETag": f'"{blob.sha1}"'}
        return b"", {
            **headers,
            "status": 302,
            "Location": f"{self.server.hub.storage}/store/{blob.sha256}",
            "X-Linked-Etag": f'"{blob.sha256}"',
            "X-Linked-Size": str(len(blob.data)),
        }

    def on_get(self, body, oid):
        if oid not in self.server.hub.store:
            raise Refusal(404, "NoSuchKey")
        return self.server.hub.store[oid], {"ETag": f'"{oid}"'}
