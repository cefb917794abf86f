//! Chromium and its driver, for the tests that look at the page as a person does.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{debian, process};

/// The programs that a browser test needs.
pub(crate) struct Browser {
    /// Speaks WebDriver (W3C) to the browser.
    pub(crate) driver: PathBuf,
    /// The browser itself.
    pub(crate) chromium: PathBuf,
}

/// Finds both, or installs both.
pub(crate) fn ensure() -> Result<Browser> {
    match find() {
        Some(browser) => Ok(browser),
        None => {
            debian::install(&["chromium", "chromium-driver"], "the page is tested in a real browser")?;
            find().context(
                "chromium and chromium-driver were installed, but the PATH does not hold their programs",
            )
        }
    }
}

fn find() -> Option<Browser> {
    Some(Browser {
        driver: process::find(&["chromedriver"])?,
        chromium: process::find(&["chromium", "chromium-browser", "google-chrome"])?,
    })
}
