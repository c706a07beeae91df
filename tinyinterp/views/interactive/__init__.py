"""The figures of :mod:`tinyinterp.views` once more, by plotly: to zoom and to hover over."""
