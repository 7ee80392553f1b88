"""The audit of all protocols: measured, kept, printed, and inside a README."""

import json

import pytest

from ser_lib.corpora import emodb
from ser_lib.data import likeness
from ser_lib.errors import ProtocolError
from ser_lib.protocols import PROTOCOLS, overview, survey
from ser_lib.protocols.__main__ import main

README = "# Title\n\n<!-- protocols:begin -->\nstale\n<!-- protocols:end -->\n\nrest | kept\n"
TWINS = ("03a01Fa", "03a01Nc")


@pytest.fixture(scope="module", autouse=True)
def layouts_once():
    """Official layouts are made and audited once for all tests here, which takes ten seconds."""

    def once(function):
        made = {}

        def call(*arguments):
            # With the arguments, so that no other object gets the identity of one of them.
            key = tuple(map(id, arguments))
            if key not in made:
                made[key] = (arguments, function(*arguments))
            return made[key][1]

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("layout", "_of_names"):
            patch.setattr(survey, name, once(getattr(survey, name)))
        yield


@pytest.fixture(scope="module")
def found(official):
    """The audit on a whole EMO-DB with one near-identical pair and half of SAVEE."""
    half = official("SAVEE", lambda row: row if row["speaker"] in ("DC", "JE", "KL") else None)
    manifests = {"EMO-DB": official("EMO-DB"), "SAVEE": half}

    def near(manifest):
        return [(*TWINS, 0.9951)] if TWINS[0] in manifest["id"][:] else []

    return survey.survey(manifests, near)


@pytest.fixture
def place(tmp_path, found):
    """Folder with a README and the audit beside it."""
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "results").mkdir()
    (tmp_path / survey.FILE).write_text(survey.dumps(found))
    return tmp_path


def cells(found):
    """Cells of the table by the protocol's name."""
    return {row[0].strip("`"): dict(zip(overview.HEADERS, row, strict=True)) for row in rows(found)}


def rows(found):
    made = overview.rows(found)
    assert {len(row) for row in made} == {len(overview.HEADERS)}
    return made


def test_every_protocol_is_audited(found):
    assert set(found["protocols"]) == set(PROTOCOLS) == set(cells(found))
    states = {corpus: held["state"] for corpus, held in found["corpora"].items()}
    assert states == {
        "CREMA-D": "layout",
        "EMO-DB": "whole",
        "IEMOCAP": "speakers",
        "Merged": "layout",
        "RAVDESS": "layout",
        "SAVEE": "partial",
        "TESS": "layout",
    }
    assert found["corpora"]["EMO-DB"]["near_identical"] == [[*TWINS, 0.995]]


def test_rows_are_sorted_by_corpus_and_what_hears_nobody_comes_first(found):
    names = [row[0].strip("`") for row in rows(found)]
    corpora = [PROTOCOLS[name].corpus for name in names]
    assert corpora == sorted(corpora, key=lambda name: (name == "Merged", name))
    assert names.index("ravdess-19-5") < names.index("ravdess-19-source")


def test_cells_of_a_whole_corpus(found):
    row = cells(found)["emodb-loso10"]
    assert row["corpus"] == "EMO-DB" and row["folds"] == "10"
    assert row["speakers known"] == "0/1, 0/2"
    assert row["statements, words known"] == "10/10, –"
    assert row["same audio, nearly, copies"] == "0, 0, 0"
    assert row["class %, women %"].endswith(", 0–100") and row["two labels"] == "0"
    mixed = cells(found)["emodb-random5"]["same audio, nearly, copies"].split(", ")
    assert mixed[0] == "0" and int(mixed[1]) > 0


def test_what_was_not_heard_is_a_dash(found):
    savee, tess, iemocap_row = (
        cells(found)[n] for n in ("savee-loso4", "tess-loso2", "iemocap-s5")
    )
    assert tess["same audio, nearly, copies"] == "–, –, 0" and tess["two labels"] == "–"
    assert tess["speakers known"] == "0/1, 1/1" and tess["statements, words known"][:7] == "200/200"
    assert iemocap_row["speakers known"] == "0/2, 0/2"
    assert iemocap_row["statements, words known"] == iemocap_row["class %, women %"] == "–, –"
    # Names of the whole corpus, sound of three men.
    assert savee["corpus"] == "SAVEE \\*" and savee["same audio, nearly, copies"] == "0, 0, 0"
    assert found["protocols"]["savee-loso4"]["layout"]["folds"] == 4
    assert found["protocols"]["savee-loso4"]["sound"]["folds"] == 3


def test_the_notes_tell_what_was_measured_on_what(found):
    text = overview.notes(found)
    assert "On the whole corpus: EMO-DB." in text and "SAVEE (360 of 480 clips)" in text
    assert "CREMA-D (7,462 names, some of them never released)" in text
    assert "only who speaks: IEMOCAP." in text
    assert "With the sound at hand 3 of the 4 folds of `savee-loso4` could be made." in text


def test_figures_of_corpora_that_are_away_are_kept(found, official):
    again = survey.survey({"SAVEE": official("SAVEE")}, lambda manifest: [], earlier=found)
    for kind, name in (("corpora", "EMO-DB"), ("protocols", "emodb-random5")):
        assert again[kind][name] == found[kind][name]
    assert again["corpora"]["SAVEE"]["state"] == "whole"


