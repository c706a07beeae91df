"""The models themselves: a decoder to be read in ten minutes, a compressor, generation."""
