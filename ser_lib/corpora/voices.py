"""Speech-like voices by rule: a glottal source through moving formants. No human speech.

The classical source-filter model: pulses of air (Rosenberg's polynomial glottal pulse, 1971) with
jitter and shimmer, breath noise and consonant noise, shaped by eight resonators in cascade whose
frequencies follow the phones of a RAVDESS sentence (vowel formants near those that Peterson and
Barney measured, 1952; cascade after Klatt, 1980). The emotions move pitch, its range and contour,
rate, loudness, spectral tilt, breath, formants and roughness in the directions that Juslin and
Laukka (2003) tabulate for actors. Speakers differ in pitch, vocal-tract length and in how and how
strongly they express each emotion, so the emotions overlap between speakers.

Everything random comes from a generator seeded by a name: the same call gives the same samples.
"""

import dataclasses
import hashlib

import numpy as np

# Its rooms load when they are entered: a reader of a real corpus enters none.
import scipy

SAMPLE_RATE = 48_000
_HOP = 240  # samples between two settings of the vocal tract: 5 ms
# Only the first three formants move; the others keep the band up to 8 kHz alive. Hz.
_UPPER_FORMANTS = (3500.0, 4600.0, 5600.0, 6600.0, 7600.0)
_BANDWIDTHS = np.array([70.0, 100.0, 140.0, 220.0, 300.0, 400.0, 450.0, 500.0])
_NOISE_BANDS = {"k": (1500, 3200), "t": (3200, 7500), "s": (4500, 11_000)}  # Hz


@dataclasses.dataclass(frozen=True)
class Style:
    """How a way of speaking departs from the speaker's neutral voice.

    pitch, range (spread of the accents) and final (movement on the last word) in semitones, rate
    in log units (positive is faster), level in dB, tilt in octaves of the source's cut-off
    (positive is brighter), breath in dB, formants in log units, rough (jitter) and tremor in
    semitones.
    """

    pitch: float = 0.0
    range: float = 0.0
    final: float = 0.0
    rate: float = 0.0
    level: float = 0.0
    tilt: float = 0.0
    breath: float = 0.0
    formants: float = 0.0
    rough: float = 0.0
    tremor: float = 0.0


#: Normal intensity; strong moves 1.6 times as far.
STYLES = {
    "neutral": Style(),
    "calm": Style(-0.6, -0.6, -0.5, -0.14, -2.5, -0.35, 3.0, 0.0, 0.0, 0.0),
    "happy": Style(3.6, 1.8, 1.5, 0.05, 4.0, 0.45, 0.0, 0.035, 0.0, 0.0),
    "sad": Style(0.8, -0.4, -1.8, -0.20, -4.0, -0.65, 6.0, -0.015, 0.10, 0.15),
    "angry": Style(3.4, 1.6, -2.5, 0.03, 8.0, 0.9, -3.0, 0.015, 0.25, 0.0),
    "fearful": Style(5.2, 0.6, 1.0, 0.14, 3.5, 0.25, 4.0, 0.01, 0.15, 0.35),
    "disgust": Style(-0.8, 0.9, -3.0, -0.18, 1.0, 0.1, 1.0, -0.04, 0.30, 0.0),
    "surprised": Style(4.6, 2.8, 5.0, 0.0, 2.5, 0.2, 2.0, 0.0, 0.0, 0.0),
}
# How far one clip, and one speaker's idea of an emotion, strays (standard deviations).
_CLIP_SPREAD = Style(0.9, 0.5, 1.0, 0.06, 1.5, 0.2, 1.5, 0.012, 0.05, 0.05)
_SPEAKER_SPREAD = Style(1.2, 0.6, 1.4, 0.07, 1.8, 0.25, 2.0, 0.015, 0.08, 0.08)
_STRONG = 1.6

