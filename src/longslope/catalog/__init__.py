"""The family: models, versions, lineage, endpoints, prices and weights."""
