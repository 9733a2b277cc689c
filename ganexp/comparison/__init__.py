"""From runs to a verdict: what was measured of them, ranked, as tables and as a page."""
