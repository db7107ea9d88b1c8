"""The fixes for connections that leak."""
