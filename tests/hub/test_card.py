import pytest
from huggingface_hub import ModelCard

from ser_lib.corpora import iemocap, merged, ravdess
from ser_lib.hub.card import model_card

LABELS = ["angry", "happy", "sad"]
PAIRS = ("train-test", "train-validation", "validation-test")
ENCODER = {
    "encoder": "facebook/hubert-base-ls960@abc123",
    "corpora": ["LibriSpeech"],
    "source": "https://arxiv.org/abs/2106.07447",
    "shared": [],
}


def make_run(**changes):
    nothing = {"speakers": [], "statements": ["1", "2"], "clips": [], "siblings": []}
    return {
        "system": "cnn_transformer",
        "system_title": "Parallel CNN-Transformer",
        "system_source": "https://example.org/paper",
        "corpus": "RAVDESS",
        "synthetic": False,
        "classes": LABELS,
        "protocol": "ravdess-si6",
        "protocol_description": "Six speaker-disjoint folds.",
        "fold": 2,
        "folds": 6,
        "seed": 3,
        "ledger_sha256": "ab12" * 16,
        "shared": {pair: dict(nothing) for pair in PAIRS},
        "sizes": {"train": 960, "validation": 240, "test": 240},
        "parameters": 395_176,
        "epochs_run": 40,
        "epochs_asked": 100,
        "best_epoch": 30,
        "train_seconds": 1234.5,
        "hardware": "2 CPU cores",
        "versions": {"python": "3.11", "torch": "2.11.0"},
        "command": "python recipes/RAVDESS/train.py hparams/cnn_transformer.yaml",
        "date": "2026-01-02",
        "language": "en",
        "licence": "CC BY-NC-SA 4.0",
        "citation": "@article{livingstone2018, title={The | RAVDESS}}",
        **changes,
    }


def make_metrics(**changes):
    return {
        "metrics": {
            "ua": {"value": 0.61234, "low": 0.52, "high": 0.683},
            "wa": {"value": 0.6, "low": None, "high": None},
            "macro_f1": {"value": 0.59, "low": 0.5, "high": 0.67},
        },
        "per_class": {
            name: {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 80} for name in LABELS
        },
        "by": {
            "gender": {"female": {"n": 120, "ua": 0.7, "wa": 0.71}},
            "intensity": {"strong": {"n": 100, "ua": 0.66, "wa": 0.65}},
            "speaker": {},
        },
        "worst_speaker": {"speaker": "12", "n": 60, "ua": 0.41, "wa": 0.4},
        **changes,
    }


def test_front_matter_is_what_the_hub_reads():
    data = ModelCard(model_card(make_run(), make_metrics())).data
    assert data.license == "cc-by-nc-sa-4.0" and data.language == "en"
    assert data.library_name == "transformers" and data.pipeline_tag == "audio-classification"
    assert data.tags == ["audio-classification", "speech-emotion-recognition", "ser_lib"]
    results = {result.metric_type: result for result in data.eval_results}
    assert {kind: result.metric_value for kind, result in results.items()} == {
        "recall": 0.6123,
        "accuracy": 0.6,
        "f1": 0.59,
    }
    for result in results.values():
        assert result.dataset_name == "RAVDESS"
        assert result.dataset_split == "test of ravdess-si6, fold 2 of 6"
        assert result.dataset_args == {"ledger_sha256": "ab12" * 16, "synthetic": False}


def test_body_says_what_a_reader_needs():
    card = model_card(make_run(), make_metrics(), {"Confusion matrix": "figures/confusion.png"})
    for text in (
        "395,176",
        "| 61.2 | 52.0–68.3 |",
        "| 60.0 | – |",
        "- train and test: 2 statements (1, 2)",
        "train 960 clips",
        "gender: female",
        "intensity: strong",
        "worst speaker: 12",
        "trust_remote_code=True",
        "read them first",
        "ser_lib.load(",
        "consent",
        "hiring",
        "CC BY-NC-SA 4.0",
        "@article{livingstone2018",
        "![Confusion matrix](figures/confusion.png)",
        "40 of 100, best 30",
        "ab12" * 16,
    ):
        assert text in card
    assert "ynthetic" not in card.split("---\n")[2]


def test_synthetic_model_says_so_first_and_everywhere():
    run = make_run(corpus="RAVDESS-synthetic", synthetic=True)
    card = model_card(run, make_metrics())
    data = ModelCard(card).data
    assert "synthetic" in data.tags
    assert all(result.dataset_args["synthetic"] for result in data.eval_results)
    body = card.split("---\n", 2)[2]
    assert body.index("**Synthetic.**") < body.index("## Use")
    assert "of **synthetic** sound" in body


