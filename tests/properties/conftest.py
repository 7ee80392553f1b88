"""Hypothesis without a clock and with the same seed everywhere."""

from hypothesis import HealthCheck, settings
from speechbrain.utils.importutils import LazyModule

# Hypothesis asks every module for its file; SpeechBrain's lazy ones would be imported by that, and
# fail where what they need is not installed.
LazyModule.__file__ = None

settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")