def test_synthetic_is_called_synthetic(official):
    manifest = official("SAVEE", lambda row: {**row, "corpus": "SAVEE-synthetic"})
    made_up = survey.survey({"SAVEE": manifest}, lambda manifest: [])
    assert cells(made_up)["savee-random"]["corpus"] == "SAVEE (synthetic)"
    assert "Synthetic voices, no results: SAVEE." in overview.notes(made_up)
    # Another survey without them does not keep them.
    assert survey.survey({}, None, made_up)["corpora"]["SAVEE"]["state"] == "layout"


@pytest.mark.parametrize("name", ["cremad-si", "iemocap-s5", "savee-loso4", "tess-loso2"])
def test_the_audit_in_the_repository_is_that_of_the_official_names(repository, found, name):
    kept = survey.read(repository / survey.FILE)
    if kept["corpora"][PROTOCOLS[name].corpus]["state"] == "whole":
        pytest.skip("measured on the whole corpus, see test_real_corpora.py")
    assert kept["protocols"][name]["layout"] == found["protocols"][name]["layout"]


def test_a_protocol_without_figures_says_so(found):
    lacking = {**found, "protocols": {}}
    row = cells(lacking)["savee-random"]
    assert row["corpus"].endswith("(not measured)") and row["speakers known"] == "–, –"


def test_the_command_measures_writes_and_checks(place, official, monkeypatch, capsys):
    root = place / "corpora"
    (root / "EMO-DB").mkdir(parents=True)
    asked = []

    def prepare(data_folder=None, allow_partial=False):
        asked.append((str(data_folder), allow_partial))
        return official("EMO-DB")

    monkeypatch.setattr(emodb, "prepare", prepare)
    monkeypatch.setattr(likeness, "near_identical", lambda manifest, ids: [])
    readme = place / "README.md"
    assert main(["table", str(readme), "--data_root", str(root)]) == 0
    assert asked == [(str(root / "EMO-DB"), True)]
    assert f"written, {len(PROTOCOLS)} protocols" in capsys.readouterr().out
    found = survey.read(place / survey.FILE)
    assert found["corpora"]["EMO-DB"]["near_identical"] == []
    assert found["corpora"]["SAVEE"]["state"] == "partial"
    assert main(["table", str(readme), "--check"]) == 0
    assert main(["table", str(root / "none.md"), "--data_root", str(root), "--check"]) == 2


def test_classes_of_iemocap_are_chosen(place, iemocap_asked):
    (place / "IEMOCAP").mkdir()
    words = ["table", "--audit", str(place / "a.json"), "--data_root", str(place)]
    assert main(words) == main([*words, "--classes", "all"]) == 2
    assert iemocap_asked == ["source4", "all"]


def test_a_readme_is_rewritten_between_its_markers(place, capsys):
    readme = place / "README.md"
    assert main(["table", str(readme), "--check"]) == 1
    assert "is out of date" in capsys.readouterr().err and readme.read_text() == README
    assert main(["table", str(readme)]) == 0
    text = readme.read_text()
    assert text.startswith("# Title\n\n<!-- protocols:begin -->\n\n| protocol |")
    assert text.endswith("\n\n<!-- protocols:end -->\n\nrest | kept\n") and "stale" not in text
    assert all(f"| `{name}` |" in text for name in PROTOCOLS)
    assert main(["table", str(readme), "--check"]) == 0
    readme.write_text(text.replace("| 10/10, –", "| 9/10, –", 1))
    assert main(["table", str(readme), "--check"]) == 1


def test_an_audit_that_is_edited_puts_the_readme_out_of_date(place):
    readme, path = place / "README.md", place / survey.FILE
    main(["table", str(readme)])
    path.write_text(path.read_text().replace('"near_identical": 1,', '"near_identical": 7,', 1))
    assert main(["table", str(readme), "--check"]) == 1


@pytest.mark.parametrize("text", [None, "{}", "no json", json.dumps({"format": 2})])
def test_an_audit_that_is_missing_or_none(tmp_path, capsys, text):
    path = tmp_path / "audit.json"
    if text is not None:
        path.write_text(text)
    assert main(["table", "--audit", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and str(path) in error and "--data_root FOLDER" in error


def test_a_root_without_corpora(tmp_path, capsys):
    words = ["table", "--audit", str(tmp_path / "a.json"), "--data_root", str(tmp_path)]
    assert main(words) == 2
    assert "holds none of CREMA-D, EMO-DB" in capsys.readouterr().err
    assert not (tmp_path / "a.json").exists()


def test_a_readme_without_markers(place, capsys):
    (place / "README.md").write_text("# Title\n")
    assert main(["table", str(place / "README.md")]) == 2
    error = capsys.readouterr().err
    assert "<!-- protocols:begin -->" in error and error.count("\n") == 1


def test_reading_gives_what_was_written(place, found):
    assert survey.read(place / survey.FILE) == found
    with pytest.raises(ProtocolError, match="no.json"):
        survey.read(place / "no.json")
