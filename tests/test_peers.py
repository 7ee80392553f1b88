"""What a process says when another one of its run has gone."""

import pytest
from accelerate.commands.config.config_args import load_config_from_file

from ser_lib.cli import exit_code
from ser_lib.peers import lost_peer

GLOO = "[../third_party/gloo/gloo/transport/tcp/pair.cc:538] Connection closed by peer [10.0.0.2]"


def test_a_peer_that_has_gone_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")

    def job():
        raise RuntimeError(GLOO)

    assert exit_code(job) == 2
    text = capsys.readouterr().err
    assert text.startswith("error: another process of this run has ended")
    assert text.count("\n") == 1 and "start the same command again" in text


@pytest.mark.parametrize(("rank", "words"), [("1", "shape mismatch"), (None, GLOO)])
def test_other_errors_keep_their_traceback(monkeypatch, rank, words):
    monkeypatch.delenv("RANK", raising=False)
    if rank:
        monkeypatch.setenv("RANK", rank)
    assert lost_peer(RuntimeError(words)) is None


@pytest.mark.parametrize("name", ["one_machine", "several_machines"])
def test_accelerate_reads_the_files_of_the_documentation(repository, name):
    config = load_config_from_file(str(repository / "docs" / "accelerate" / f"{name}.yaml"))
    assert config.num_processes % config.num_machines == 0
    assert config.distributed_type == "MULTI_GPU"
