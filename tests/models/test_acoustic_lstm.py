import torch

from ser_lib.models.acoustic_lstm import AcousticLSTM


def test_has_the_parameters_of_its_source():
    assert sum(p.numel() for p in AcousticLSTM(4).parameters()) == 115_924


def test_the_order_of_the_parts_matters_and_the_last_one_decides():
    torch.manual_seed(0)
    model, features = AcousticLSTM(4).eval(), torch.randn(2, 199, 5)
    steps, _ = model.lstm(features.transpose(1, 2))
    torch.testing.assert_close(model(features, None), model.head(steps[:, -1]))
    assert not torch.allclose(model(features, None), model(features.flip(2), None))
