//! What the browser offers to any page: what it remembers, what it copies, how it looks, what time it is there.

pub mod clipboard;
pub mod clock;
pub mod storage;
pub mod theme;
