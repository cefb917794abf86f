//! Who takes part besides the page: an agent's process, a publisher and a chat user that speak the plain protocols in
//! their own few lines.

use std::process::Stdio;

use futures_util::FutureExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};

use super::DEADLINE;
use super::relay::Ports;

/// A real agent that sends its own CPU and memory several times a second; killed when dropped.
pub struct Agent {
    _child: Child,
}

impl Agent {
    /// Starts one of this name.
    pub fn start(ports: &Ports, color: &str) -> Self {
        let endpoint = format!("tcp://127.0.0.1:{}", ports.collector_sub);
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command
            .args(["agent", "--color", color, "--interval", "250ms", "--connect", &endpoint])
            .kill_on_drop(true);
        Self { _child: command.stdout(Stdio::null()).spawn().expect("the agent starts") }
    }
}

/// A program that pushes whatever it likes to the collector, docs/protocol.md §2.
pub struct Pusher(zmq::Socket);

impl Pusher {
    /// Connects.
    pub fn connect(ports: &Ports) -> Self {
        let socket = zmq::Context::new().socket(zmq::PUSH).expect("a socket");
        // Nobody waits for what cannot be delivered when the test is over.
        socket.set_linger(0).expect("an option of every socket");
        let endpoint = format!("tcp://127.0.0.1:{}", ports.collector_pull);
        socket.connect(&endpoint).expect("an address that can be connected to");
        Self(socket)
    }

    /// Pushes one message.
    pub fn push(&self, message: &[u8]) {
        self.0.send(message, 0).expect("the collector takes messages");
    }
}

/// A program that publishes by the protocol of docs/protocol.md §1.
pub struct Publisher(TcpStream);

impl Publisher {
    /// Connects, and subscribes to nothing.
    pub async fn connect(ports: &Ports) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", ports.broker)).await.expect("the broker listens");
        stream.write_all(&frame(b"/null")).await.expect("the broker reads");
        Self(stream)
    }

    /// Its own end of the connection, as the broker sees it.
    pub fn address(&self) -> String {
        self.0.local_addr().expect("it is connected").to_string()
    }

    /// Publishes one message.
    pub async fn publish(&mut self, channel: &str, data: &[u8]) {
        let pair = [frame(channel.as_bytes()), frame(data)].concat();
        self.0.write_all(&pair).await.expect("the broker reads");
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a test's frames are small");
    [&length.to_be_bytes(), payload].concat()
}

/// A program that receives by the protocol of docs/protocol.md §1.
pub struct Subscriber(TcpStream);

impl Subscriber {
    /// Connects and subscribes.
    pub async fn connect(ports: &Ports, channel: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", ports.broker)).await.expect("the broker listens");
        stream.write_all(&frame(channel.as_bytes())).await.expect("the broker reads");
        Self(stream)
    }

    /// Whether the beginning of a message is there.
    pub async fn has_next(&self) -> bool {
        self.0.peek(&mut [0; 4]).now_or_never().is_some_and(|n| n.is_ok_and(|n| 0 < n))
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Vec<u8> {
        let read = async {
            let length = self.0.read_u32().await?;
            let mut data = vec![0; length as usize];
            self.0.read_exact(&mut data).await.map(|_| data)
        };
        let message =
            tokio::time::timeout(DEADLINE, read).await.expect("a message comes before the deadline");
        message.expect("the broker keeps the connection")
    }
}

/// A line client of the chat, docs/protocol.md §4.
pub struct ChatUser {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl ChatUser {
    /// Joins under a name.
    pub async fn join(ports: &Ports, name: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", ports.chat)).await.expect("the chat listens");
        let (read, write) = stream.into_split();
        let mut user = Self { lines: BufReader::new(read).lines(), write };
        user.say(&format!("CONNECT {name}")).await;
        user.hears("Welcome!").await;
        user
    }

    /// Says a line.
    pub async fn say(&mut self, line: &str) {
        self.write.write_all(format!("{line}\n").as_bytes()).await.expect("the chat reads");
    }

    /// Waits for a line that holds `text`, and gives it.
    pub async fn hears(&mut self, text: &str) -> String {
        let search = async {
            while let Some(line) = self.lines.next_line().await.expect("the chat writes lines") {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("the chat has closed before it said {text:?}")
        };
        let heard: Result<String, _> = tokio::time::timeout(DEADLINE, search).await;
        heard.unwrap_or_else(|_| panic!("waited {DEADLINE:?} in vain to hear {text:?}"))
    }
}

/// A plain static host for a directory: Python's own, which knows nothing of Signalbox; killed when dropped.
pub struct StaticHost {
    _child: Child,
    /// Where it listens on the loopback interface.
    pub port: u16,
}

impl StaticHost {
    /// Serves `dir`.
    pub async fn start(dir: &std::path::Path) -> Self {
        let port = super::ports::free();
        let python = std::env::var_os("SIGNALBOX_PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "--directory"]).arg(dir);
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let host = Self { _child: command.spawn().expect("Python starts"), port };
        super::eventually("the static host answers", async || super::http::get(port, "/", &[]).await).await;
        host
    }
}
