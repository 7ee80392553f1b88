"""The RAVDESS recipe in processes of its own that start at once: forked from one that has imported.

Kept apart from the tests because the processes import it by name.
"""

import multiprocessing
import os
import re
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

PRELOAD = [
    *("torch", "transformers", "accelerate", "ser_lib.recipe", "ser_lib.experiments"),
    *("ser_lib.protocols", "ser_lib.hub.push", "ser_lib.evaluation.folds", "ser_lib.hparams"),
    "ser_lib.corpora.ravdess",
]
SECONDS = 300

# What a process writes in each stage; the first that fits counts.
STAGES = {
    "download": re.compile(r"/corpora/"),
    "prepare": re.compile(r"/manifests/"),
    "checkpoint": re.compile(r"/checkpoints/"),
    "evaluation": re.compile(r"/(\.?model|\.draft-|figures|predictions|metrics|report)"),
    "training": re.compile(r"/(features|history|tensorboard|ledger|hyperparams|env)"),
}
_WRITES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "tempfile.mkdtemp")


class Harness:
    """Starts runs; ``yaml`` and ``data`` as the recipe takes them (``data`` None: downloaded)."""

    def __init__(self, yaml, data, logs):
        self.yaml, self.data, self.logs, self.started = yaml, data, Path(logs), 0
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOAD)

    def start(self, folder, *more, **child):
        """A run in a folder (Path) as a process with ``log`` (Path); see :func:`_child`."""
        self.started += 1
        log = self.logs / f"{self.started}.txt"
        line = [self.yaml, "--output_folder", folder, "--allow_partial", *more]
        line += ["--data_folder", self.data] if self.data else []
        child = {"environment": dict(os.environ), **child}
        arguments = ([str(word) for word in line], str(log), child)
        process = self.context.Process(target=_child, args=arguments, daemon=True)
        process.start()
        process.log = log
        return process

    def run(self, folder, *more, code=0, **child):
        """What a run that ends with an exit code prints (str)."""
        return self.wait(self.start(folder, *more, **child), code)

    def wait(self, process, code=0):
        process.join(SECONDS)
        text = process.log.read_text() if process.log.exists() else ""
        assert process.exitcode == code, f"exit code {process.exitcode}\n{text}"
        return text


def _child(line, log, options):
    """Run the recipe here.

    Options: ``environment``; ``archive`` (address, size and MD5 of what to download); ``hub``
    (endpoint); ``kill`` (stage and number of the write before which to die); ``counts`` (file
    for the number of writes of each stage); ``before`` (source of a program to run first).
    """
    os.setsid()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.clear()
    os.environ.update(options["environment"])
    import torch

    torch.set_num_threads(1)
    from ser_lib.corpora import download, ravdess
    from ser_lib.recipe import main

    if archive := options.get("archive"):
        ravdess.ARCHIVE_URL, ravdess.ARCHIVE_SIZE, ravdess.ARCHIVE_MD5 = archive
        download._BLOCK = 1 << 14
    if hub := options.get("hub"):
        from huggingface_hub import constants

        constants.ENDPOINT, constants.HF_HUB_DISABLE_XET = hub, True
        os.environ["HF_TOKEN"] = "hf_ada"
    exec(options.get("before", ""), {})
    counts = dict.fromkeys([*STAGES, "push"], 0)
    if "kill" in options or "counts" in options:
        sys.addaudithook(_counter(counts, options.get("kill"), hub))
    code = 1
    try:
        code = main(ravdess, line)
    except BaseException:
        traceback.print_exc()
    if told := options.get("counts"):
        Path(told).write_text(repr(counts))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _counter(counts, kill, hub):
    """An audit hook that counts the writes of each stage, and dies before one of them."""
    ports = {int(hub.rpartition(":")[2])} if hub else set()
    send = socket.socket.send

    def count(stage):
        counts[stage] += 1
        if kill == (stage, counts[stage]):
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event, arguments):
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            count("push" if arguments[1][1] in ports else "download")
        elif event in _WRITES and isinstance(arguments[0], str):
            reading = event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
            stage = next((s for s, p in STAGES.items() if p.search(arguments[0])), None)
            if stage and not reading:
                count(stage)

    def counted_send(self, *arguments):
        if self.family == socket.AF_INET and ports:
            count("push")
        return send(self, *arguments)

    socket.socket.send = counted_send
    return hook


_SKIPPED = re.compile(r"^(log\.txt|env\.log|\.lock|tensorboard/.*|checkpoints/.*|.*/\.lock)$")


def outcome(folder):
    """``{path: content}`` of what a run leaves, without what is about time."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or _SKIPPED.match(name):
            continue
        content = path.read_bytes()
        if path.suffix in (".json", ".jsonl", ".md", ".yaml"):
            text = content.decode().replace(str(folder), "RUN")
            text = re.sub(r'("(train_)?seconds": )[\d.e-]+', r"\1TIME", text)
            text = re.sub(r"output_folder:\s+\S+", "output_folder: RUN", text)
            text = re.sub(r"\| Time \|.*", "| Time |", text)
            content = re.sub(r"trained in [\d.,]+ min", "trained in TIME", text)
        found[name] = content
    newest = sorted((folder / "checkpoints").glob("epoch-????"))[-1]
    return found | {"weights": (newest / "model.safetensors").read_bytes()}


def same(one, other):
    """Assert that two outcomes are the same, naming what differs."""
    different = [name for name in {*one, *other} if one.get(name) != other.get(name)]
    assert not different, different


def until(condition, seconds=60):
    """Wait until ``condition()``; AssertionError after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
