"""One study for each table or figure; each writes into ``figures/``."""
