import json

import pytest

from ser_lib.corpora.known import corpora
from ser_lib.pretrained.heard import encoders, heard, sentence, shared_with, warning
from ser_lib.pretrained.heard_table import FAMILIES, KNOWN

OURS = ("RAVDESS", "EMO-DB", "IEMOCAP", "SAVEE", "CREMA-D", "TESS")


def model_folder(folder, **provenance):
    folder.mkdir(exist_ok=True)
    config = {"model_type": "ser_lib", "provenance": provenance}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_the_table_is_plain_and_tells_its_sources():
    for name, (told, source) in {**KNOWN, **FAMILIES}.items():
        assert name.count("/") == 1 and not name.startswith("/")
        assert told is None or (isinstance(told, tuple) and len(set(told)) == len(told)), name
        assert all(isinstance(corpus, str) and corpus for corpus in told or ()), name
        assert source is None or "https://" in source, name
        # Nothing is told without a page: what is not known needs one that says so.
        assert source or told, name


def test_our_corpora_go_by_their_names_in_the_table():
    ours = {name.casefold(): name for name in corpora()}
    spelled = {name.replace("-", ""): name for name in ours}
    found = {corpus for told, _ in KNOWN.values() for corpus in told or ()}
    for corpus in found:
        alike = spelled.get(corpus.casefold().replace("-", ""))
        assert alike is None or ours[alike] == corpus
    assert found >= set(OURS)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("facebook/hubert-base-ls960", ["LibriSpeech"]),
        ("microsoft/wavlm-large@c1423ed94bb0", ["Libri-Light", "GigaSpeech", "VoxPopuli"]),
        ("Facebook/HuBERT-base-LS960", ["LibriSpeech"]),
        ("microsoft/resnet-34", []),
        ("openai/whisper-large-v3", None),
        ("facebook/w2v-bert-2.0", None),
        ("somebody/wavlm-large", None),
        ("wavlm-large", None),
    ],
)
def test_an_encoder_is_looked_up(name, told):
    found = heard(name)
    assert found["encoder"] == name and found["corpora"] == told and found["source"]
    json.dumps(found)


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("superb/hubert-large-superb-er", ["IEMOCAP"]),
        ("speechbrain/emotion-recognition-wav2vec2-IEMOCAP", ["IEMOCAP"]),
        ("ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition", ["RAVDESS"]),
        ("r-f/wav2vec-english-speech-emotion-recognition", ["RAVDESS", "SAVEE", "TESS"]),
        ("Dpngtm/wav2vec2-emotion-recognition", ["RAVDESS", "SAVEE", "CREMA-D", "TESS"]),
        ("emotion2vec/emotion2vec_plus_seed", list(OURS)),
        ("emotion2vec/emotion2vec_base", ["IEMOCAP"]),
        ("audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim", []),
        ("facebook/wav2vec2-base", []),
        ("openai/whisper-small", []),
    ],
)
def test_test_corpora_it_has_heard_are_named_in_their_order(name, shared):
    assert shared_with(heard(name), OURS) == shared
    assert shared_with(heard(name), OURS[::-1]) == shared[::-1]


def test_synthetic_voices_are_not_the_corpus_they_imitate(tmp_path):
    known = heard("ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition")
    assert shared_with(known, ["RAVDESS-synthetic"]) == []
    folder = model_folder(tmp_path / "m", corpora=["RAVDESS-synthetic"])
    made = heard("m", folder)
    assert shared_with(made, ["RAVDESS-synthetic", "RAVDESS"]) == ["RAVDESS-synthetic"]


def test_a_model_of_this_package_tells_its_own_corpora(tmp_path):
    folder = model_folder(tmp_path / "model", corpora=["RAVDESS", "TESS"])
    found = heard("model@sha256:0123", folder)
    assert found["encoder"] == "model@sha256:0123"
    assert found["corpora"] == ["RAVDESS", "TESS"] and found["source"] == "its own config.json"
    assert shared_with(found, ["EMO-DB", "TESS"]) == ["TESS"]


