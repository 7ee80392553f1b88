"""Bytes of strangers against everything that reads them: ``python -m fuzz TARGET --seconds N``.

A target gives an answer of finite numbers or raises one of our errors (SerError), whatever the
bytes; any other exception, a hang or a crash is a finding. With atheris installed, inputs are
grown by the coverage of ``ser_lib``; without it, or with ``--count``, they are seeded mutations of
sound examples, the same on every machine.
"""
