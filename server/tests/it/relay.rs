//! The composition: one relay with every service, each reached from outside and seen in the others' accounts.

use signalbox::collector::{SampleSender, SendMode};
use signalbox::config::Settings;
use signalbox::relay::Relay;
use signalbox::web::EmbeddedPage;
use signalbox_shared::api::Info;
use signalbox_shared::feed::MetricsHistory;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::{TestServer, eventually, http, quiet_settings};

fn with_collector() -> Settings {
    let any = vec!["@tcp://127.0.0.1:*".parse().unwrap()];
    Settings { collector_sub: any.clone(), collector_pull: any, ..quiet_settings() }
}

#[tokio::test]
async fn every_service_of_one_relay_is_reached_and_counted() {
    let server = TestServer::start_with(with_collector()).await;

    let push = server.collector()[1].trim_start_matches('@');
    let agent = SampleSender::connect(SendMode::Push, push).unwrap();
    let now = jiff::Timestamp::now();
    agent.send(format!(r#"{{"color":"teal","timestamp":"{now}","cpu":1.5,"mem":2}}"#).as_bytes()).unwrap();
    agent.send(b"no sample").unwrap();
    let history = eventually("the sample in the history", async || {
        let answer = http(server.http(), "GET", "/api/metrics/history?window=60", &[], b"").await;
        let history: MetricsHistory = answer.json();
        (!history.agents.is_empty()).then_some(history)
    })
    .await;
    assert_eq!(history.agents[0].metrics["cpu"], [Some(1.5)]);
    eventually("the refusal in the accounts", async || {
        let info: Info = http(server.http(), "GET", "/api/info", &[], b"").await.json();
        (info.collector.refused.get("not_json")?.count == 1).then_some(())
    })
    .await;

    let mut chat = BufReader::new(TcpStream::connect(server.chat()).await.unwrap());
    chat.write_all(b"CONNECT ada\n").await.unwrap();
    let mut line = String::new();
    chat.read_line(&mut line).await.unwrap();
    assert_eq!(line, "Welcome! 1 user(s) are online!\n");

    let page = http(server.http(), "GET", "/metrics", &[], b"").await.text();
    for expected in [
        "signalbox_collector_samples_total 1\n",
        "signalbox_collector_refused_total{reason=\"not_json\"} 1\n",
        "signalbox_agent_up{color=\"teal\"} 1\n",
        "signalbox_agent_value{color=\"teal\",metric=\"cpu\"} 1.5\n",
        "signalbox_chat_users_line 1\n",
    ] {
        assert!(page.contains(expected), "{expected} is missing in\n{page}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_address_in_use_names_the_setting_that_moves_it() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings { chat: Some(taken.local_addr().unwrap()), ..quiet_settings() };
    let error =
        Relay::start(&settings, EmbeddedPage::default(), CancellationToken::new()).await.err().unwrap();
    let text = format!("{error:#}");
    assert!(text.contains("chat cannot listen on") && text.contains("--chat IP:PORT (or off)"), "{text}");
}

#[tokio::test]
async fn a_relay_with_everything_off_still_starts_and_ends() {
    let settings = Settings { http: None, broker: None, chat: None, ..quiet_settings() };
    TestServer::start_with(settings).await.stop().await;
}
