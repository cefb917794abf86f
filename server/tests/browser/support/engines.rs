//! What routes the messages: the relay's own broker, or a plain one elsewhere that knows nothing of Signalbox.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::relay::Relay;
use super::{eventually, ports};

/// What routes the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The relay's own broker.
    Embedded,
    /// A broker of a few lines of asyncio, in a process of its own.
    Elsewhere,
}

/// A relay over one of them.
pub struct House {
    /// The relay.
    pub relay: Relay,
    /// The broker, when it is elsewhere.
    pub broker: Option<PlainBroker>,
}

impl House {
    /// Starts both.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[]).await
    }

    /// The same with further arguments for the relay.
    pub async fn start_with(engine: Engine, args: &[&str]) -> Self {
        match engine {
            Engine::Embedded => Self { relay: Relay::start_with(args).await, broker: None },
            Engine::Elsewhere => {
                let broker = PlainBroker::start(ports::free()).await;
                Self { relay: Relay::start_over(broker.port, args).await, broker: Some(broker) }
            }
        }
    }
}

/// `server/tests/peers/broker_asyncio.py`; killed when dropped.
pub struct PlainBroker {
    child: Child,
    /// Where it listens on the loopback interface.
    pub port: u16,
}

impl PlainBroker {
    /// Starts it on this port.
    pub async fn start(port: u16) -> Self {
        let python = std::env::var_os("SIGNALBOX_PYTHON").unwrap_or_else(|| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/broker_asyncio.py");
        let mut command = Command::new(python);
        command.arg(script).args(["127.0.0.1", &port.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let broker = Self { child: command.spawn().expect("Python starts"), port };
        eventually("the plain broker listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        broker
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the broker's process is ours to kill");
    }
}
