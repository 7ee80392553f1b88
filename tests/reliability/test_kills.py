"""Killed at moments drawn by chance, in every stage: the next start ends as if nothing had been."""

import ast
import hashlib
import importlib.util
import os
import random
import shutil
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness import Harness, outcome, same

EPOCHS = ("--number_of_epochs", "3")
STAGES = ("download", "prepare", "training", "checkpoint", "evaluation", "push")
QUICK = ((1, "training"), (2, "checkpoint"), (3, "evaluation"))
# Two before a write of each stage, the others at any moment, as a clock has it.
SLOW = [(10 + number, stage) for number, stage in enumerate(STAGES * 2)]
SLOW += [(100 + number, "clock") for number in range(8)]


class Archive(BaseHTTPRequestHandler):
    """Serves one archive in small pieces, from where the client wants it."""

    def do_GET(self):
        content = self.server.content
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        for place in range(start, len(content), 1 << 14):
            self.wfile.write(content[place : place + (1 << 14)])
            self.server.sent(place)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture(scope="session")
def archive(small_ravdess, tmp_path_factory):
    """A server of the small corpus as a zip archive; ``told`` is what a download needs to know."""
    path = shutil.make_archive(
        str(tmp_path_factory.mktemp("zip") / "ravdess"), "zip", small_ravdess.parent
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    server.content = Path(path).read_bytes()
    server.sent = lambda place: None
    md5 = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    url = f"http://127.0.0.1:{server.server_address[1]}/ravdess.zip"
    server.told = (url, len(server.content), md5)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def loopback(repository):
    """The module of the Hub on loopback."""
    path = repository / "tests" / "hub" / "loopback_hub.py"
    spec = importlib.util.spec_from_file_location("loopback_hub_of_kills", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def whole(small_yaml, archive, loopback, tmp_path):
    """``run(name, **child)`` downloads, trains and publishes; the process, folder and Hub of it."""
    users = {"hf_ada": {"name": "ada", "role": "write", "orgs": []}}
    harness, hubs = Harness(small_yaml, None, tmp_path), {}

    def run(name, **child):
        if name not in hubs:
            hubs[name] = loopback.LoopbackHub(users).__enter__()
        hub = hubs[name]
        environment = {**os.environ, "SER_CACHE": str(tmp_path / f"cache-{name}")}
        process = harness.start(
            *(tmp_path / name, *EPOCHS, "--push_to_hub", "ada/model"),
            **{"environment": environment, "archive": archive.told, "hub": hub.endpoint, **child},
        )
        return process, tmp_path / name, hub

    run.wait = harness.wait
    yield run
    for hub in hubs.values():
        hub.__exit__()


def published(hub):
    _, files = hub.repository("ada/model").files()
    return {name: blob.sha256 for name, blob in files.items() if name.endswith((".py", "tensors"))}


@pytest.mark.parametrize(("seed", "stage"), QUICK)
def test_killed_before_a_write_it_ends_as_unbroken(harness, unbroken, tmp_path, seed, stage):
    # The cache is empty for each: what is written does not depend on the test before.
    environment = {**os.environ, "SER_CACHE": str(tmp_path / "cache")}
    folder, number = tmp_path / "run", random.Random(seed).randint(1, 12)
    process = harness.start(folder, *EPOCHS, kill=(stage, number), environment=environment)
    harness.wait(process, -signal.SIGKILL)
    harness.run(folder, *EPOCHS, environment=environment)
    same(outcome(folder), outcome(unbroken))


@pytest.mark.slow
def test_twenty_kills_from_the_download_to_the_push(whole, tmp_path, archive, capsys):
    for name in ("warm", "unbroken"):
        began = time.monotonic()
        process, folder, hub = whole(name, counts=tmp_path / "counts")
        whole.wait(process)
        seconds = time.monotonic() - began
    expected, there = outcome(folder), published(hub)
    counts = ast.literal_eval((tmp_path / "counts").read_text())
    assert all(counts[stage] > 3 for stage in STAGES), counts
    kills = []
    for seed, stage in SLOW:
        chance = random.Random(seed)
        # A clock that struck after the end strikes again, earlier and elsewhere.
        for attempt in range(1 if stage != "clock" else 5):
            name = f"{seed}-{stage}-{attempt}"
            if stage != "clock":
                process, folder, hub = whole(name, kill=(stage, chance.randint(1, counts[stage])))
                process.join(300)
                break
            process, folder, hub = whole(name)
            time.sleep(chance.uniform(0.1, 0.7 * seconds / 2**attempt))
            process.kill()
            process.join()
            if process.exitcode:
                break
        kills.append((name, process.exitcode))
        process, folder, hub = whole(name)
        whole.wait(process)
        same(outcome(folder), expected)
        assert published(hub) == there
        assert hub.repository("ada/model").messages.count("initial commit") == 1
        assert len(hub.repository("ada/model").commits) == 2
        shutil.rmtree(folder)
    with capsys.disabled():
        print(f"\nwrites by stage: {counts}; kills: {kills}")
    killed = [name for name, code in kills if code == -signal.SIGKILL]
    assert len(killed) == len(SLOW) == 20


@pytest.mark.slow
def test_a_download_that_is_killed_at_any_byte_is_taken_up(whole, archive):
    process = None

    def kill(place):
        if place >= len(archive.content) // 2:
            process.kill()
            process.join()

    process, _, _ = whole("half")
    archive.sent = kill
    try:
        process.join(300)
    finally:
        archive.sent = lambda place: None
    assert process.exitcode == -signal.SIGKILL
    process, folder, _ = whole("half")
    whole.wait(process)
    assert (folder / "metrics.json").exists()
