"""Measures judge a result, higher is better; statistics say how sure one may be of them."""