# Phone: first three formants of a man in Hz, seconds, voicing and noise amplitude, noise band.
_PHONES = {
    "IH": (400, 1900, 2550, 0.085, 1.0, 0.0, "k"),
    "AA": (720, 1100, 2450, 0.095, 1.0, 0.0, "k"),
    "AO": (590, 880, 2450, 0.145, 1.0, 0.0, "k"),
    "AH": (600, 1200, 2480, 0.055, 0.8, 0.0, "k"),
    "I": (350, 2050, 2700, 0.075, 0.9, 0.0, "k"),
    "R": (420, 1250, 1650, 0.065, 0.7, 0.0, "k"),
    "NG": (280, 1900, 2600, 0.075, 0.35, 0.0, "k"),
    "DH": (300, 1400, 2550, 0.040, 0.35, 0.10, "t"),
    "Z": (300, 1600, 2550, 0.080, 0.25, 0.25, "s"),
    "S": (300, 1600, 2550, 0.115, 0.0, 0.45, "s"),
    "b": (220, 900, 2300, 0.060, 0.12, 0.0, "k"),
    "d": (250, 1700, 2600, 0.050, 0.12, 0.0, "k"),
    "g": (250, 1900, 2300, 0.055, 0.10, 0.0, "k"),
    "k": (300, 1900, 2300, 0.065, 0.0, 0.0, "k"),
    "t": (300, 1700, 2600, 0.060, 0.0, 0.0, "k"),
    "K": (350, 1900, 2400, 0.040, 0.0, 0.60, "k"),
    "G": (300, 1900, 2300, 0.015, 0.3, 0.30, "k"),
    "T": (350, 1700, 2600, 0.035, 0.0, 0.50, "t"),
    "D": (300, 1700, 2600, 0.015, 0.3, 0.30, "t"),
    "B": (300, 1000, 2300, 0.012, 0.5, 0.10, "k"),
    "_": (500, 1500, 2500, 0.020, 0.0, 0.0, "k"),
}
# An apostrophe follows a phone that carries an accent.
_END = "b B AA I _ DH AH _ d D AO ' R"
_STATEMENTS = {
    "1": "k K IH ' d D Z _ AA R _ t T AO ' k K IH NG _ " + _END,
    "2": "d D AO ' g G Z _ AA R _ S IH ' t T IH NG _ " + _END,
}


