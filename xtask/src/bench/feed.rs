//! What `cargo xtask bench feed` and `bench collector` need: the relay in release; for the feed also nginx with nchan,
//! and a Python with aiohttp-sse.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;

use crate::{debian, python, run, workspace};

/// Where Debian's package puts it.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// For the feed.
pub(super) fn prepare() -> Result<Vec<OsString>> {
    debian::ensure(&[("nginx", "nginx")], "the feed is measured against it")?;
    if !Path::new(NCHAN).exists() {
        debian::install(&["libnginx-mod-nchan"], "the feed is measured against it")?;
    }
    let python = python::AIOHTTP_SSE.ensure()?;
    let mut flags = prepare_collector()?;
    flags.extend(["--python".into(), python.into(), "--aiohttp-server".into()]);
    flags.push(workspace::root()?.join("bench/peers/feed_aiohttp.py").into());
    Ok(flags)
}

/// For the collector.
pub(super) fn prepare_collector() -> Result<Vec<OsString>> {
    Ok(vec!["--signalbox".into(), run::release_binary()?.into()])
}
