"""How large pools should be: published formulas, what they come to, and how that is divided."""
