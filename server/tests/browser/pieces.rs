//! The page's second piece: it comes by itself, and a page that cannot have it says so and goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::browser::Browser;
use crate::support::peers::Agent;
use crate::support::relay::Relay;
use crate::support::{eventually, page_dir};

#[tokio::test]
async fn a_view_whose_piece_is_missing_says_so_and_comes_when_it_is_there() {
    let page = PageWithoutPiece::new();
    let relay = Relay::start_program(
        env!("CARGO_BIN_EXE_signalbox").into(),
        &["--page-dir", &page.dir.display().to_string()],
    )
    .await;
    let _agent = Agent::start(&relay.ports, "blue");
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues")).await;
    browser.until_text("[role=alert] h1", "could not be fetched").await;
    browser.until_text(".pill[data-stream=socket]", "offline").await;
    // The first piece does not need it.
    browser.go("#/metrics").await;
    browser.until_text("tr[data-state=live] .agent-name", "blue").await;
    browser.go("#/queues").await;

    page.put_piece();
    let ask = "const again = Array.from(document.querySelectorAll('button'))
                   .find(button => button.innerText === 'Try again');
               again?.click();
               return !!document.querySelector('.channels')";
    eventually("the view is shown", async || (browser.run(ask, vec![]).await == true).then_some(())).await;
    browser.until_live("socket").await;
}

/// The page in a folder of its own, its second piece left out at first; removed when this is dropped.
struct PageWithoutPiece {
    dir: PathBuf,
}

impl PageWithoutPiece {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("signalbox-pieces-{}", std::process::id()));
        // A run before this one may have been killed.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("the directory for temporary files is writable");
        let page = Self { dir };
        let n_left_out = page.link(|file| !is_piece(file));
        assert!(0 < n_left_out, "the page has no second piece");
        page
    }

    fn put_piece(&self) {
        self.link(is_piece);
    }

    /// Links every file of the page that is wanted; gives how many are not.
    fn link(&self, is_wanted: impl Fn(&Path) -> bool) -> usize {
        let entries = fs::read_dir(page_dir()).expect("the page is a folder");
        let files = entries.map(|entry| entry.expect("the folder can be read").path());
        let (wanted, others): (Vec<_>, Vec<_>) = files.partition(|file| is_wanted(file));
        for file in wanted {
            let to = self.dir.join(file.file_name().expect("a file has a name"));
            let from = file.canonicalize().expect("it is there");
            symlink(from, to).expect("the folder is writable");
        }
        others.len()
    }
}

impl Drop for PageWithoutPiece {
    fn drop(&mut self) {
        // Nothing depends on it, and a drop has nobody to tell.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The second piece itself, in every form that is served.
fn is_piece(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("signalbox-frontend_rest-") && name.contains(".wasm")
}
