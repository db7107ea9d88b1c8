"""The linked whole: what rules about several documents look at."""
