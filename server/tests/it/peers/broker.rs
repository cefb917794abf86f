//! Python peers of the broker.

use signalbox::limits::Limits;

use super::Peer;
use crate::support::broker::Broker;

fn place(broker: &Broker) -> (String, String) {
    (broker.address.ip().to_string(), broker.address.port().to_string())
}

#[tokio::test]
async fn a_minimal_pair_talks_over_a_topic() {
    let broker = Broker::start(Limits::default()).await;
    let (host, port) = place(&broker);
    let mut listener = Peer::start("broker_minimal.py", &["listen", &host, &port, "/topic/greetings"]);
    listener.expect("subscribed").await;
    broker.subscribers("/topic/greetings", 1).await;
    let sender = Peer::start("broker_minimal.py", &["send", &host, &port, "/topic/greetings", "500"]);
    for n in 0..500 {
        listener.expect(&format!("message {n}")).await;
    }
    sender.end().await;
    broker.closings("left", 1).await;
    broker.end().await;
    listener.expect("end").await;
    listener.end().await;
}

#[tokio::test]
async fn minimal_listeners_share_a_queue_and_inherit_from_one_that_dies() {
    let broker = Broker::start(Limits::default()).await;
    let (host, port) = place(&broker);
    let listen = ["listen", &host, &port, "/queue/jobs"];
    let send = |count| Peer::start("broker_minimal.py", &["send", &host, &port, "/queue/jobs", count]);
    send("10").end().await; // nobody is there: they wait
    broker.row("/queue/jobs", |row| (row.depth == 10).then_some(())).await;
    let mut first = Peer::start("broker_minimal.py", &listen);
    first.expect("subscribed").await;
    for n in 0..10 {
        first.expect(&format!("message {n}")).await;
    }
    let mut second = Peer::start("broker_minimal.py", &listen);
    second.expect("subscribed").await;
    broker.subscribers("/queue/jobs", 2).await;
    send("20").end().await;
    for n in 0..10 {
        second.expect(&format!("message {}", 2 * n)).await; // the first one had the last turn
        first.expect(&format!("message {}", 2 * n + 1)).await;
    }
    first.kill().await;
    broker.subscribers("/queue/jobs", 1).await;
    send("5").end().await;
    for n in 0..5 {
        second.expect(&format!("message {n}")).await;
    }
}

#[tokio::test]
async fn messages_of_every_size_arrive_whole_at_everybody() {
    let broker = Broker::start(Limits::default()).await;
    let (host, port) = place(&broker);
    let sizes = ["0", "1", "4095", "65536", "131072", "0", "1000000", "20"];
    let count = sizes.len().to_string();
    let listen = [&host, &port, "/topic/sizes", &count];
    let mut listeners =
        [Peer::start("broker_listener.py", &listen), Peer::start("broker_listener.py", &listen)];
    for listener in &mut listeners {
        listener.expect("subscribed").await;
    }
    broker.subscribers("/topic/sizes", 2).await;
    let mut sender =
        Peer::start("broker_sender.py", &[&[&*host, &*port, "/topic/sizes"][..], &sizes].concat());
    for _ in sizes {
        let sent = sender.line().await;
        for listener in &mut listeners {
            listener.expect(&sent).await;
        }
    }
    sender.expect("goodbye").await;
    sender.end().await;
    for listener in listeners {
        listener.end().await;
    }
    broker.closings("ended", 1).await;
}
