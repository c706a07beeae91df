"""The census of attention heads: by position, or by meaning?"""

from tinyinterp.head_census.census import HeadCensus, HeadRow, HeadSettings, census_heads

__all__ = ["HeadCensus", "HeadRow", "HeadSettings", "census_heads"]
