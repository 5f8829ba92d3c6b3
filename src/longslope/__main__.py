"""`python -m longslope`."""

from longslope.cli import main

main()
