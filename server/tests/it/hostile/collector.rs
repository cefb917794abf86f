//! Attacks on the collector listener.
