"""longslope's own API, `/platform/v1`: one module per thing it manages."""
