"""What `longslope doctor` looks at: one file per part of a machine or a home."""
