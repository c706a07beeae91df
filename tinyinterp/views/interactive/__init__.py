"""The figures of :mod:`tinyinterp.views` with plotly: to zoom and to hover over."""
