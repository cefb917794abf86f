//! A settings file for one relay.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file that is removed when this is dropped.
pub struct SettingsFile(PathBuf);

impl SettingsFile {
    /// Writes one.
    pub fn write(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("signalbox-settings-{}-{number}.toml", std::process::id()));
        std::fs::write(&path, text).expect("a settings file");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path of ours is text")
    }
}

impl Drop for SettingsFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0); // A file that is left in a directory for temporary ones.
    }
}
