import pytest

from ser_lib.errors import HparamsError
from ser_lib.hparams import ROOT
from ser_lib.sweep.grid import read_grids
from ser_lib.sweep.planned import identity, identity_of
from ser_lib.sweep.published import read_published


def test_a_block_is_the_product_of_its_lists(grid, root):
    block = {"protocols": ["ravdess-si6", "ravdess-random"], "folds": [1], "seeds": [7, 8]}
    block["overrides"] = {"number_of_epochs": 1, "mixed_precision": "no"}
    plan = read_grids([grid(block)], root)
    assert [planned.place for planned in plan] == [
        "RAVDESS/ravdess-si6/small/fold-1",
        "RAVDESS/ravdess-si6/small/fold-1/seed-8",
        "RAVDESS/ravdess-random/small/fold-1",
        "RAVDESS/ravdess-random/small/fold-1/seed-8",
    ]
    assert plan[1].command == (
        "python recipes/RAVDESS/train.py tests/hparams/small.yaml --protocol ravdess-si6 --fold 1 "
        "--number_of_epochs 1 --mixed_precision no --seed 8"
    )
    assert len({planned.key for planned in plan}) == 4


def test_all_folds_are_one_run_and_a_protocol_of_one_fold_has_that(grid, root):
    plan = read_grids([grid({"folds": "all"}, {"folds": "all", "protocol": "ravdess-19-5"})], root)
    assert [planned.place.split("/")[-1] for planned in plan] == ["all", "fold-1"]
    assert [planned.units for planned in plan] == [6, 1]


def test_variants_and_the_synthetic_sample_have_places_of_their_own(grid, root):
    blocks = (
        {"variant": "short", "overrides": {"lr": 0.5}},
        {"overrides": {"data_folder": "sample"}, "allow_partial": True},
    )
    short, sample = read_grids([grid(*blocks)], root)
    assert short.place == "RAVDESS/ravdess-si6/small/fold-1/short"
    assert sample.place == "RAVDESS-synthetic/ravdess-si6/small/fold-1"
    assert sample.command.endswith("--data_folder sample --allow_partial")


def test_a_run_in_two_grids_is_there_once_and_a_clash_is_refused(grid, root):
    one, two = grid({}, name="one.yaml"), grid({}, name="two.yaml")
    assert len(read_grids([one, two], root)) == 1
    other = grid({"overrides": {"lr": 0.5}}, name="two.yaml")
    with pytest.raises(HparamsError, match=r"two.yaml, block 1: .*twice.*variant"):
        read_grids([one, other], root)


def test_identity_ignores_order_folders_and_the_seeds_place():
    start = "python recipes/RAVDESS/train.py hparams/x.yaml --protocol p --fold 1"
    one = identity(f"{start} --lr 0.5 --number_of_epochs 3 --data_folder PATH/TO/RAVDESS", 1, 4)
    assert one == identity(f"{start} --number_of_epochs 3 --lr 5.0e-1 --seed 4", 1, 4)
    assert one != identity(f"{start} --number_of_epochs 3 --lr 0.5", 1, 5)
    assert one != identity(f"{start} --number_of_epochs 3 --lr 0.5 --allow_partial", 1, 4)
    assert one != identity(f"{start} --number_of_epochs 3 --lr 0.5 --data_folder sample", 1, 4)
    folds = [start, start.replace("--fold 1", "--fold 2")]
    whole = identity_of({"command": folds, "fold": "all", "seed": 4})
    assert whole == identity(start.replace("--fold 1", "--fold all"), "all", 4)
    assert identity_of({"command": [*folds, start + " --lr 1"], "fold": "all", "seed": 4}) == (
        "mixed",
    )


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"recipe": "NOWHERE"}, "no recipes/NOWHERE/train.py; recipes are RAVDESS"),
        ({"system": "hparams/nothing.yaml"}, "block 1: hparams/nothing.yaml: no such YAML"),
        ({"protocol": "ravdess-si7"}, "did you mean 'ravdess-si6'"),
        ({"folds": [0]}, "ravdess-si6 has no fold 0; it has 1 to 6"),
        ({"folds": "some"}, "folds is 'some'"),
        ({"fold": 1}, "unknown key 'fold'"),
        ({"seeds": ["a"]}, "seed 'a' is not a whole number"),
        ({"seeds": []}, "seeds is []"),
        ({"overrides": {"number_of_epoch": 1}}, "did you mean 'number_of_epochs'"),
        ({"overrides": {"seed": 1}}, "seed is no override here"),
        ({"overrides": [1]}, "overrides is [1]"),
        ({"allow_partial": "yes"}, "write true or false"),
        ({"variant": "../up"}, "is no plain word"),
        ({"recipes": ["RAVDESS"], "recipe": "RAVDESS"}, "give recipe or recipes, not both"),
    ],
)
def test_a_bad_block_is_told_in_one_line(grid, sweep, block, words):
    code, out, err = sweep(grid(block))
    assert code == 2 and words in err and "grid.yaml, block 1" in err
    assert err.count("\n") == 1 and not out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {recipe: [", "a grid is plain YAML"),
        ("recipe: RAVDESS\n", "is no list of blocks"),
        ("- word\n", "block 1: 'word' is no block"),
        ("- recipe: !new:os.system {command: ls}\n", "a grid is plain YAML"),
        ("", "is no list of blocks"),
    ],
)
def test_a_bad_grid_is_told_in_one_line(tmp_path, sweep, text, words):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    code, _, err = sweep(path)
    assert code == 2 and words in err and str(path) in err and err.count("\n") == 1