def test_what_its_own_encoder_had_heard_is_not_forgotten(tmp_path):
    started = "facebook/hubert-base-ls960@abc"
    found = heard("m", model_folder(tmp_path / "a", corpora=["TESS"], initialised_from=started))
    assert found["corpora"] == ["LibriSpeech", "TESS"]
    assert "its own config.json" in found["source"] and "2106.07447" in found["source"]
    told = {"encoder": "m@1", "corpora": ["LibriSpeech", "TESS"], "source": "elsewhere"}
    found = heard("n", model_folder(tmp_path / "b", corpora=["SAVEE"], encoder=told))
    assert found["corpora"] == ["LibriSpeech", "TESS", "SAVEE"]
    assert "elsewhere" in found["source"]


def test_what_nobody_knows_of_the_start_is_said(tmp_path):
    folder = model_folder(tmp_path / "a", corpora=["TESS"], initialised_from="me/mine@1")
    found = heard("m", folder)
    assert found["corpora"] == ["TESS"] and "not known" in found["source"]
    started = "openai/whisper-tiny@1"
    found = heard("m", model_folder(tmp_path / "b", corpora=["TESS"], initialised_from=started))
    assert found["corpora"] == ["TESS"] and "680,000 hours" in found["source"]


def test_a_known_id_and_its_config_add_up(tmp_path):
    folder = model_folder(tmp_path / "a", corpora=["LibriSpeech", "RAVDESS"])
    found = heard("facebook/wav2vec2-base", folder)
    assert found["corpora"] == ["LibriSpeech", "RAVDESS"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"provenance": null}',
        '{"provenance": {"corpora": "RAVDESS"}}',
        '{"provenance": {"corpora": []}}',
        '{"provenance": ["corpora"]}',
        b"\xff\xfe",
    ],
)
def test_a_config_that_tells_nothing_changes_nothing(tmp_path, text):
    if text is not None:
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "config.json").write_bytes(content)
    assert heard("facebook/wav2vec2-base", tmp_path) == heard("facebook/wav2vec2-base")
    assert heard("thing", tmp_path)["corpora"] is None


def test_what_a_config_names_as_its_start_is_the_least_it_heard(tmp_path):
    config = {"_name_or_path": "facebook/wav2vec2-base"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = heard("copy", tmp_path)
    assert found["corpora"] == ["LibriSpeech"] and found["whole"] is False
    assert "facebook/wav2vec2-base" in found["source"] and "is not told" in found["source"]
    # What an id's own card says counts for more.
    found = heard("superb/wav2vec2-base-superb-er", tmp_path)
    assert found["corpora"] == ["LibriSpeech", "IEMOCAP"] and found["whole"] is True
    for other in ("me/mine", 7, None, ""):
        (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": other}))
        assert heard("copy", tmp_path) == heard("copy")


def test_sentences_for_people():
    text = sentence(heard("microsoft/wavlm-large@c142"))
    assert text == (
        "The encoder `microsoft/wavlm-large@c142` was trained on Libri-Light, GigaSpeech and "
        "VoxPopuli (https://arxiv.org/abs/2110.13900)."
    )
    commit = "0123456789abcdef0123456789abcdef01234567"
    text = sentence({**heard(f"microsoft/wavlm-large@{commit}"), "kind": "model"})
    assert text.startswith("The model `microsoft/wavlm-large@0123456789ab` was trained on Libri")
    text = sentence(heard("openai/whisper-base@1"))
    assert text.startswith("What the encoder `openai/whisper-base@1` has heard before is not known")
    assert "680,000 hours" in text
    assert "not known" in sentence(heard("me/mine"))
    text = sentence(heard("microsoft/resnet-18"))
    assert "has heard no speech (images of ImageNet" in text


def test_the_warning_names_what_is_tested():
    told = heard("r-f/wav2vec-english-speech-emotion-recognition")
    assert warning(told) == "" and warning({**told, "shared": []}) == ""
    text = warning({**told, "shared": ["RAVDESS", "TESS"]})
    assert text.startswith("**") and text.endswith("**") and "RAVDESS and TESS" in text


def test_encoders_of_a_run():
    one, other = heard("facebook/wav2vec2-base"), heard("microsoft/wavlm-base")
    assert encoders({}) == encoders({"encoder": None}) == []
    assert encoders({"encoder": one}) == [one]
    assert encoders({"encoder": [one, None, other, one]}) == [one, other]
