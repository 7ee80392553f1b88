"""The list of systems."""

from ser_lib.models.__main__ import main


def test_lists_every_system_with_its_size(capsys, repository):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    systems = sorted(path.stem for path in (repository / "hparams").glob("*.yaml"))
    assert [line.split()[0] for line in lines] == ["system", *systems]
    row = next(line for line in lines if line.startswith("cnn_transformer"))
    assert "395,176" in row and "128 x 563" in row and "log_mel" in row
