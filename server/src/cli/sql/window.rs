//! Queries in a window of the terminal: each runs while the next one is typed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossterm::event::Event as TerminalEvent;
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use signalbox_shared::chat::neutralise;
use tokio::task::JoinSet;

use super::table::{duration, report_lines};
use crate::changes::query::{CONNECTIONS, Database, Permission, Progress, Report};
use crate::cli::terminal::{self, Action, Entry, Screen};

/// Longest query that can be typed or pasted, in bytes.
const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Most queries that run or wait at the same time.
const QUERIES_MAX: usize = 100;
/// How often the state of running queries is told.
const STATE_PERIOD: Duration = Duration::from_millis(200);
/// Most queries that the line of state names.
const NAMED_MAX: usize = 3;
const HELP: &[&str] = &[
    "Enter runs what you typed, also while earlier queries run. Up and Down bring back queries.",
    "PageUp and PageDown scroll, Esc returns to the newest line.",
    "/cancel 3 ends query 3, /cancel all of them; Ctrl-C ends the newest, and leaves when none runs.",
    "/clear empties the screen, /quit leaves.",
];

enum Event {
    Did(Option<TerminalEvent>),
    Ended(u64, Box<Report>),
    Tick,
    Drawn(std::io::Result<()>),
}

/// Takes queries until the person leaves.
///
/// # Errors
/// When the terminal fails.
pub(super) async fn run(database: &Database) -> anyhow::Result<()> {
    let mut window = Window::new(database.clone());
    let (mut canvas, mut events) =
        terminal::open().context("the terminal cannot be taken over; try --plain")?;
    let mut ticks = tokio::time::interval(STATE_PERIOD);
    loop {
        let event = tokio::select! {
            drawn = canvas.draw_when_due(&mut window.screen) => Event::Drawn(drawn),
            event = events.next() => Event::Did(event),
            (id, report) = next_ended(&mut window.tasks) => Event::Ended(id, report),
            _ = ticks.tick(), if !window.running.is_empty() => Event::Tick,
        };
        match event {
            Event::Drawn(drawn) => {
                drawn.context("the terminal cannot be written")?;
                continue;
            }
            Event::Did(None) => return Ok(()),
            Event::Did(Some(event)) => {
                if !window.act(&event) {
                    return Ok(());
                }
            }
            Event::Ended(id, report) => window.ended(id, &report),
            Event::Tick => {}
        }
        window.tell_state();
        canvas.request();
    }
}

async fn next_ended(tasks: &mut JoinSet<(u64, Box<Report>)>) -> (u64, Box<Report>) {
    loop {
        match tasks.join_next().await {
            Some(Ok(ended)) => return ended,
            // A task that panicked has told so; its query stays among the running ones, which shows.
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}

struct Query {
    text: String,
    started: Instant,
    progress: Arc<Progress>,
}

struct Window {
    screen: Screen,
    database: Database,
    tasks: JoinSet<(u64, Box<Report>)>,
    running: BTreeMap<u64, Query>,
    n_queries: u64,
}

impl Window {
    fn new(database: Database) -> Self {
        let mut screen = Screen::new("sql> ", QUERY_BYTES_MAX);
        screen.note(format!("{} · {CONNECTIONS} queries at the same time · /help", database.name()));
        let mut window =
            Self { screen, database, tasks: JoinSet::new(), running: BTreeMap::new(), n_queries: 0 };
        window.tell_state();
        window
    }

    fn tell_state(&mut self) {
        let permission = match self.database.permission() {
            Permission::ReadOnly => "read only",
            Permission::Write => "WRITES ALLOWED",
        };
        let mut parts = vec![self.database.name().to_owned(), permission.to_owned()];
        let named = self.running.iter().take(NAMED_MAX).map(|(id, query)| {
            let time = duration(query.started.elapsed());
            match query.progress.n_rows() {
                _ if !query.progress.is_running() => format!("#{id} waits, {time}"),
                0 => format!("#{id} runs, {time}"),
                n => format!("#{id} {n} rows, {time}"),
            }
        });
        parts.extend(named);
        if NAMED_MAX < self.running.len() {
            parts.push(format!("{} more", self.running.len() - NAMED_MAX));
        }
        self.screen.set_status(parts.join(" · "));
    }

    /// Does what the person asked for; false when that is to leave.
    fn act(&mut self, event: &TerminalEvent) -> bool {
        match self.screen.handle(event) {
            Action::None | Action::Complete => true,
            Action::Quit => false,
            Action::Interrupt => match self.running.last_key_value() {
                Some((&id, _)) => {
                    self.cancel(id);
                    true
                }
                None => false,
            },
            Action::Submit(text) => self.submit(text),
        }
    }

    fn submit(&mut self, text: String) -> bool {
        let mut words = text.split_whitespace();
        match (words.next(), words.next()) {
            (None, _) => {}
            (Some("/quit"), None) => return false,
            (Some("/clear"), None) => self.screen.clear(),
            (Some("/help"), None) => HELP.iter().for_each(|line| self.screen.note(*line)),
            (Some("/cancel"), which) => self.cancel_by_name(which),
            (Some(command), _) if command.starts_with('/') && !command.starts_with("/*") => {
                self.screen.put_back(&text);
                self.screen.set_notice(format!("there is no command {command}; /help tells them"));
            }
            _ if QUERIES_MAX <= self.running.len() => {
                self.screen.put_back(&text);
                self.screen.set_notice(format!("{QUERIES_MAX} queries run or wait; cancel one or wait"));
            }
            _ => self.begin(text),
        }
        true
    }

    fn begin(&mut self, text: String) {
        self.n_queries += 1;
        let id = self.n_queries;
        let progress = Arc::new(Progress::default());
        let shown = neutralise(&text.replace('\n', " ")).into_owned();
        self.screen.push(Entry::Text(Line::styled(format!("#{id}> {shown}"), Style::new().bold())));
        let (database, sql, shared) = (self.database.clone(), text.clone(), progress.clone());
        self.tasks.spawn(async move { (id, Box::new(database.run(&sql, &shared).await)) });
        self.running.insert(id, Query { text, started: Instant::now(), progress });
    }

    fn cancel_by_name(&mut self, which: Option<&str>) {
        let ids: Vec<u64> = match which {
            Some("all") => self.running.keys().copied().collect(),
            Some(number) => number.trim_start_matches('#').parse().into_iter().collect(),
            None => self.running.keys().next_back().copied().into_iter().collect(),
        };
        if !ids.iter().any(|id| self.running.contains_key(id)) {
            self.screen.set_notice("there is no such query; the line of state names those that run");
        }
        for id in ids {
            self.cancel(id);
        }
    }

    fn cancel(&mut self, id: u64) {
        if let Some(query) = self.running.get(&id) {
            // On its own: a server that does not answer must not hold the terminal.
            let progress = query.progress.clone();
            tokio::spawn(async move { progress.cancel().await });
            self.screen.set_notice(format!("#{id} is asked to end"));
        }
    }

    fn ended(&mut self, id: u64, report: &Report) {
        let Some(query) = self.running.remove(&id) else { return };
        let width = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        let style = if report.error.is_some() { Style::new().fg(Color::Red) } else { Style::new() };
        let total = duration(query.started.elapsed());
        self.screen.push(Entry::Text(Line::styled(format!("#{id} ended after {total}"), style.dim())));
        for line in report_lines(report, &query.text, 1, Some(width)) {
            self.screen.push(Entry::Columns(Line::from(line)));
        }
    }
}
