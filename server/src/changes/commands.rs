//! What `signalbox db` does, on a connection of its own.

use signalbox_shared::changes::TableState;
use tokio_postgres::Client;

use super::error::{DatabaseError, words};
use super::setup::{self, Target};
use super::{DatabaseOptions, DatabaseUrl, Look};

/// How the watched tables stand, a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupReport {
    /// Which database.
    pub database: String,
    /// What there is to say, a line each.
    pub lines: Vec<String>,
    /// Whether every table is watched.
    pub is_complete: bool,
}

/// Installs what is missing for the tables that are to be watched and the patrons.
///
/// # Errors
/// When the database cannot be reached, or refuses what all tables need.
pub async fn install(options: &DatabaseOptions) -> Result<SetupReport, DatabaseError> {
    let (url, mut client) = connect(options).await?;
    let targets = Target::all(&options.watch);
    let problems = setup::install(&mut client, &targets).await?;
    let looks = setup::look(&client, &targets).await?;
    let mut report = report(&url, &targets, &looks);
    report.lines.extend(problems.iter().map(|(table, problem)| format!("{table}: not installed: {problem}")));
    Ok(report)
}

/// Says how the tables that are to be watched and the patrons stand, and changes nothing.
///
/// # Errors
/// When the database cannot be reached.
pub async fn status(options: &DatabaseOptions) -> Result<SetupReport, DatabaseError> {
    let (url, client) = connect(options).await?;
    let targets = Target::all(&options.watch);
    let looks = setup::look(&client, &targets).await?;
    Ok(report(&url, &targets, &looks))
}

/// Takes away everything that [`install`] made but the table `patron`, whose rows are the user's.
///
/// # Errors
/// When the database cannot be reached, or refuses.
pub async fn remove(options: &DatabaseOptions) -> Result<SetupReport, DatabaseError> {
    let (url, mut client) = connect(options).await?;
    let tables = setup::remove(&mut client).await?;
    let mut lines: Vec<_> = tables.iter().map(|table| format!("{table}: no longer watched")).collect();
    lines.push("the schema signalbox is removed; every table keeps its rows, patron too".to_owned());
    Ok(SetupReport { database: url.to_string(), lines, is_complete: true })
}

async fn connect(options: &DatabaseOptions) -> Result<(DatabaseUrl, Client), DatabaseError> {
    let url = options.url.clone().ok_or(DatabaseError::Off)?;
    let connecting = url.config().connect(url.tls()).await;
    let (client, connection) = connecting.map_err(|error| DatabaseError::Unreachable(words(&error)))?;
    // Ends with the client.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the database ended the connection: {error}");
        }
    });
    Ok((url, client))
}

fn report(url: &DatabaseUrl, targets: &[Target], looks: &[Look]) -> SetupReport {
    let lines = targets.iter().zip(looks).map(|(target, look)| {
        let name = target.full_name();
        look.reason.as_ref().map_or_else(
            || format!("{name}: watched, key {}", target.key),
            |reason| format!("{name}: not watched: {reason}"),
        )
    });
    SetupReport {
        database: url.to_string(),
        lines: lines.collect(),
        is_complete: looks.iter().all(|look| look.state == TableState::Watched),
    }
}
