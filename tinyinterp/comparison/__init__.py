"""Several checkpoints in one table: loss, prompts, repetition, kinds of parts, accounts."""
