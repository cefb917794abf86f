//! Attacks on the http listener.
