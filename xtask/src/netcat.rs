//! Netcat, which the chat's protocol of lines promises to work with.

use anyhow::Result;

use crate::{debian, process};

/// Makes sure of it.
///
/// # Errors
/// Where it cannot be installed, says what to install by hand.
pub(crate) fn ensure() -> Result<()> {
    match process::find(&["nc"]) {
        Some(_) => Ok(()),
        None => debian::install(&["netcat-openbsd"], "a test chats with it"),
    }
}
