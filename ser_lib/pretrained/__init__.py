"""Blocks that start from other people's weights: a folder, or a repository of the Hub.

What these functions return is a registered block like any other. Its description names the
architecture and no place, because a trained model carries its weights itself; where they came
from stays with the run, as ``initialised_from``.
"""
