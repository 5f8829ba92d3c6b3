"""HTTP and WebSocket routes: decode, call one function, encode. No logic of their own."""
