//! Starting other programs: their output goes straight to the terminal, and a failure names the whole command.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs it to its end with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    Running::start(command)?.finish()
}

/// A program that runs meanwhile, and ends with this one.
pub(crate) struct Running {
    shown: String,
    child: Child,
}

impl Running {
    /// Starts it with its output on the terminal.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let shown = shown(command);
        let child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        Ok(Self { shown, child })
    }

    /// Fails when it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("`{}` ended with {status}", self.shown),
        }
    }

    /// Waits until it has ended.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        if !status.success() {
            bail!("`{}` ended with {status}", self.shown);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end and gives what it printed on standard output; its errors still go to the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no text", shown(command)))
}

/// The command, to be run on what others leave of the processor.
pub(crate) fn in_background(command: &Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "10"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => nice.env(name, value),
            None => nice.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        nice.current_dir(dir);
    }
    nice
}

/// Whether it starts and ends well; whatever it prints is nobody's business.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// The first of these programs that the PATH holds.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .find_map(|name| env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_program(file)))
}

/// Whether a person could start this file.
pub(crate) fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The PATH with `dir` in front, for a command that looks for its helpers there.
pub(crate) fn path_with(dir: &Path) -> Result<std::ffi::OsString> {
    let old = env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(dir.to_owned()).chain(env::split_paths(&old));
    env::join_paths(dirs).context("a directory of the PATH holds a colon")
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let error = run(Command::new("false").arg("--really")).unwrap_err();
        assert_eq!(error.to_string(), "`false --really` ended with exit status: 1");
        let error = run(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program-anywhere`");
    }

    #[test]
    fn programs_are_found_in_order_of_preference() {
        assert!(find(&["no-such-program-anywhere"]).is_none());
        assert_eq!(find(&["no-such-program-anywhere", "sh"]), find(&["sh"]));
        assert!(find(&["sh"]).is_some());
    }
}
