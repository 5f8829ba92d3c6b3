"""longslope: a self-hosted model platform that gets better from the people who use it."""
