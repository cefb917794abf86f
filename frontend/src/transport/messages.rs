//! Messages that a socket message does not hold, published over HTTP.

use gloo_net::http::RequestBuilder;
use js_sys::Uint8Array;
use serde::Deserialize;
use signalbox_shared::ChannelName;
use signalbox_shared::socket::AckDetail;
use web_sys::AbortSignal;

use super::decode;
use crate::state::relay_address::RelayAddress;

/// Time a publish may take, in milliseconds: longer than the relay gives a large body.
const PUBLISH_MS_MAX: u32 = 90_000;

/// Why there is no acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPublished {
    /// The relay says why it did not take the message.
    Refused(String),
    /// No answer came: the message may have been taken.
    Unknown,
}

/// Answer of a publish.
#[derive(Debug, Deserialize)]
struct Published {
    detail: AckDetail,
}

/// Publishes one message as it is.
///
/// # Errors
/// [`NotPublished`].
pub async fn publish(
    relay: &RelayAddress,
    channel: &ChannelName,
    data: &[u8],
) -> Result<AckDetail, NotPublished> {
    let name = String::from(js_sys::encode_uri_component(channel.as_str()));
    let signal = AbortSignal::timeout_with_u32(PUBLISH_MS_MAX);
    let request = RequestBuilder::new(&relay.http(&format!("api/channels/{name}/messages")))
        .method(gloo_net::http::Method::POST)
        .header("content-type", "application/octet-stream")
        .abort_signal(Some(&signal))
        .body(Uint8Array::from(data));
    let request = request.map_err(|error| NotPublished::Refused(error.to_string()))?;
    let response = request.send().await.map_err(|_| NotPublished::Unknown)?;
    let text = response.text().await.map_err(|_| NotPublished::Unknown)?;
    if response.status() == 200 {
        return decode::json::<Published>(&text)
            .map(|published| published.detail)
            .map_err(|_| NotPublished::Unknown);
    }
    Err(NotPublished::Refused(decode::refusal(response.status(), &text)))
}
