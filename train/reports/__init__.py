"""What reports: loss curves, the memory table, the model card of the bundled model."""
