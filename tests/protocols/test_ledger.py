import json
from dataclasses import replace

import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import Ledger, split

RESTATE = {"sha256": None, "counts": None, "shared": None}


@pytest.fixture(scope="module")
def fold1(manifest):
    return split(manifest, "ravdess-si6", 1)


@pytest.fixture
def saved(fold1, tmp_path):
    return fold1.save(tmp_path / "runs" / "ledger.json")


def edit(path, **changes):
    """Rewrite single keys of a ledger file by functions of their old value."""
    values = json.loads(path.read_text())
    for key, change in changes.items():
        values[key] = change(values[key])
    path.write_text(json.dumps(values))


def test_round_trip(fold1, saved):
    loaded = Ledger.load(saved)
    assert loaded == fold1
    assert loaded.save(saved.with_name("again.json")).read_bytes() == saved.read_bytes()
    assert sorted(path.name for path in saved.parent.iterdir()) == ["again.json", "ledger.json"]


def test_every_clip_has_a_line_of_its_own(saved):
    lines = saved.read_text().splitlines()
    assert sum(line.startswith('  "03-01-') for line in lines) == 1440


def test_file_states_sides_and_facts(saved):
    values = json.loads(saved.read_text())
    assert values["counts"]["test"]["speakers"] == ["01", "11", "20", "21"]
    assert values["augmented_copies_per_train_clip"] == 0
    assert values["train"] == sorted(values["train"])
    assert values["clips"]["03-01-08-02-02-02-24"]["speaker"] == "24"


def test_same_ids_over_other_audio_hash_differently(make_manifest, fold1):
    other = make_manifest(change=lambda row: {**row, "sha256": row["sha256"][::-1]})
    assert split(other, "ravdess-si6", 1).test == fold1.test
    assert split(other, "ravdess-si6", 1).sha256 != fold1.sha256


def test_hash_does_not_depend_on_copies(fold1, tmp_path):
    doubled = fold1.with_copies(2)
    assert doubled.sha256 == fold1.sha256 and fold1.copies == 0
    assert Ledger.load(doubled.save(tmp_path / "l.json")).copies == 2


@pytest.mark.parametrize("copies", [-1, 1.5, "2", None, True])
def test_bad_copies(fold1, copies):
    with pytest.raises(ProtocolError, match="copies"):
        fold1.with_copies(copies)


def test_moved_clip_is_noticed_on_loading(saved):
    edit(saved, train=lambda ids: ids[1:])
    with pytest.raises(ProtocolError, match=r"ledger\.json is not a valid ledger: clips"):
        Ledger.load(saved)
    moved = json.loads(saved.read_text())
    moved["test"].append(json.loads(saved.read_text())["validation"][0])
    moved["clips"] = {
        k: v
        for k, v in moved["clips"].items()
        if k in {*moved["train"], *moved["validation"], *moved["test"]}
    }
    saved.write_text(json.dumps(moved))
    with pytest.raises(ProtocolError, match="was changed after it was written"):
        Ledger.load(saved)


def test_changed_audio_is_noticed_on_loading(saved):
    def change(clips):
        clips["03-01-01-01-01-01-01"]["sha256"] = "0" * 64
        return clips

    edit(saved, clips=change)
    with pytest.raises(ProtocolError, match="was changed"):
        Ledger.load(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "1"),
        ("protocol", ""),
        ("fold", 0),
        ("fold", 9),
        ("folds", True),
        ("seed", "0"),
        ("corpus", None),
        ("sha256", 12),
        ("notes", "none"),
        ("promises", []),
        ("counts", {}),
        ("shared", {"train-test": {}}),
        ("train", [1, 2]),
        ("test", None),
        ("clips", {"a": {"speaker": "01"}}),
        ("clips", []),
        ("augmented_copies_per_train_clip", -1),
    ],
)
def test_wrong_types_name_the_key(saved, key, value):
    edit(saved, **{key: lambda _: value})
    with pytest.raises(ProtocolError, match="ledger.json is not a valid ledger") as caught:
        Ledger.load(saved)
    assert (key if key != "clips" else "clip") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["seed", "shared", "clips", "test", "promises"])
def test_missing_key(saved, key):
    values = json.loads(saved.read_text())
    del values[key]
    saved.write_text(json.dumps(values))
    with pytest.raises(ProtocolError, match=key):
        Ledger.load(saved)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"[]", b"null"])
