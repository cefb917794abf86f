//! Requests about patrons: a page of rows, and writes.

use gloo_net::http::{Method, RequestBuilder};
use serde::Deserialize;
use signalbox_shared::changes::{PatronFields, PatronId, PatronPage};
use web_sys::AbortSignal;

use super::decode;
use crate::state::relay_address::RelayAddress;

/// Time a request may take, in milliseconds: longer than the relay waits for its database.
const FETCH_MS_MAX: u32 = 10_000;

/// Answer of a write.
#[derive(Debug, Deserialize)]
struct Done {
    msg: String,
    #[serde(default)]
    error: Option<String>,
}

/// Fetches the rows after a key.
///
/// # Errors
/// Why there are none, for a person to read.
pub async fn list(relay: &RelayAddress, after: Option<PatronId>, limit: usize) -> Result<PatronPage, String> {
    let after = after.map_or_else(String::new, |after| format!("&after={after}"));
    let (status, text) = send(relay, Method::GET, &format!("api/patrons?limit={limit}{after}"), None).await?;
    if status == 200 { decode::json(&text) } else { Err(decode::refusal(status, &text)) }
}

/// Changes a row, or adds one when there is no key.
///
/// # Errors
/// Why it was not done, for a person to read.
pub async fn save(relay: &RelayAddress, id: Option<PatronId>, fields: &PatronFields) -> Result<(), String> {
    let body = serde_json::to_string(fields).map_err(|error| error.to_string())?;
    let (method, path) = match id {
        Some(id) => (Method::PUT, format!("patron/{id}")),
        None => (Method::POST, "patron".to_owned()),
    };
    done(send(relay, method, &path, Some(body)).await?)
}

/// Deletes a row.
///
/// # Errors
/// Why it was not done, for a person to read.
pub async fn delete(relay: &RelayAddress, id: PatronId) -> Result<(), String> {
    done(send(relay, Method::DELETE, &format!("patron/{id}"), None).await?)
}

fn done((status, text): (u16, String)) -> Result<(), String> {
    match decode::json::<Done>(&text) {
        Ok(Done { msg, .. }) if msg == "ok" => Ok(()),
        Ok(Done { error: Some(error), .. }) => Err(error),
        Ok(_) => Err("there is no such patron any more".to_owned()),
        Err(_) => Err(decode::refusal(status, &text)),
    }
}

async fn send(
    relay: &RelayAddress,
    method: Method,
    path: &str,
    body: Option<String>,
) -> Result<(u16, String), String> {
    let network = |error: gloo_net::Error| format!("no answer: {error}");
    let signal = AbortSignal::timeout_with_u32(FETCH_MS_MAX);
    let request = RequestBuilder::new(&relay.http(path)).method(method).abort_signal(Some(&signal));
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(body),
        None => request.build(),
    };
    let response = request.map_err(network)?.send().await.map_err(network)?;
    Ok((response.status(), response.text().await.map_err(network)?))
}
