"""Training: ``python -m train prepare`` and ``python -m train run RECIPE``.

Imports :mod:`tinyinterp`; never the other way round.
"""
