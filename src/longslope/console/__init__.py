"""The console: the platform in a browser. `longslope.console.pages.console_routes` gives its routes."""
