"""The network: rings and NAPI, and the stack above them up to a socket."""
