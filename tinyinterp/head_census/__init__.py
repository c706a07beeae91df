"""The census of attention heads: by position, or by meaning?"""

from tinyinterp.head_census.census import HeadCensus, HeadSettings, census_heads
from tinyinterp.head_census.rows import HeadRow

__all__ = ["HeadCensus", "HeadRow", "HeadSettings", "census_heads"]
