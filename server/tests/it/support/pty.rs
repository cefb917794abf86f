//! The binary in a pseudo-terminal: keys in, and what a person would see out.

use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::sync::{Arc, Mutex};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::eventually;

/// What stands for bytes that are no text. The terminal of these tests does not draw it, so that it shows another instead.
const REPLACEMENT: &str = "\u{fffd}";
const STAND_IN: &str = "\u{2370}";

/// A program of ours in a terminal; killed when dropped.
pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser<Bell>>>,
}

/// What of a terminal is heard.
#[derive(Default)]
struct Bell {
    n_rings: usize,
}

impl vt100::Callbacks for Bell {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.n_rings += 1;
    }
}

impl Pty {
    /// Starts `signalbox ARGS` in a terminal of this size.
    pub(crate) fn start(args: &[&str], columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_signalbox"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let parser = vt100::Parser::new_with_callbacks(nonzero(rows), nonzero(columns), 0, Bell::default());
        let screen = Arc::new(Mutex::new(parser));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = screen.clone();
        // Ends with the terminal.
        std::thread::spawn(move || {
            let (mut bytes, mut cut) = ([0; 4096], Vec::new());
            while let Ok(n @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&drawable(&mut cut, &bytes[..n]));
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { master: pair.master, keys, child, screen }
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Makes the terminal larger or smaller.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// What is on the screen now.
    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows `wanted`.
    pub(crate) async fn shows(&self, wanted: &str) {
        let wanted = wanted.replace(REPLACEMENT, STAND_IN);
        eventually(&format!("{wanted:?} on the screen"), async || {
            self.text().contains(&wanted).then_some(())
        })
        .await;
    }

    /// Waits until the screen no longer shows `unwanted`.
    pub(crate) async fn no_longer_shows(&self, unwanted: &str) {
        eventually(&format!("no {unwanted:?}"), async || (!self.text().contains(unwanted)).then_some(()))
            .await;
    }

    /// Waits until the bell has rung so often.
    pub(crate) async fn rings(&self, n_times: usize) {
        let n_heard = || self.screen.lock().unwrap().callbacks().n_rings;
        eventually("the bell", async || (n_times <= n_heard()).then_some(())).await;
        assert_eq!(n_heard(), n_times);
    }

    /// Sends the program a signal, as `kill` does.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.process_id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the program's end, and gives its status.
    pub(crate) async fn ended(&mut self) -> u32 {
        let child = &mut self.child;
        eventually("the program's end", async || child.try_wait().unwrap()).await.exit_code()
    }

    /// Waits until the program has given the terminal back: it may have ended before all that it wrote was drawn.
    pub(crate) async fn gives_back(&self) {
        eventually("the terminal as it was", async || self.is_given_back().then_some(())).await;
    }

    /// Whether the program has given the terminal back: the alternate screen left, its modes off.
    fn is_given_back(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        !parser.screen().alternate_screen()
            && !parser.screen().bracketed_paste()
            && !parser.screen().hide_cursor()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
    }
}

/// The bytes with [`STAND_IN`] for each [`REPLACEMENT`]; a part of one at their end waits in `cut` for the rest.
fn drawable(cut: &mut Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    cut.extend_from_slice(bytes);
    let whole = REPLACEMENT.as_bytes();
    let n_kept = (1..whole.len()).rev().find(|n| cut.ends_with(&whole[..*n])).unwrap_or(0);
    let kept = cut.split_off(cut.len() - n_kept);
    let mut drawn = std::mem::replace(cut, kept);
    while let Some(at) = drawn.windows(whole.len()).position(|window| window == whole) {
        drawn.splice(at..at + whole.len(), STAND_IN.bytes());
    }
    drawn
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(n: u16) -> NonZero<u16> {
    NonZero::new(n).expect("a terminal has rows and columns")
}