def voice(emotion, speaker=1, intensity="normal", statement="1", seconds=None, take=1):
    """One synthetic utterance.

    Arguments
    ---------
    emotion : str
        One of :data:`STYLES`.
    speaker : int
        Odd speakers have men's voices, even speakers women's.
    intensity : str
        ``normal`` or ``strong``.
    statement : str
        ``1`` (Kids are talking by the door) or ``2`` (Dogs are sitting by the door).
    seconds : float, optional
        Wanted length in s: the clip is cut to a window that holds the beginning of speech, or
        lengthened with room noise. By default 2.5 to 4.5 s, as the voice speaks.
    take : int
        Other takes of the same utterance differ as repetitions do.

    Returns
    -------
    waveform : np.ndarray
        float32, shape (samples,), full scale 1.0.
    sample_rate : int
        48000 (Hz).

    Raises
    ------
    ValueError
        If there is no such emotion, intensity or statement, or seconds is not positive.
    """
    for given, known in ((emotion, STYLES), (intensity, ("normal", "strong"))):
        if given not in known:
            raise ValueError(f"{given!r} is none of {', '.join(known)}")
    if str(statement) not in _STATEMENTS or (seconds is not None and seconds <= 0):
        raise ValueError(f"no statement {statement!r}, or {seconds!r} s is no length")
    rng = _generator("clip", int(speaker), emotion, intensity, str(statement), int(take))
    person = _Speaker(int(speaker))
    style = person.style(emotion, intensity, rng)
    speech = _speech(person, style, str(statement), rng)
    lead, tail = rng.uniform(0.45, 0.65), rng.uniform(0.5, 0.9)
    length = np.clip(lead + tail + len(speech) / SAMPLE_RATE, 2.5, 4.5)
    onset = round(lead * SAMPLE_RATE)
    samples = round(length * SAMPLE_RATE)
    if seconds is not None:
        samples = round(seconds * SAMPLE_RATE)
        # The sentence begins with a stop, which is silent; a very short window skips it.
        onset = int(np.clip((samples - len(speech)) // 2, -0.15 * SAMPLE_RATE, onset))
    waveform = rng.standard_normal(samples) * 10 ** (-88 / 20)
    spoken = speech[max(0, -onset) : samples - onset]
    waveform[max(0, onset) : max(0, onset) + len(spoken)] += spoken
    return waveform.astype(np.float32), SAMPLE_RATE


class _Speaker:
    """Pitch, vocal-tract length and habits of one voice, the same in every clip."""

    def __init__(self, number):
        rng = _generator("speaker", number)
        self.number = number
        man = number % 2 == 1
        self.pitch = rng.uniform(100, 140) if man else rng.uniform(180, 235)  # Hz
        self.formants = (1.0 if man else 1.16) * np.exp(rng.normal(0, 0.03))
        self.rate = rng.normal(0, 0.07)
        self.level = -42 + rng.normal(0, 1.5)  # dB re full scale
        self.cutoff = 1100 * 2 ** rng.normal(0, 0.3)  # Hz
        self.breath = -30 + rng.normal(0, 2)  # dB re voicing
        self.expressive = rng.uniform(0.7, 1.25)

    def style(self, emotion, intensity, rng):
        """The departure from neutral in one clip; values as in :class:`Style`."""
        habit = _generator("habit", self.number, emotion)
        strength = self.expressive * (_STRONG if intensity == "strong" else 1.0)
        values = {}
        for field in dataclasses.fields(Style):
            usual = getattr(STYLES[emotion], field.name)
            mine = habit.normal(0, getattr(_SPEAKER_SPREAD, field.name))
            today = rng.normal(0, getattr(_CLIP_SPREAD, field.name))
            values[field.name] = strength * usual + mine + today
        return Style(**values)


def _speech(person, style, statement, rng):
    """Waveform (samples,) of a sentence without the silence around it, at its final level."""
    phones, accents = _plan(statement)
    table = np.array([_PHONES[phone][:6] for phone in phones])
    rate = np.clip(person.rate + style.rate, -0.42, 0.42)
    lengths = table[:, 3] * np.exp(rng.normal(0, 0.08, len(phones)) - rate)
    lengths[accents] *= 1.15
    lengths[-2:] *= 1.3  # speech slows down before it stops
    frames = np.maximum(1, np.rint(1.15 * lengths * SAMPLE_RATE / _HOP)).astype(int)
    track = np.repeat(np.arange(len(phones)), frames)
    accent = np.isin(track, accents).astype(float)

    pitch = _pitch(person, style, accent, rng)
    scale = person.formants * np.exp(style.formants)
    formants = scipy.ndimage.gaussian_filter1d(table[track, :3], 5, axis=0, mode="nearest")
    formants = np.hstack([formants, np.tile(_UPPER_FORMANTS, (len(track), 1))]) * scale
    # A raised voice opens the jaw: louder styles have a higher first formant.
    formants[:, 0] *= np.exp(0.012 * np.clip(style.level, -6, 14))
    voicing = scipy.ndimage.gaussian_filter1d(table[track, 4], 2) * (
        0.8 + 0.4 * scipy.ndimage.gaussian_filter1d(accent, 6)
    )

    source = _source(person, style, _upsample(pitch), rng) * _upsample(voicing)
    out = _vocal_tract(source, formants)
    out /= np.sqrt(np.mean(out**2))
    out += _consonants(phones, table, track, len(out), rng)
    level = person.level + style.level + rng.normal(0, 0.5)
    out *= 10 ** (level / 20) / np.sqrt(np.mean(out**2))
    fade = round(0.01 * SAMPLE_RATE)
    out[-fade:] *= np.linspace(1, 0, fade)
    return out * min(1.0, 0.95 / np.abs(out).max())


def _plan(statement):
    """Phones of a sentence (list of str) and the positions of the accented ones."""
    phones, accents = [], []
    for token in _STATEMENTS[statement].split():
        if token == "'":
            accents.append(len(phones) - 1)
        else:
            phones.append(token)
    return phones, accents


def _pitch(person, style, accent, rng):
    """Pitch in Hz, one value a frame: declination, accents, a final movement, tremor."""
    when = np.linspace(0, 1, len(accent))
    spread = max(0.5, 1.8 + style.range)
    semitones = style.pitch - spread * when
    semitones += 1.5 * spread * scipy.ndimage.gaussian_filter1d(accent, 12)
    semitones += (style.final - 1.0) * np.clip((when - 0.8) / 0.2, 0, 1)
    drift = scipy.ndimage.gaussian_filter1d(rng.standard_normal(len(when)), 15)
    semitones += 1.2 * drift / (np.abs(drift).max() + 1e-9) * (0.2 + 0.1 * spread)
    seconds = np.arange(len(when)) * _HOP / SAMPLE_RATE
    wobble = np.sin(2 * np.pi * (rng.uniform(5, 7) * seconds + rng.uniform()))
    semitones += max(0.0, style.tremor) * wobble
    return np.clip(person.pitch * 2 ** (semitones / 12), 60, 650)


def _source(person, style, pitch, rng):
    """Glottal flow derivative with jitter, shimmer, tilt and breath, unit level; (samples,)."""
    cycles = np.cumsum(pitch / SAMPLE_RATE)
    count = int(cycles[-1]) + 2
    rough = 0.12 + max(0.0, style.rough)
    jitter = 2 ** (rng.normal(0, rough, count) / 12)
    shimmer = 10 ** (rng.normal(0, 0.4 + 2 * max(0.0, style.rough), count) / 20)
    phase = np.cumsum(pitch * jitter[cycles.astype(int)] / SAMPLE_RATE)
    cycle = np.minimum(phase.astype(int), count - 1)
    phase -= np.floor(phase)
    opening = float(np.clip(0.6 - 0.12 * style.tilt, 0.35, 0.75))
    inside = np.clip(phase / opening, 0, 1)
    flow = inside**2 * (1 - inside)  # rises slowly, shuts abruptly
    pulses = np.diff(flow, prepend=0.0) * shimmer[cycle] / pitch
    decay = np.exp(-2 * np.pi * np.clip(person.cutoff * 2**style.tilt, 250, 8000) / SAMPLE_RATE)
    pulses = scipy.signal.lfilter([1 - decay], [1, -decay], pulses)
    pulses /= np.sqrt(np.mean(pulses**2))
    breath = 10 ** (np.clip(person.breath + 1.3 * style.breath, -45, -8) / 20)
    air = rng.standard_normal(len(pulses)) * (0.3 + 4.0 * flow)
    return pulses + breath * air


def _vocal_tract(source, formants):
    """Filter (samples,) by eight resonators in cascade, set anew every 5 ms; formants in Hz."""
    radius = np.exp(-np.pi * _BANDWIDTHS / SAMPLE_RATE)
    middle = 2 * radius * np.cos(2 * np.pi * formants / SAMPLE_RATE)
    sections = np.zeros((*formants.shape, 6))
    sections[..., 0] = 1 - middle + radius**2  # gain 1 at 0 Hz
    sections[..., 3] = 1
    sections[..., 4] = -middle
    sections[..., 5] = radius**2
    out, state = np.empty_like(source), np.zeros((formants.shape[1], 2))
    for frame, section in enumerate(sections):
        part = slice(frame * _HOP, (frame + 1) * _HOP)
        out[part], state = scipy.signal.sosfilt(section, source[part], zi=state)
    return out


def _consonants(phones, table, track, samples, rng):
    """Noise of bursts and fricatives (samples,), relative to voiced speech at level 1."""
    out = np.zeros(samples)
    bands = np.array([_PHONES[phone][6] for phone in phones])
    for band, edges in _NOISE_BANDS.items():
        amount = _upsample(
            scipy.ndimage.gaussian_filter1d(table[track, 5] * (bands[track] == band), 0.8)
        )
        shape = scipy.signal.butter(2, edges, "bandpass", fs=SAMPLE_RATE, output="sos")
        out += amount * scipy.signal.sosfilt(shape, rng.standard_normal(samples))
    return out


def _upsample(track):
    """A track with one value a frame as one value a sample."""
    centres = (np.arange(len(track)) + 0.5) * _HOP
    return np.interp(np.arange(len(track) * _HOP), centres, track)


def _generator(*name):
    """Random generator that depends on the name alone, not on the process or its hash seed."""
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
