//! `cargo xtask test`: every check that CI makes, cheapest first; it stops at the first that fails.

mod same_page;
mod steps;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::progress;

/// One check. Each makes sure of what it needs, so that it can be run alone.
pub(crate) struct Step {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it shows when it passes.
    pub(crate) what: &'static str,
    /// Does it.
    pub(crate) check: fn() -> Result<Outcome>,
}

/// How a check went that did not fail.
pub(crate) enum Outcome {
    /// It holds.
    Passed,
    /// It could not be made here, and why.
    NotRun(String),
}

/// Runs every check, or the named ones.
pub(crate) fn run(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--list") {
        for step in steps::ALL {
            println!("{:<12} {}", step.name, step.what);
        }
        return Ok(());
    }
    let chosen = choose(args)?;
    let mut done: Vec<(&str, Outcome, Duration)> = Vec::new();
    for step in chosen {
        println!();
        progress::say(&format!("test {}: {}", step.name, step.what));
        let started = Instant::now();
        match (step.check)() {
            Ok(outcome) => done.push((step.name, outcome, started.elapsed())),
            Err(error) => {
                print_summary(&done);
                println!("  {:<12} FAILED   {:>7.1} s", step.name, started.elapsed().as_secs_f64());
                return Err(error).with_context(|| {
                    format!("step {0} failed; only this again: cargo xtask test {0}", step.name)
                });
            }
        }
    }
    print_summary(&done);
    Ok(())
}

fn choose(names: &[String]) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(steps::ALL.iter().collect());
    }
    let find = |name: &String| match steps::ALL.iter().find(|step| step.name == name) {
        Some(step) => Ok(step),
        None => {
            let known: Vec<_> = steps::ALL.iter().map(|step| step.name).collect();
            bail!("there is no step {name:?}; there are: {}", known.join(", "))
        }
    };
    names.iter().map(find).collect()
}

fn print_summary(done: &[(&str, Outcome, Duration)]) {
    println!();
    progress::say("Summary");
    for (name, outcome, elapsed) in done {
        let seconds = elapsed.as_secs_f64();
        match outcome {
            Outcome::Passed => println!("  {name:<12} passed   {seconds:>7.1} s"),
            Outcome::NotRun(why) => println!("  {name:<12} NOT RUN  {seconds:>7.1} s  {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name_in_the_order_given() {
        let names = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            choose(&args).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["tidy", "format"]).unwrap(), ["tidy", "format"]);
        assert_eq!(names(&[]).unwrap().len(), steps::ALL.len());
        assert!(names(&["clipy"]).unwrap_err().to_string().contains("clippy"));
    }
}
