"""The census of attention heads: positional or semantic?"""

from tinyinterp.head_census.census import HeadCensus, census_heads
from tinyinterp.head_census.rows import HeadRow
from tinyinterp.head_census.settings import HeadSettings

__all__ = ["HeadCensus", "HeadRow", "HeadSettings", "census_heads"]
