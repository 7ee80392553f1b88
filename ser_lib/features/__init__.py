"""Front ends, from waveforms and lengths to features and lengths."""
