//! What `cargo xtask bench broker` needs: the relay in release, and the brokers it is measured against.

use std::ffi::OsString;

use anyhow::Result;

use crate::{debian, run};

/// Programs that the broker is measured against, by command and by Debian's name.
const BROKERS: [(&str, &str); 2] = [("nats-server", "nats-server"), ("redis-server", "redis-server")];

/// Installs and builds; gives the flags that tell where everything is.
pub(super) fn prepare() -> Result<Vec<OsString>> {
    debian::ensure(&BROKERS, "the broker is measured against them")?;
    Ok(vec!["--signalbox".into(), run::release_binary()?.into()])
}