def test_shared_speakers_are_named_and_long_lists_counted():
    shared = {pair: {"speakers": [], "clips": []} for pair in PAIRS}
    shared["train-test"] = {
        "speakers": ["01", "02"],
        "clips": ["a", "b", "c"],
        "identical_audio": [["a", "b"]],
    }
    card = model_card(make_run(shared=shared), make_metrics())
    assert "train and test: 2 speakers (01, 02); 3 clips; 1 identical audio" in card
    assert "validation and test: nothing" in card


def test_unknown_licence_and_a_system_without_epochs():
    run = make_run(licence="Ask the authors", epochs_run=None, best_epoch=None)
    card = model_card(run, make_metrics(by={}, worst_speaker=None))
    assert ModelCard(card).data.license == "other"
    assert "license_name: ask-the-authors\n" in card and "not trained by epochs" in card
    assert "license_link" not in card


def test_the_page_of_the_corpus_is_told_beside_its_licence():
    page = "https://example.org/corpus"
    card = model_card(make_run(licence="Ask, please (1.0)", url=page), make_metrics())
    data = ModelCard(card).data
    assert (data.license_name, data.license_link) == ("ask-please-1.0", page)
    assert f"Ask, please (1.0) (<{page}>). A model" in card
    known = ModelCard(model_card(make_run(url=page), make_metrics())).data
    assert known.license == "cc-by-nc-sa-4.0" and known.license_link is None


def test_a_group_without_a_name_is_no_group():
    nobody = {"n": 9, "ua": 0.7, "wa": 0.71}
    by = {"gender": {"female": nobody}, "intensity": {"": nobody}}
    card = model_card(make_run(), make_metrics(by=by))
    assert "gender: female" in card and "intensity:" not in card


def test_missing_fact_is_not_papered_over():
    run = make_run()
    del run["ledger_sha256"]
    with pytest.raises(KeyError, match="ledger_sha256"):
        model_card(run, make_metrics())


def test_the_card_says_what_its_encoder_has_heard():
    card = model_card(make_run(encoder=ENCODER), make_metrics())
    assert ModelCard(card).data.base_model == "facebook/hubert-base-ls960"
    body = card.split("---\n", 2)[2]
    assert "## Encoder\n\nThe encoder `facebook/hubert-base-ls960@abc123` was trained on" in body
    assert "LibriSpeech (https://arxiv.org/abs/2106.07447)." in body
    assert "which is tested here" not in body
    assert body.index("## Results") < body.index("## Encoder") < body.index("## Protocol")


def test_the_card_warns_where_the_encoder_has_heard_the_test():
    told = {**ENCODER, "corpora": ["LibriSpeech", "RAVDESS"], "shared": ["RAVDESS"]}
    body = model_card(make_run(encoder=told), make_metrics()).split("---\n", 2)[2]
    assert "> **The encoder has heard RAVDESS, which is tested here" in body


def test_an_encoder_that_nobody_knows_is_said_to_be():
    told = {**ENCODER, "encoder": "model@sha256:01", "corpora": None, "source": "no table"}
    card = model_card(make_run(encoder=told), make_metrics())
    assert "What the encoder `model@sha256:01` has heard before is not known (no table)" in card
    assert "base_model" not in card


@pytest.mark.parametrize("changes", [{}, {"encoder": None}])
def test_a_card_without_an_encoder_says_nothing_of_one(changes):
    card = model_card(make_run(**changes), make_metrics())
    assert "## Encoder" not in card and "base_model" not in card


def test_several_encoders_are_all_told():
    other = {**ENCODER, "encoder": "microsoft/wavlm-base@1"}
    card = model_card(make_run(encoder=[ENCODER, other]), make_metrics())
    assert ModelCard(card).data.base_model == ["facebook/hubert-base-ls960", "microsoft/wavlm-base"]
    assert card.count("## Encoder") == 1 and card.count("was trained on") == 2


@pytest.mark.parametrize("corpus", [ravdess, iemocap, merged])
def test_the_limits_are_those_of_the_speech_it_heard(corpus):
    card = model_card(make_run(corpus=corpus.NAME, speech=corpus.SPEECH), make_metrics())
    assert f"Trained on {corpus.SPEECH}, in one language" in card
    assert "{" not in card.partition("## Intended use")[2].partition("##")[0]


def test_of_a_strangers_corpus_no_speech_is_made_up():
    card = model_card(make_run(corpus="MyPodcast", speech=None), make_metrics())
    assert "Trained on the speech of MyPodcast, in one language" in card
    assert "acted speech" not in card and "quiet" not in card
