//! A folder for a relay to keep things in.

use std::path::{Path, PathBuf};

/// The folder, removed when dropped.
pub struct DataDir(PathBuf);

impl DataDir {
    /// One of this test's own, not there yet.
    pub fn new(name: &str) -> Self {
        let name = format!("signalbox-chat-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // What an earlier run under the same number may have left.
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // A file that is left in a directory for temporary ones.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
