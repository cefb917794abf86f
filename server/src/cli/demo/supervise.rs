//! Keeping child processes alive: started, restarted with back-off when they die, asked to end, made to end.
//!
//! Knows nothing of what they do. Of what they print on standard error only the end is kept, to say why one died.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal, System};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::tell;

/// Wait before the first restart; doubled up to [`BACKOFF_MAX`] with each further one.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// Longest wait before a restart: a person who mends something does not want to wait longer.
const BACKOFF_MAX: Duration = Duration::from_secs(15);
/// Who lived this long was well: the next wait is the shortest again.
const WELL_AFTER: Duration = Duration::from_secs(20);
/// Time to end after SIGTERM: more than a relay allows itself (`shutdown_millis`).
const GRACE: Duration = Duration::from_secs(12);
/// How much of the end of a process's standard error is kept, in bytes: its last words.
const LAST_WORDS_BYTES: usize = 512;

/// One process that takes part.
#[derive(Debug)]
pub(super) struct Part {
    /// What people call it.
    pub(super) name: String,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// What it is told on its standard input; without it, that is empty.
    pub(super) script: Option<Script>,
    /// Whether everything ends when it ends; it is not restarted then, and its output is shown.
    pub(super) is_essential: bool,
}

/// Lines for a process's standard input, told again from the start when all are told.
#[derive(Debug)]
pub(super) struct Script {
    /// Time between two lines.
    pub(super) every: Duration,
    /// The lines, without their ends.
    pub(super) lines: &'static [&'static str],
}

/// Why a part is no longer supervised.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was asked to end.
    Asked,
    /// An essential part ended by itself, as the text says.
    Essential(String),
}

impl Part {
    /// A part that is restarted and told nothing.
    pub(super) fn new(name: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { name: name.to_owned(), args, script: None, is_essential: false }
    }
}

/// Keeps `part` alive until `shutdown`, or until it ends if it is essential.
pub(super) async fn supervise(program: PathBuf, part: Part, shutdown: CancellationToken) -> Ending {
    let mut backoff = BACKOFF_MIN;
    loop {
        let started = Instant::now();
        let died = match Life::start(&program, &part) {
            Ok(life) => match life.run(&part, &shutdown).await {
                Some(died) => died,
                None => return Ending::Asked,
            },
            Err(error) => format!("cannot be started: {error}"),
        };
        if part.is_essential {
            return Ending::Essential(format!("{} {died}", part.name));
        }
        if WELL_AFTER < started.elapsed() {
            backoff = BACKOFF_MIN;
        }
        // A first failure is not worth a line: the relay may just be starting.
        if BACKOFF_MIN < backoff || WELL_AFTER < started.elapsed() {
            tell(&format!("{} {died}; again in {:.1} s", part.name, backoff.as_secs_f64()));
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ending::Asked,
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// One process from start to end.
struct Life {
    child: Child,
}

impl Life {
    fn start(program: &Path, part: &Part) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command.args(&part.args).kill_on_drop(true);
        command.stdin(if part.script.is_some() { Stdio::piped() } else { Stdio::null() });
        if !part.is_essential {
            command.stdout(Stdio::null()).stderr(Stdio::piped());
        }
        Ok(Self { child: command.spawn()? })
    }

    /// Runs it to its end; gives how it died, or nothing when it was asked to end.
    async fn run(mut self, part: &Part, shutdown: &CancellationToken) -> Option<String> {
        let (stdin, stderr) = (self.child.stdin.take(), self.child.stderr.take());
        let ending = {
            let read = last_words(stderr);
            let prompt = prompt(stdin, part.script.as_ref());
            tokio::pin!(read, prompt);
            let mut words = None;
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => break None,
                    () = &mut prompt => {}
                    said = &mut read, if words.is_none() => words = Some(said),
                    status = self.child.wait() => {
                        // What it said last may still be in the pipe.
                        let words = match words { Some(words) => words, None => read.await };
                        break Some(died(status, &words));
                    }
                }
            }
        };
        if ending.is_none() {
            self.end().await;
        }
        ending
    }

    /// Asks it to end, and makes it end when it does not.
    async fn end(mut self) {
        if let Some(id) = self.child.id() {
            terminate(id);
        }
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await; // It has just ended by itself, which is as good.
        }
    }
}

