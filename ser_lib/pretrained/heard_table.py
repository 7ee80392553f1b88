"""Corpora of speech that published encoders were trained on, as papers and model cards tell.

One entry an id of the Hub: the corpora of its pre-training and fine-tuning together, and where that
is told. None for the corpora is not told; ``()`` is no speech. None for the source is the model
card. An encoder of which nobody tells plainly is left out, and counts as not known.
"""

_LIBRISPEECH = ("LibriSpeech",)
_LIGHT = ("Libri-Light",)
_BOTH = (*_LIGHT, *_LIBRISPEECH)
_MIXED = (*_LIGHT, "GigaSpeech", "VoxPopuli")
_ROBUST = (*_LIGHT, "Common Voice", "Switchboard", "Fisher")
_XLSR = ("Multilingual LibriSpeech", "Common Voice", "BABEL")
_XLS_R = (*_XLSR, "VoxPopuli", "VoxLingua107")
_EMOTION2VEC = (*_LIBRISPEECH, "IEMOCAP", "MELD", "CMU-MOSEI", "MEAD", "MSP-Podcast")
_EMOBOX = ("RAVDESS", "EMO-DB", "SAVEE", "CREMA-D", "TESS", "other corpora of EmoBox")

_WAV2VEC2 = "https://arxiv.org/abs/2006.11477"
_ROBUST_PAPER = "https://arxiv.org/abs/2104.01027"
_XLS_R_PAPER = "https://arxiv.org/abs/2111.09296"
_HUBERT = "https://arxiv.org/abs/2106.07447"
_DATA2VEC = "https://arxiv.org/abs/2202.03555"
_WAVLM = "https://arxiv.org/abs/2110.13900"
_UNISPEECH_SAT = "https://arxiv.org/abs/2110.05752"
_RESNET = "images of ImageNet: https://arxiv.org/abs/1512.03385"
_EMOTION2VEC_PLUS = "https://github.com/ddlBoJack/emotion2vec"
_SEED = (
    "which corpora of EmoBox and which of their clips is not told, so all count: "
    "https://github.com/ddlBoJack/emotion2vec/issues/46"
)
_LABELLED_BY_SEED = (
    "recordings that are not listed, labelled by emotion2vec+ seed, which was trained on corpora "
    f"of EmoBox: {_EMOTION2VEC_PLUS}"
)

KNOWN = {
    "facebook/wav2vec2-base": (_LIBRISPEECH, _WAV2VEC2),
    "facebook/wav2vec2-base-960h": (_LIBRISPEECH, _WAV2VEC2),
    "facebook/wav2vec2-large": (_LIBRISPEECH, _WAV2VEC2),
    "facebook/wav2vec2-large-960h": (_LIBRISPEECH, _WAV2VEC2),
    "facebook/wav2vec2-large-lv60": (_LIGHT, _WAV2VEC2),
    "facebook/wav2vec2-large-960h-lv60": (_BOTH, _WAV2VEC2),
    "facebook/wav2vec2-large-960h-lv60-self": (_BOTH, _WAV2VEC2),
    "facebook/wav2vec2-large-robust": (_ROBUST, _ROBUST_PAPER),
    "facebook/wav2vec2-large-robust-ft-swbd-300h": (_ROBUST, _ROBUST_PAPER),
    "facebook/wav2vec2-large-robust-ft-libri-960h": ((*_ROBUST, *_LIBRISPEECH), _ROBUST_PAPER),
    "facebook/wav2vec2-large-xlsr-53": (_XLSR, "https://arxiv.org/abs/2006.13979"),
    "facebook/wav2vec2-xls-r-300m": (_XLS_R, _XLS_R_PAPER),
    "facebook/wav2vec2-xls-r-1b": (_XLS_R, _XLS_R_PAPER),
    "facebook/wav2vec2-xls-r-2b": (_XLS_R, _XLS_R_PAPER),
    "facebook/hubert-base-ls960": (_LIBRISPEECH, _HUBERT),
    "facebook/hubert-large-ll60k": (_LIGHT, _HUBERT),
    "facebook/hubert-large-ls960-ft": (_BOTH, _HUBERT),
    "facebook/hubert-xlarge-ll60k": (_LIGHT, _HUBERT),
    "facebook/hubert-xlarge-ls960-ft": (_BOTH, _HUBERT),
    "facebook/data2vec-audio-base": (_LIBRISPEECH, _DATA2VEC),
    "facebook/data2vec-audio-base-960h": (_LIBRISPEECH, _DATA2VEC),
    "facebook/data2vec-audio-large": (_LIGHT, _DATA2VEC),
    "facebook/data2vec-audio-large-960h": (_BOTH, _DATA2VEC),
    "facebook/w2v-bert-2.0": (
        None,
        "4.5 million hours, not listed: https://huggingface.co/facebook/w2v-bert-2.0",
    ),
    "microsoft/wavlm-base": (_LIBRISPEECH, _WAVLM),
    "microsoft/wavlm-base-plus": (_MIXED, _WAVLM),
    "microsoft/wavlm-large": (_MIXED, _WAVLM),
    "microsoft/unispeech-sat-base": (_LIBRISPEECH, _UNISPEECH_SAT),
    "microsoft/unispeech-sat-base-plus": (_MIXED, _UNISPEECH_SAT),
    "microsoft/unispeech-sat-large": (_MIXED, _UNISPEECH_SAT),
    "microsoft/resnet-18": ((), _RESNET),
    "microsoft/resnet-34": ((), _RESNET),
    "speechbrain/spkrec-ecapa-voxceleb": (("VoxCeleb1", "VoxCeleb2"), None),
    "speechbrain/emotion-recognition-wav2vec2-IEMOCAP": ((*_LIBRISPEECH, "IEMOCAP"), None),
    "superb/wav2vec2-base-superb-er": ((*_LIBRISPEECH, "IEMOCAP"), None),
    "superb/wav2vec2-large-superb-er": ((*_LIGHT, "IEMOCAP"), None),
    "superb/hubert-base-superb-er": ((*_LIBRISPEECH, "IEMOCAP"), None),
    "superb/hubert-large-superb-er": ((*_LIGHT, "IEMOCAP"), None),
    "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim": ((*_ROBUST, "MSP-Podcast"), None),
    "jonatasgrosman/wav2vec2-large-xlsr-53-english": (_XLSR, None),
    "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition": ((*_XLSR, "RAVDESS"), None),
    "r-f/wav2vec-english-speech-emotion-recognition": ((*_XLSR, "SAVEE", "RAVDESS", "TESS"), None),
    "firdhokk/speech-emotion-recognition-with-facebook-wav2vec2-large-xlsr-53": (
        (*_XLSR, "RAVDESS", "SAVEE", "TESS", "URDU"),
        None,
    ),
    "Dpngtm/wav2vec2-emotion-recognition": (
        (*_LIBRISPEECH, "RAVDESS", "TESS", "CREMA-D", "SAVEE"),
        None,
    ),
    "emotion2vec/emotion2vec_base": (_EMOTION2VEC, "https://arxiv.org/abs/2312.15185"),
    "emotion2vec/emotion2vec_plus_seed": ((*_EMOTION2VEC, *_EMOBOX), _SEED),
    "emotion2vec/emotion2vec_plus_base": (None, _LABELLED_BY_SEED),
    "emotion2vec/emotion2vec_plus_large": (None, _LABELLED_BY_SEED),
}

#: The same for all ids that begin so.
FAMILIES = {
    "openai/whisper-": (
        None,
        "680,000 hours or more of the web, not listed: https://arxiv.org/abs/2212.04356",
    ),
}
