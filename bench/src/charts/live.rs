//! The product's own page under live load: frames, long tasks, heap and CPU while real agents send.

use super::Args;

#[derive(Debug, serde::Serialize)]
pub(super) struct Row {}

pub(super) fn run(_args: &Args) -> anyhow::Result<Vec<Row>> {
    Ok(Vec::new())
}
