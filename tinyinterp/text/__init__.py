"""Text in: vocabularies, stories of any format, and the corpus, which turns them into windows."""
