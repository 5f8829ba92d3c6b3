"""The public API's types, as msgspec structs. No logic."""
