"""Beside the way of a clip: what its words alone tell, from transcript to class probabilities.

``normalise`` cleans a transcript, which the corpora read; ``tfidf`` is the model, and
``python -m ser_lib.text`` trains it under the ledgers that the audio systems use, so that the two
can be compared and fused clip by clip.
"""
