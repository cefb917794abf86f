//! Attacks on the broker listener.
