"""The website: each chapter is run with its answers filled in, and becomes a page."""
