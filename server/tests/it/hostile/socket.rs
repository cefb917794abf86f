//! Attacks on the socket listener.
