"""The atlas: every head and neuron of a model as pages that open from disk, with no network.

censuses ──► contents ──► small data files ──► pages that load them when they are needed
"""

from __future__ import annotations

from tinyinterp.atlas.contents import Atlas
from tinyinterp.atlas.site import write_atlas

__all__ = ["Atlas", "write_atlas"]
