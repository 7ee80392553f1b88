"""ResNets that start from elsewhere: where from, and what their stages of training free."""

import pytest
import torch
from transformers import ResNetConfig, ResNetForImageClassification, ResNetModel

from ser_lib.errors import ModelFolderError
from ser_lib.models.resnet import ResNetClassifier
from ser_lib.pretrained.resnet import resnet_classifier
from ser_lib.registry import build

SMALL = {"depths": [1, 1], "widths": [8, 16], "hidden": 6, "shape": [3, 32, 32]}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Folder with a small ResNet as Transformers publishes it, with a head of its own."""
    torch.manual_seed(1)
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=7
    )
    folder = tmp_path_factory.mktemp("published")
    ResNetForImageClassification(config).save_pretrained(folder)
    return folder


def count(model, trained_only=False):
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trained_only)


def test_random_weights_are_never_frozen():
    model = resnet_classifier(4, freeze_epochs=50, **SMALL)
    for epoch in (1, 50, 51):
        model.begin_epoch(epoch)
        assert count(model, trained_only=True) == count(model)
    assert model.initialised_from is None


def test_starts_from_published_weights_and_forgets_where(published):
    model = resnet_classifier(4, pretrained=str(published), freeze_epochs=2, **SMALL)
    theirs = ResNetForImageClassification.from_pretrained(published).resnet.state_dict()
    ours = model.backbone.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert model.backbone.training
    assert model.initialised_from.startswith(f"{published.name}@sha256:")
    assert model.spec == ResNetClassifier(4, **SMALL).spec
    again = build(model.spec)
    again.load_state_dict(model.state_dict())
    pictures, lengths = torch.randn(2, 3, 32, 32), torch.tensor([32, 32])
    torch.testing.assert_close(again.eval()(pictures, lengths), model.eval()(pictures, lengths))


def test_a_pretrained_backbone_is_trained_in_two_stages(published):
    torch.manual_seed(2)
    # Without dropout, which might leave nothing of six units, and so no gradient.
    model = resnet_classifier(4, pretrained=published, freeze_epochs=2, dropout=0.0, **SMALL)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    parts = {
        "stem": model.backbone.embedder,
        "first": model.backbone.encoder.stages[0],
        "last": model.backbone.encoder.stages[1],
        "head": model.head,
    }
    moved = []
    for epoch in (1, 2, 3):
        model.begin_epoch(epoch)
        before = {name: [p.clone() for p in part.parameters()] for name, part in parts.items()}
        loss = model(torch.randn(4, 3, 32, 32), torch.full((4,), 32)).square().sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        same = {n: all(map(torch.equal, before[n], part.parameters())) for n, part in parts.items()}
        moved.append({name for name, kept in same.items() if not kept})
    assert moved == [{"head"}, {"head"}, {"last", "head"}]


def test_refuses_a_checkpoint_of_another_size(published):
    with pytest.raises(
        ModelFolderError, match=r"it has depths \[1, 1\], the classifier depths \[1, 2\]"
    ):
        resnet_classifier(4, pretrained=published, **{**SMALL, "depths": [1, 2]})


def test_refuses_a_checkpoint_that_lacks_weights(published, tmp_path):
    config = ResNetConfig.from_pretrained(published)
    whole = ResNetModel(config)
    state = {name: value for name, value in whole.state_dict().items() if "stages.1" not in name}
    whole.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ModelFolderError, match="it lacks encoder.stages.1"):
        resnet_classifier(4, pretrained=tmp_path, **SMALL)


def test_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelFolderError, match="no such folder") as caught:
        resnet_classifier(4, pretrained=str(tmp_path / "nowhere"), **SMALL)
    assert "\n" not in str(caught.value)


def test_refuses_pickled_weights(published, tmp_path):
    config = ResNetConfig.from_pretrained(published)
    config.save_pretrained(tmp_path)
    torch.save(ResNetModel(config).state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelFolderError, match="safetensors") as caught:
        resnet_classifier(4, pretrained=tmp_path, **SMALL)
    assert "\n" not in str(caught.value)


def test_refuses_damaged_weights(published, tmp_path):
    ResNetConfig.from_pretrained(published).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelFolderError, match="do not load"):
        resnet_classifier(4, pretrained=tmp_path, **SMALL)


@pytest.mark.parametrize("epochs", [-1, 1.5, True])
def test_refuses_a_plan_of_no_whole_epochs(epochs):
    with pytest.raises(ValueError, match="freeze_epochs"):
        resnet_classifier(4, freeze_epochs=epochs, **SMALL)
