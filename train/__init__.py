"""Training: ``tinyinterp train prepare`` and ``tinyinterp train run RECIPE``.

    data/ (stories to batches) ──► training/ (recipe, loss, step, loop) ──► reports/ (plots, tables)

Imports :mod:`tinyinterp`; never the other way round. Imports in here are relative, since the
package has two names: ``train`` in a checkout (``python -m train``, ``torchrun -m train``), and
``tinyinterp.train`` in a wheel and behind the command ``tinyinterp train``.
"""
