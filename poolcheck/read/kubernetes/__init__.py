"""From manifests to the objects in them, and what their containers run."""
