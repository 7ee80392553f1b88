"""Station 3: decode clips, batch them with their lengths, augment waveforms."""
