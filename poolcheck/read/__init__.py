"""From text to facts: one reader a format, no judgement."""
