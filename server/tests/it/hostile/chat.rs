//! Attacks on the chat listener.
