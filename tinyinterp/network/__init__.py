"""The models: a decoder that one can read in ten minutes, a compressor, generation."""
