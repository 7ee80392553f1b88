import runpy

import pytest
from datasets import Dataset

from ser_lib import recipe
from ser_lib.corpora import cremad, describe, emodb, iemocap, merged, ravdess, savee, tess


@pytest.fixture
def folder(tmp_path, write_clip):
    for name in ("03a01Fa", "03a01Nc", "08a01Wa"):
        write_clip(tmp_path / "EMO-DB" / "wav" / f"{name}.wav")
    return tmp_path / "EMO-DB"


def test_emotions_in_the_corpus_own_order_with_those_that_are_missing(folder):
    lines = describe.describe(emodb, emodb.prepare(folder, True, progress=False)).splitlines()
    assert lines == [
        "EMO-DB: 3 clips, 0.00 h",
        "emotion  anger 1, boredom 0, disgust 0, fear 0, happiness 1, sadness 0, neutral 1",
        "gender   male 2, female 1",
        "speaker  03 2, 08 1",
    ]


def test_many_speakers_are_summed_up_and_gender_may_be_unknown(folder):
    manifest = emodb.prepare(folder, True, progress=False)
    rows = [{**manifest[0], "gender": "", "speaker": f"{clip:02d}"} for clip in range(30)]
    text = describe.describe(emodb, Dataset.from_list(rows))
    assert "gender   unknown 30" in text and "28 1, 29 1" in text
    rows += [{**rows[0], "speaker": "30"}, rows[0]]
    text = describe.describe(emodb, Dataset.from_list(rows))
    assert "speaker  31 of them, 1 to 2 clips each" in text


def test_hours(folder):
    manifest = emodb.prepare(folder, True, progress=False)
    assert describe.hours(manifest) == pytest.approx(0.3 / 3600)


def test_emodb_recipe(repository, folder, capsys):
    main = runpy.run_path(str(repository / "recipes" / "EMO-DB" / "prepare.py"))["main"]
    assert main(["--data_folder", str(folder)]) == 2
    assert "--allow_partial" in capsys.readouterr().err
    assert main(["--data_folder", str(folder), "--allow_partial"]) == 0
    assert "EMO-DB: 3 clips" in capsys.readouterr().out


def test_output_that_cannot_be_written(folder, tmp_path, capsys):
    (tmp_path / "file").touch()
    wanted = ["--data_folder", str(folder), "--allow_partial", "--output"]
    assert describe.main(emodb, [*wanted, str(tmp_path / "file" / "inside")]) == 2
    assert "cannot be written" in capsys.readouterr().err.splitlines()[-1]


def test_a_corpus_that_is_not_given_out(capsys):
    assert describe.main(savee, []) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and savee.URL in captured.err and captured.out == ""


@pytest.mark.parametrize("corpus", [emodb, savee])
def test_help_holds_the_corpus_card(corpus, capsys):
    with pytest.raises(SystemExit) as left:
        describe.main(corpus, ["--help"])
    printed = capsys.readouterr().out
    assert left.value.code == 0
    for word in (corpus.NAME, "sample", "SER_DATA", "Licence", "Known oddities"):
        assert word in printed


@pytest.mark.parametrize(
    ("corpus", "told"),
    [
        (emodb, "$SER_DATA/EMO-DB, then an earlier download, then its publisher's address"),
        (ravdess, "$SER_DATA/RAVDESS, then an earlier download, then its publisher's address"),
        (tess, "$SER_DATA/TESS, then an earlier download, then its publisher's address"),
        (savee, "$SER_DATA/SAVEE; otherwise you must request it"),
        (iemocap, "$SER_DATA/IEMOCAP; otherwise you must request it"),
        (iemocap.variant("all"), "$SER_DATA/IEMOCAP; otherwise you must request it"),
        (
            cremad,
            "$SER_DATA/CREMA-D, then $SER_CACHE/corpora/CREMA-D; otherwise the commands to clone "
            "it are printed",
        ),
        (merged, "$SER_DATA, then earlier downloads; only RAVDESS and TESS are fetched"),
    ],
)
def test_both_helps_say_where_the_corpus_is_looked_for(corpus, told, capsys):
    with pytest.raises(SystemExit):
        describe.main(corpus, ["--help"])
    assert told in " ".join(capsys.readouterr().out.split())
    assert recipe.main(corpus, ["--help"]) == 0
    assert told in " ".join(capsys.readouterr().out.split())