def test_an_absent_grid_and_a_pattern_of_nothing(tmp_path, sweep, grid):
    code, _, err = sweep(tmp_path / "none.yaml")
    assert code == 2 and "none.yaml: cannot be read" in err
    code, _, err = sweep(grid({}), "--only", "nothing")
    assert code == 2 and "--only nothing matches no run" in err
    code, _, err = sweep(grid({}), "--only", "RAVDESS", "--only", "nothing")
    assert code == 2 and "--only nothing matches no run" in err


def test_several_patterns_together(sweep, grid):
    words = ("--only", "fold-1", "--only", "*/fold-3", "--list")
    code, out, _ = sweep(grid({"folds": [1, 2, 3]}), *words)
    assert code == 0
    folds = [line.rpartition("/")[2] for line in out.splitlines() if line.startswith("to do: ")]
    assert folds == ["fold-1", "fold-3"]


def test_the_repositorys_own_grids_can_be_read():
    grids = sorted((ROOT / "results" / "grids").glob("*.yaml"))
    assert len(grids) >= 3
    plan = read_grids(grids)
    assert {planned.recipe for planned in plan} == {"RAVDESS", "EMO-DB", "Merged"}


@pytest.mark.parametrize("read", [lambda path: read_grids([path]), read_published])
def test_a_file_of_nested_lists_without_an_end_is_one_line(tmp_path, read):
    path = tmp_path / "deep.yaml"
    path.write_text("a: " + "[" * 100_000)
    with pytest.raises(HparamsError, match=r"deep\.yaml: .*nested too deeply") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("encoder", "revision"),
    [
        *[(None, None), ("owner/name", "main"), ("owner/name", "a" * 12)],
        *[("/a/folder", None), ("/a/folder", "a" * 40), ("tests", "a" * 40)],
    ],
)
def test_weights_from_elsewhere_are_those_of_a_commit(grid, root, encoder, revision):
    overrides = {"encoder": encoder, "revision": revision}
    overrides = {key: value for key, value in overrides.items() if value}
    block = {"system": "hparams/pretrained/frozen_encoder.yaml", "overrides": overrides}
    with pytest.raises(HparamsError, match=r"block 1: .*its commit as revision"):
        read_grids([grid(block)], root)
    block["overrides"] = {"encoder": "owner/name", "revision": "a" * 40}
    (planned,) = read_grids([grid(block)], root)
    assert planned.place.endswith("/frozen_encoder-name/fold-1")
    assert planned.command.endswith(f"--encoder owner/name --revision {'a' * 40}")


def test_so_are_the_weights_of_an_ensembles_members(grid, root, tmp_path):
    here = ROOT / "tests" / "hparams"
    yaml, encoder = tmp_path / "mixed.yaml", ROOT / "hparams" / "pretrained" / "frozen_encoder.yaml"
    told = (here / "small_ensemble.yaml").read_text().replace("small_tree.yaml", str(encoder))
    yaml.write_text(told.replace("- small", f"- {here}/small"))
    with pytest.raises(HparamsError, match=r"block 1: .*its commit as revision"):
        read_grids([grid({"system": str(yaml)})], root)
