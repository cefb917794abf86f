//! *Metrics*: what an agent's process measures is seen, in its own colour.

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::Agent;
use crate::support::relay::Relay;

/// How many canvases hold a pixel that is clearly red.
const CANVASES_WITH_RED: &str = "
    return Array.from(document.querySelectorAll('canvas')).filter(canvas => {
        const { width, height } = canvas;
        if (!width || !height) return false;
        const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
        for (let at = 0; at < pixels.length; at += 4) {
            const [r, g, b, a] = pixels.subarray(at, at + 4);
            if (a > 200 && r > 180 && g < 90 && b < 90) return true;
        }
        return false;
    }).length";

/// How much has moved since the page was opened. Source: Layout Instability (WICG).
const LAYOUT_SHIFT: &str = "
    let sum = 0;
    new PerformanceObserver(list => list.getEntries().forEach(entry => sum += entry.value))
        .observe({ type: 'layout-shift', buffered: true });
    return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum)))))";

#[tokio::test]
async fn an_agent_appears_with_its_values_and_its_lines() {
    let relay = Relay::start().await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/")).await;
    browser.until_text(".empty code", "signalbox agent --color red").await;

    let _agent = Agent::start(&relay.ports, "red");
    browser.until_text("tr[data-state=live] .agent-name", "red").await;
    browser.until_live("feed").await;
    eventually("cpu and mem are charted in red", async || {
        browser.run(CANVASES_WITH_RED, vec![]).await.as_u64().filter(|&n| 2 <= n)
    })
    .await;
    eventually("a value for its memory", async || {
        let memory = browser.text("tr[data-state=live] td[data-label=mem]").await?;
        memory.contains(|c: char| c.is_ascii_digit()).then_some(())
    })
    .await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn history_is_there_at_first_paint() {
    let relay = Relay::start().await;
    let _agent = Agent::start(&relay.ports, "red");
    let n_samples = async || {
        let answer =
            crate::support::http::get(relay.ports.http, "/api/metrics/history?window=60", &[]).await?;
        let history: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
        Some(history["agents"][0]["timestamps_ms"].as_array()?.len())
    };
    eventually("the relay has ten samples", async || n_samples().await.filter(|&n| 10 <= n)).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/")).await;
    eventually("the charts show them", async || {
        browser.run(CANVASES_WITH_RED, vec![]).await.as_u64().filter(|&n| 2 <= n)
    })
    .await;
    let shift = browser.run(LAYOUT_SHIFT, vec![]).await.as_f64().expect("the browser counts shifts");
    assert!(shift < 0.05, "parts of the page have changed places while it came: {shift}");
    browser.expect_no_errors(false).await;
}
