"""A request's way: auth, privacy, resolve, admit, call, relay, meter. Only `Gateway.complete` leads in."""
