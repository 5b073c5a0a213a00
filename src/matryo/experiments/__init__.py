"""Stages joined into runs, cached and resumable."""
