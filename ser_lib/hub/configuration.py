"""What a model folder says about its model: names and plain values, never code."""

from transformers.configuration_utils import PretrainedConfig


class SERConfig(PretrainedConfig):
    """Configuration of a speech-emotion classifier, kept as ``config.json``.

    Arguments
    ---------
    system : dict, optional
        ``spec`` of the WaveformClassifier: registered names and their arguments.
    sampling_rate : int
        Rate of the waveforms that the model expects, in Hz.
    provenance : dict, optional
        Where the weights come from: protocol, fold, ledger hash, corpora seen, whether they are
        synthetic, version of ser_lib, licence.
    **kwargs
        What every Transformers configuration takes, above all ``id2label`` and ``label2id``.
    """

    model_type = "ser_lib"

    def __init__(self, system=None, sampling_rate=16_000, provenance=None, **kwargs):
        self.system = system
        self.sampling_rate = sampling_rate
        self.provenance = provenance if provenance is not None else {}
        super().__init__(**kwargs)
