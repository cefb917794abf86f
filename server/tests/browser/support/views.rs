//! What a person does and reads on Signalbox's page: the only place of the tests that knows how its parts are called.

use super::browser::Browser;
use super::eventually;
use super::peers::Publisher;

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

    /// Opens the tail of a channel and waits until what `publisher` sends from now on is shown there; gives how many
    /// messages it has received by then. A broker elsewhere tells nobody when a subscription stands, so it is tried.
    pub async fn open_tail(&self, url: &str, publisher: &mut Publisher, channel: &str) -> u64 {
        self.open(url).await;
        self.until_subscribed().await;
        let mut n_sent = 0;
        let last = async || self.tail().await.pop();
        eventually("a probe is shown", async || {
            n_sent += 1;
            publisher.publish(channel, format!("probe {n_sent}").as_bytes()).await;
            last().await.filter(|text| text.starts_with("probe"))
        })
        .await;
        // What was published before the last one came before it or never will.
        let newest = format!("probe {n_sent}");
        eventually("the last probe is shown", async || last().await.filter(|text| *text == newest)).await;
        self.click_text(".tail-controls button", "Clear").await;
        eventually("the list is empty", async || (self.count(".tail-row").await == 0).then_some(())).await;
        self.accounts().await.first().map_or(0, |(_, received)| *received)
    }

    /// What the tail's rows say, oldest first, marks left out. In the document they stand by their places on the screen,
    /// which are filled anew from the first one on when the list is longer than the screen.
    pub async fn tail(&self) -> Vec<String> {
        let script = "const rows = Array.from(document.querySelectorAll('.tail-row:not(.mark)'));
                      rows.sort((a, b) => a.dataset.serial - b.dataset.serial);
                      return rows.map(row => row.querySelector('.tail-text').innerText)";
        serde_json::from_value(self.run(script, vec![]).await).expect("the script gives texts")
    }

    /// Waits until the tail's list is exactly this, marks left out.
    pub async fn until_tail(&self, expected: &[&str]) {
        eventually(&format!("the tail shows {expected:?}"), async || {
            (self.tail().await == expected).then_some(())
        })
        .await;
    }

    /// Waits until an account below the tail has a value.
    pub async fn until_account(&self, name: &str, value: u64) {
        eventually(&format!("{name} is {value}"), async || {
            self.accounts().await.contains(&(name, value)).then_some(())
        })
        .await;
    }

    /// Waits until the address holds `part`.
    pub async fn until_address(&self, part: &str) {
        eventually(&format!("the address holds {part:?}"), async || {
            let hash = self.run("return location.hash", vec![]).await;
            hash.as_str().is_some_and(|hash| hash.contains(part)).then_some(())
        })
        .await;
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
