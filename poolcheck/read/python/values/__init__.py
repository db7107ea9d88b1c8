"""What names stand for, and what expressions are worth."""
