"""Decode clips, batch them with their lengths, augment waveforms."""
