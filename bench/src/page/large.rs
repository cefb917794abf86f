//! Messages of 5 MB in the tail: as they come, and while one of them is read to its end in every form.

use std::time::Duration;

use serde::Serialize;

use super::relay::{Rate, Relay, until};
use super::{Args, FRAME_HEAD, WINDOW_SIZE, frame_cells, print_table};
use crate::browser::Browser;
use crate::frames::{self, Seen};

const SIZE_BYTES: u64 = 5_000_000;
/// Messages of one run, one a second.
const MESSAGES: u64 = 5;
const CHANNEL: &str = "/topic/bench";
const CHANNEL_URL: &str = "#/queues/%2Ftopic%2Fbench";
const SUBSCRIBED: &str = "document.querySelector('.accounts')?.innerText.includes('received') \
    && !document.querySelector('.accounts').innerText.includes('not subscribed')";
/// A form of the payload, to its last line.
const TO_THE_END: &str = "(() => {
  const list = document.querySelector('.payload');
  if (list) list.scrollTop = list.scrollHeight;
})()";

#[derive(Debug, Serialize)]
pub(super) struct Run {
    coming: (Seen, f64),
    read: (Seen, f64),
    scrolled: (Seen, f64),
}

/// Measures it and prints its table.
pub(super) fn run(args: &Args) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        runs.push(measure(args)?);
    }
    let row = |name: &str, part: fn(&Run) -> &(Seen, f64)| {
        let frames: Vec<_> = runs.iter().map(|run| part(run).clone()).collect();
        [vec![name.to_owned()], frame_cells(&frames)].concat()
    };
    print_table(
        &[&["5 MB"][..], &FRAME_HEAD].concat(),
        &[
            row("five of them come", |run| &run.coming),
            row("one is chosen and fetched whole", |run| &run.read),
            row("text, hex, base64 and JSON of it to the end", |run| &run.scrolled),
        ],
    );
    Ok(runs)
}

fn measure(args: &Args) -> anyhow::Result<Run> {
    let relay = Relay::start(&args.signalbox)?;
    let mut browser = Browser::start(&args.chromium, WINDOW_SIZE)?;
    let tab = browser.open(&format!("http://{}/{CHANNEL_URL}", relay.http), SUBSCRIBED)?;
    std::thread::sleep(Duration::from_secs(1));
    let coming = frames::during(&mut browser, &tab, |browser, tab| {
        let rate = Rate { channels: 1, per_sec: 1, count: MESSAGES, size: SIZE_BYTES, is_json: true };
        relay.publish(CHANNEL, rate)?.end()?;
        let shown = format!("document.querySelectorAll('.tail-row').length >= {MESSAGES}");
        until(browser, tab, &shown)
    })?;
    let read = frames::during(&mut browser, &tab, |browser, tab| {
        browser.evaluate(tab, "document.querySelector('.tail-row').click()")?;
        until(browser, tab, "!!document.querySelector('.rest button')")?;
        browser.evaluate(tab, "document.querySelector('.rest button').click()")?;
        until(browser, tab, "!document.querySelector('.rest')")
    })?;
    let scrolled = frames::during(&mut browser, &tab, |browser, tab| {
        for form in ["Text", "Hex", "Base64", "JSON"] {
            let choose = format!(
                "[...document.querySelectorAll('.forms button')].find((b) => b.innerText === '{form}').click()"
            );
            browser.evaluate(tab, &choose)?;
            for _ in 0..10 {
                browser.evaluate(tab, TO_THE_END)?;
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    })?;
    Ok(Run { coming, read, scrolled })
}
