import pytest

from ser_lib.errors import HparamsError
from ser_lib.hparams import ROOT, Hparams
from ser_lib.sweep.published import read_published


def test_every_system_of_the_repository_has_an_entry_and_no_other():
    entries = read_published(ROOT / "results" / "published.yaml")
    yamls = {p.relative_to(ROOT / "hparams").as_posix() for p in ROOT.glob("hparams/**/*.yaml")}
    assert {entry.yaml for entry in entries} == yamls
    for entry in entries:
        # Runs that start from an encoder carry its name after that of the YAML.
        assert entry.system.startswith(Hparams(f"hparams/{entry.yaml}").path.stem)
        assert entry.source.startswith("https://")


def test_published_numbers_are_those_that_the_yamls_tell():
    entries = read_published(ROOT / "results" / "published.yaml")
    odd = []
    for entry in entries:
        head = (ROOT / "hparams" / entry.yaml).read_text().partition("\nseed:")[0]
        if entry.value is not None and not entry.yaml.startswith("pretrained/"):
            told = {f"{entry.value:g} %", f"{entry.value:.1f} %", f"{entry.value:.2f} %"}
            odd += [] if any(text in " ".join(head.split()) for text in told) else [entry.system]
    assert not odd


def test_parameters_are_those_of_the_network():
    classes = {"RAVDESS": 8, "EMO-DB": 7, "IEMOCAP": 4, "Merged": 8}
    small = [
        entry
        for entry in read_published(ROOT / "results" / "published.yaml")
        if entry.parameters and entry.parameters < 2_000_000
    ]
    assert len(small) > 8
    for entry in small:
        network = Hparams(f"hparams/{entry.yaml}").build(classes[entry.corpus])["classifier"]
        assert sum(p.numel() for p in network.parameters()) == entry.parameters, entry.system


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"value": None}, "a value of null needs a reason"),
        ({"value": 900}, "percent from 0 to 100"),
        ({"value": "90"}, "value is '90'"),
        ({"metric": "f1"}, "the metric ua or wa"),
        ({"ours": "ravdess-si7"}, "did you mean 'ravdess-si6'"),
        ({"ours": "emodb-random"}, "emodb-random is made for EMO-DB"),
        ({"rules": "x"}, "unknown key 'rules'"),
    ],
)
def test_a_bad_entry_is_told_in_one_line(published, entry, words):
    with pytest.raises(HparamsError, match=r"entry 1 \(mfcc_cnn\)") as caught:
        read_published(published(entry))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_an_entry_twice_and_a_file_that_is_none(published, tmp_path):
    with pytest.raises(HparamsError, match="mfcc_cnn on RAVDESS is there twice"):
        read_published(published({}, {}))
    with pytest.raises(HparamsError, match="cannot be read"):
        read_published(tmp_path / "none.yaml")
    path = tmp_path / "bad.yaml"
    for text in ("{", "a: 1", "- 1"):
        path.write_text(text)
        with pytest.raises(HparamsError, match=r"bad.yaml") as caught:
            read_published(path)
        assert "\n" not in str(caught.value)
