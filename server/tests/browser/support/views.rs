//! What a person does and reads on Signalbox's page: the only place of the tests that knows how its parts are called.

use super::browser::Browser;
use super::eventually;

impl Browser {
    /// Goes to another view of the page that is open, without loading it again.
    pub async fn go(&self, hash: &str) {
        self.run("location.hash = arguments[0]", vec![hash.into()]).await;
    }

    /// Waits until a stream, `feed` or `socket`, is live.
    pub async fn until_live(&self, stream: &str) {
        let css = format!("[data-stream={stream}][data-state=live]");
        eventually(&format!("the {stream} is live"), async || (self.count(&css).await == 1).then_some(()))
            .await;
    }

    /// Waits until the page has noticed that a stream is lost.
    pub async fn until_not_live(&self, stream: &str) {
        let css = format!("[data-stream={stream}]:not([data-state=live])");
        eventually(&format!("the {stream} is lost"), async || (self.count(&css).await == 1).then_some(()))
            .await;
    }

    /// Chooses a channel in the list, as soon as it is there, and waits until its tail is subscribed.
    pub async fn choose_channel(&self, name: &str) {
        self.until_some(".channel-link", name).await;
        let script = "for (const link of document.querySelectorAll('.channel-link'))
                          if (link.innerText.endsWith(arguments[0])) return link.click()";
        self.run(script, vec![name.into()]).await;
        self.until_text(".tail-panel h2", name).await;
        self.until_subscribed().await;
    }

    /// Waits until the tail that is open receives what is published from now on.
    pub async fn until_subscribed(&self) {
        eventually("the tail is subscribed", async || {
            self.text(".accounts")
                .await
                .filter(|text| !text.contains("not subscribed") && text.contains("received"))
        })
        .await;
    }

    /// The accounts below the tail, without what the page no longer keeps.
    pub async fn accounts(&self) -> Vec<(&'static str, u64)> {
        let texts = self.texts(".account").await;
        let figure = |name: &'static str| {
            let text = texts.iter().find_map(|text| text.strip_prefix(name))?;
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            Some((name, digits.parse().ok()?))
        };
        ["received", "shown", "filtered", "skipped"].into_iter().filter_map(figure).collect()
    }

    /// Enters the lobby, from the chat view.
    pub async fn join_chat(&self, name: &str) {
        self.until_live("socket").await;
        self.fill(".join input[name=name]", name).await;
        self.click(".join button[type=submit]").await;
        self.until_some(".people li", name).await;
    }

    /// Says a line in the lobby.
    pub async fn say(&self, line: &str) {
        self.fill("#say", line).await;
        self.click(".composer button[type=submit]").await;
    }
}
