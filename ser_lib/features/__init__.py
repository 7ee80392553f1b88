"""Station 4: front ends, from waveforms and lengths to features and lengths."""
