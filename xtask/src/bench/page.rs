//! What `cargo xtask bench page` needs: the page and the relay in release, a browser, and nats-server, whose WebSocket is
//! measured beside ours.

use std::ffi::OsString;

use anyhow::Result;

use crate::{browser, debian, run};

/// Builds and installs; gives the flags that tell where everything is.
pub(super) fn prepare() -> Result<Vec<OsString>> {
    debian::ensure(&[("nats-server", "nats-server")], "its WebSocket is measured beside ours")?;
    let browser = browser::ensure()?;
    let (_, signalbox) = run::build()?;
    Ok(vec!["--chromium".into(), browser.chromium.into(), "--signalbox".into(), signalbox.into()])
}
