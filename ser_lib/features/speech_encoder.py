"""Hidden states of a Transformers speech encoder as features.

A padded batch goes through the encoder at once, and a clip still gets the states it gets alone; for
the encoders where masks do not make it so, :mod:`ser_lib.features.padded_parts` does.

Sources: A. Baevski et al. (2020), wav2vec 2.0, arXiv:2006.11477; W.-N. Hsu et al. (2021), HuBERT,
arXiv:2106.07447; S. Chen et al. (2022), WavLM, arXiv:2110.13900; S. Chen et al. (2022),
UniSpeech-SAT, arXiv:2110.05752; A. Baevski et al. (2022), data2vec, arXiv:2202.03555; L. Barrault
et al. (2023), Seamless, arXiv:2312.05187 (w2v-BERT 2.0); A. Radford et al. (2022), Whisper,
arXiv:2212.04356.
"""

import contextlib

import torch
from torch import nn
from transformers import CONFIG_MAPPING

from ser_lib.features.encoder_families import FAMILIES, shortest
from ser_lib.features.padded_parts import announce, put_right, within
from ser_lib.registry import register

#: Samples that one state of Whisper's encoder stands for: two hops of 10 ms at 16 kHz.
_WHISPER_STRIDE = 320


@register("speech_encoder")
class SpeechEncoder(nn.Module):
    """Waveforms ``(batch, time)`` to hidden states ``(batch, layers, width, frames)``.

    It starts from random weights; :func:`ser_lib.pretrained.encoder.speech_encoder` starts it from
    others. Dropped layers and masked stretches (SpecAugment), which some families train with, are
    off; an adapter behind the last layer is left out. The normalisation of samples and the spectral
    features of Whisper and w2v-BERT are those of the encoder's own feature extractor.

    Whisper hears every clip in 30 s of silence and gives 1,500 states, of which those of the clip
    are kept; what a clip has beyond 30 s it does not hear.

    Arguments
    ---------
    family : str
        One of :data:`ser_lib.features.encoder_families.FAMILIES`.
    config : dict
        Plain values of the family's configuration.
    extractor : dict
        Plain values of the family's feature extractor; ``sampling_rate`` in Hz.
    layers : str
        ``all`` gives the input of the first layer and the output of each, ``last`` the encoder's
        output alone.
    pooled : bool
        Whether to give the mean over a clip's frames, so that ``frames`` is 1.

    Raises
    ------
    ValueError
        If the family is unknown, or its configuration does not build it.
    """

    #: Costly enough to be computed once for a corpus, while it is frozen.
    worth_keeping = True
    #: It may run in half precision, other than a spectrum.
    autocasts = True

    def __init__(self, family, config, extractor, layers="all", pooled=True):
        super().__init__()
        if family not in FAMILIES:
            raise ValueError(f"there is no family {family!r}; choose {', '.join(FAMILIES)}")
        if layers not in ("all", "last"):
            raise ValueError(f"layers is {layers!r}; choose all or last")
        if config.get("add_adapter"):
            raise ValueError("add_adapter is true; set it to false: its frames are not counted")
        encoder, feature_extractor = FAMILIES[family]
        self.family, self.layers, self.pooled = family, layers, bool(pooled)
        self.config = CONFIG_MAPPING[family](**config)
        self.extractor = feature_extractor(**extractor)
        self.sample_rate = self.extractor.sampling_rate
        self.encoder = encoder(self.config)
        self.initialised_from = None
        put_right(self.encoder)

    @property
    def n_layers(self):
        """Layers in the features (int)."""
        if self.layers == "last":
            return 1
        # Whisper's configuration counts its decoder's layers too.
        depth = getattr(self.config, "encoder_layers", None) or self.config.num_hidden_layers
        return 1 + depth

    @property
    def shape(self):
        """Shape of one clip's features; of the frames only where there is always one."""
        states = (self.n_layers, self.config.hidden_size)
        return (*states, 1) if self.pooled else states

    @property
    def frozen(self):
        """Whether no weight of the encoder is to be trained (bool)."""
        return not any(parameter.requires_grad for parameter in self.parameters())

    def train(self, mode=True):
        """Training mode, for the parts with weights to train only: frozen ones drop nothing."""
        super().train(mode)
        for module in self.encoder.modules():
            weights = list(module.parameters())
            if weights and not any(weight.requires_grad for weight in weights):
                module.train(False)
        return self

    def forward(self, waveforms, lengths):
        """Hidden states of a padded batch.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``, float32 samples in [-1, 1].
        lengths : Tensor
            ``(batch,)``, samples before the padding.

        Returns
        -------
        features : Tensor
            ``(batch, layers, width, frames)``, zero behind a clip's end.
        lengths : Tensor
            ``(batch,)``, frames.
        """
        with torch.no_grad() if self.frozen else contextlib.nullcontext():
            inputs, mask, frames = self._inputs(waveforms, lengths.clamp(min=1))
            every = self.layers == "all"
            output = self.encoder(inputs, attention_mask=mask, output_hidden_states=every)
            states = output.hidden_states if every else (output.last_hidden_state,)
            inside = within(frames, states[0].shape[1]).unsqueeze(2)
            states = [state * inside for state in states]
            if self.pooled:
                count = frames.view(-1, 1, 1)
                whole = {"dim": 1, "keepdim": True, "dtype": torch.float32}
                states = [state.sum(**whole) / count for state in states]
                frames = torch.ones_like(frames)
            longest = int(frames.max())
            features = torch.stack([state[:, :longest].float() for state in states], dim=1)
        return features.transpose(2, 3), frames

    def _inputs(self, waveforms, lengths):
        """What the encoder reads, its attention mask, and the frames of each clip."""
        if self.family == "whisper":
            return self._spectra(waveforms, lengths, padding="max_length")
        if self.family == "wav2vec2-bert":
            return self._spectra(waveforms, lengths, padding="longest")
        return self._samples(waveforms, lengths)

    def _samples(self, waveforms, lengths):
        least = shortest(self.config)
        if waveforms.shape[1] < least:
            waveforms = nn.functional.pad(waveforms, (0, least - waveforms.shape[1]))
        mask = within(lengths, waveforms.shape[1])
        if self.extractor.do_normalize:
            count = lengths.unsqueeze(1)
            mean = (waveforms * mask).sum(dim=1, keepdim=True) / count
            centred = (waveforms - mean) * mask
            variance = centred.square().sum(dim=1, keepdim=True) / count
            waveforms = centred / torch.sqrt(variance + 1e-7)
        lengths = lengths.clamp(min=least)
        frames = self._announce(lengths)
        return waveforms * mask, within(lengths, waveforms.shape[1]).long(), frames

    def _announce(self, lengths):
        """Frames of each clip behind the convolutions; the corrected parts are told of them."""
        frames, after = lengths, []
        for kernel, stride in zip(self.config.conv_kernel, self.config.conv_stride, strict=True):
            frames = torch.div(frames - kernel, stride, rounding_mode="floor") + 1
            after.append(frames)
        announce(self.encoder, after[0], frames)
        return frames

    def _spectra(self, waveforms, lengths, padding):
        # On the CPU, as the encoder was trained; frozen encoders do it once.
        least = shortest(self.config)
        pairs = zip(waveforms.float().cpu(), lengths.tolist(), strict=True)
        clips = [clip[:length] for clip, length in pairs]
        clips = [nn.functional.pad(clip, (0, max(0, least - len(clip)))).numpy() for clip in clips]
        # Whisper's spectra are PyTorch's all the same: half precision would spoil them.
        with torch.autocast("cpu", enabled=False):
            made = self.extractor(
                clips,
                sampling_rate=self.sample_rate,
                padding=padding,
                return_attention_mask=True,
                return_tensors="pt",
            )
        inputs = made["input_features"].to(waveforms.device)
        if self.family == "whisper":
            most = self.config.max_source_positions
            frames = torch.div(
                lengths + _WHISPER_STRIDE - 1, _WHISPER_STRIDE, rounding_mode="floor"
            )
            return inputs, None, frames.clamp(max=most)
        mask = made["attention_mask"].to(waveforms.device)
        return inputs, mask, mask.sum(dim=1)