fn died(status: std::io::Result<ExitStatus>, words: &str) -> String {
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    match words.trim().lines().next_back() {
        Some(last) => format!("ended with {status}: {last}"),
        None => format!("ended with {status}"),
    }
}

/// Sends SIGTERM, through sysinfo, for the standard library can only kill. Where that fails, [`GRACE`] runs out.
fn terminate(id: u32) {
    let pid = Pid::from_u32(id);
    let Ok(mut system) = System::new() else { return };
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    if let Some(process) = system.process(pid) {
        process.kill_with(Signal::Term);
    }
}

/// Tells the script's lines for ever; ends never, for that a part no longer listens is seen by its end.
async fn prompt(stdin: Option<ChildStdin>, script: Option<&Script>) {
    if let (Some(mut stdin), Some(script)) = (stdin, script) {
        let mut due = tokio::time::interval(script.every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for line in script.lines.iter().cycle() {
            due.tick().await;
            if stdin.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                break;
            }
        }
    }
    std::future::pending::<()>().await;
}

/// Reads everything and keeps the end of it, so that a talkative process neither blocks nor costs memory.
async fn last_words(stderr: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), [0; LAST_WORDS_BYTES]);
    // An error ends the reading as the end of the stream does; the process itself is watched elsewhere.
    while let Ok(n_read @ 1..) = stderr.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n_read]);
        kept.drain(..kept.len().saturating_sub(LAST_WORDS_BYTES));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Part {
        Part::new("shell", &["-c", script])
    }

    #[tokio::test]
    async fn an_essential_part_says_how_it_died() {
        let part = Part { is_essential: true, ..shell("exit 3") };
        let ending = supervise("sh".into(), part, CancellationToken::new()).await;
        assert_eq!(ending, Ending::Essential("shell ended with exit status: 3".to_owned()));

        let part = Part { is_essential: true, ..shell("") };
        let ending = supervise("no-such-program-anywhere".into(), part, CancellationToken::new()).await;
        assert!(matches!(ending, Ending::Essential(text) if text.starts_with("shell cannot be started")));
    }

    #[tokio::test]
    async fn last_words_are_the_last_line_of_a_talkative_process() {
        let part = shell("yes chatter | head -n 100000 >&2; echo no relay there >&2; exit 1");
        let life = Life::start(Path::new("sh"), &part).unwrap();
        let died = life.run(&part, &CancellationToken::new()).await;
        assert_eq!(died.as_deref(), Some("ended with exit status: 1: no relay there"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_dies_is_started_again_until_the_end() {
        let notes = Notes::new("again");
        let part = shell(&format!("echo x >> {notes}; exit 1"));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(supervise("sh".into(), part, shutdown.clone()));
        notes.until(|text| 3 <= text.lines().count()).await;
        shutdown.cancel();
        assert_eq!(task.await.unwrap(), Ending::Asked);
    }

    #[tokio::test]
    async fn a_part_is_told_its_lines_and_asked_politely_to_end() {
        let notes = Notes::new("politely");
        let script = Script { every: Duration::from_millis(1), lines: &["hello"] };
        let told = format!(
            "trap 'echo bye > {notes}; exit 0' TERM; read line; echo $line > {notes}; while :; do :; done"
        );
        let part = Part { script: Some(script), ..shell(&told) };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(supervise("sh".into(), part, shutdown.clone()));
        notes.until(|text| text == "hello\n").await;
        shutdown.cancel();
        assert_eq!(task.await.unwrap(), Ending::Asked);
        notes.until(|text| text == "bye\n").await;
    }

    /// A file that a part writes to and a test reads, gone with the test.
    struct Notes(PathBuf);

    impl Notes {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("signalbox-demo-{}-{name}", std::process::id())))
        }

        async fn until(&self, condition: impl Fn(&str) -> bool) {
            let started = std::time::Instant::now();
            let mut look_again = tokio::time::interval(Duration::from_millis(5));
            while !std::fs::read_to_string(&self.0).is_ok_and(|text| condition(&text)) {
                look_again.tick().await;
                assert!(started.elapsed() < Duration::from_secs(30), "waited in vain for {self}");
            }
        }
    }

    impl Drop for Notes {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    impl std::fmt::Display for Notes {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.display().fmt(f)
        }
    }
}