def test_files_that_are_no_ledgers(tmp_path, content):
    path = tmp_path / "ledger.json"
    path.write_bytes(content)
    with pytest.raises(ProtocolError, match=r"ledger\.json"):
        Ledger.load(path)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ProtocolError, match="cannot read the ledger"):
            Ledger.load(path)


def test_newer_format_and_unknown_promise_ask_for_an_update(saved):
    edit(saved, promises=lambda promises: {**promises, "quiet": "No noise."})
    with pytest.raises(ProtocolError, match="'quiet'.*update ser_lib"):
        Ledger.load(saved)
    edit(saved, format=lambda _: 2)
    with pytest.raises(ProtocolError, match="format 2"):
        Ledger.load(saved)


def test_save_where_a_file_is_in_the_way(fold1, saved):
    with pytest.raises(ProtocolError, match="the ledger: .*: cannot be written"):
        fold1.save(saved / "below.json")


def test_failed_save_keeps_the_old_file(fold1, saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(ProtocolError, match="No space left"):
        fold1.with_copies(3).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["ledger.json"]


def leaky(ledger, kind):
    """``ledger`` with one leak, consistently restated, so that only a promise can find it."""
    train, test = list(ledger.train), list(ledger.test)
    clips = dict(ledger.clips)
    if kind == "clip":
        test.append(train[0])
    elif kind == "doubled":
        train.append(train[0])
    elif kind == "speaker":
        test.append(train.pop(0))
    elif kind == "sibling":
        test.append(f"{train[0]}#noise1")
        clips[test[-1]] = replace(clips[train[0]], id=test[-1], sha256="new", speaker="01")
    elif kind == "audio":
        clips[test[0]] = replace(clips[test[0]], sha256=clips[train[0]].sha256)
    return replace(ledger, train=train, test=test, clips=clips, **RESTATE)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("clip", "clip-once"),
        ("doubled", "clip-once"),
        ("speaker", "speakers-disjoint"),
        ("sibling", "copies-with-clip"),
        ("audio", "no-identical-audio"),
    ],
)
def test_leak_names_its_promise_also_from_a_file(fold1, tmp_path, kind, broken):
    ledger = Ledger.load(leaky(fold1, kind).save(tmp_path / "leaky.json"))
    names = {breach.split(":")[0] for breach in ledger.breaches()}
    assert broken in names and "as-stated" not in names
    if kind != "clip":  # a clip on two sides takes its speaker and its samples with it
        assert names == {broken}


def test_dropping_a_promise_from_the_file_does_not_help(fold1):
    ledger = replace(leaky(fold1, "speaker"), promises={})
    assert [b for b in ledger.breaches() if b.startswith("speakers-disjoint")]


def test_false_statements_are_found(saved):
    def hide(shared):
        shared["train-test"]["statements"] = []
        return shared

    edit(saved, shared=hide)
    assert Ledger.load(saved).breaches() == [
        "as-stated: states 0 statements shared train-test, its clips say 2"
    ]


def test_changed_speaker_is_found(saved):
    def rename(clips):
        clips["03-01-01-01-01-01-01"]["speaker"] = "02"
        return clips

    edit(saved, clips=rename)
    found = " ".join(Ledger.load(saved).breaches())
    assert "speakers-disjoint: speaker 02 is on both sides of" in found
    assert "as-stated: states 0 speakers shared" in found


def test_stale_hash_in_memory_is_found(fold1):
    ledger = replace(fold1, test=fold1.test[1:])
    assert any("sha256" in breach for breach in ledger.breaches())


def test_training_clips_with_two_labels_are_left_out_where_wanted(make_manifest, fold1):
    actor = fold1.clips[fold1.train[0]].speaker
    pairs = {f"03-01-0{code}-01-01-01-{actor}": "f" * 64 for code in (4, 5)}
    pairs |= {f"03-01-0{code}-01-01-01-01": "e" * 64 for code in (4, 5)}  # actor 01 tests
    marked = make_manifest(
        change=lambda row: {**row, "sha256": pairs.get(row["id"], row["sha256"])}
    )
    whole = split(marked, "ravdess-si6", 1)
    kept = whole.without_conflicts()
    gone = {name for name in pairs if name.endswith(actor)}
    assert {*whole.train} - {*kept.train} == gone
    assert kept.test == whole.test and kept.validation == whole.validation
    assert kept.sha256 != whole.sha256
    assert not kept.breaches()
    assert kept.notes[-1].startswith("2 training clips were left out")


def test_a_ledger_without_such_clips_comes_back_as_it_is(fold1):
    assert fold1.without_conflicts() is fold1
