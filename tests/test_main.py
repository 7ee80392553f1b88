import subprocess
import sys
import types

import pytest

from ser_lib import __main__ as front
from ser_lib.__main__ import main


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command(capsys, words):
    assert main(words) == 0
    out = capsys.readouterr().out
    assert all(f"  {word} " in out for word in front.COMMANDS)


@pytest.mark.parametrize("words", [["--help"], ["predict", "--help"], ["compare", "--help"]])
def test_help_needs_no_heavy_library(repository, words):
    program = (
        "import runpy, sys\nsys.argv = ['ser_lib', *sys.argv[1:]]\n"
        "try:\n    runpy.run_module('ser_lib', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'transformers', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=repository, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: python -m ser_lib")


def test_no_command_and_an_unknown_one(capsys):
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().err
    assert main(["classify"]) == 2
    err = capsys.readouterr().err
    assert "'classify'" in err and "predict" in err and err.count("\n") == 1


def test_words_go_to_the_command_and_its_code_comes_back(monkeypatch, capsys):
    given = []

    def job(words):
        given.append(words)
        return 3

    monkeypatch.setitem(front.COMMANDS, "predict", ("made_up", "nothing"))
    monkeypatch.setitem(sys.modules, "made_up", types.SimpleNamespace(main=job))
    assert main(["predict", "a", "--b", "c"]) == 3
    assert given == [["a", "--b", "c"]]

    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "made_up", types.SimpleNamespace(main=interrupted))
    assert main(["predict"]) == 130
    assert "interrupted" in capsys.readouterr().err
