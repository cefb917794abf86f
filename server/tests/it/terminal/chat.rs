//! `signalbox chat` as a person sees it.

use signalbox::config::Settings;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::support::pty::Pty;
use crate::support::{DEADLINE, TestServer, quiet_settings};

struct Nc {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Nc {
    async fn join(address: &str, name: &str) -> Self {
        let (read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
        write.write_all(format!("CONNECT {name}\n").as_bytes()).await.unwrap();
        let mut nc = Self { lines: BufReader::new(read).lines(), write };
        nc.hears(&format!("{name} connected!")).await;
        nc
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.write.write_all(bytes).await.unwrap();
    }

    async fn hears(&mut self, wanted: &str) {
        let heard = timeout(DEADLINE, async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line == wanted {
                    return true;
                }
            }
            false
        });
        assert!(heard.await.expect("a line in time"), "the chat ended before {wanted:?}");
    }
}

async fn chat_house() -> (TestServer, String) {
    let any_port = Some(([127, 0, 0, 1], 0).into());
    let server = TestServer::start_with(Settings { chat: any_port, ..quiet_settings() }).await;
    let address = server.chat().to_string();
    (server, address)
}

#[tokio::test]
async fn messages_come_above_and_what_is_typed_is_said() {
    let (_server, address) = chat_house().await;
    let mut bob = Nc::join(&address, "bob").await;
    let mut ada = Pty::start(&["chat", "ada", "--connect", &address], 60, 12);
    ada.shows("connected · 2 people · lobby at").await;
    bob.hears("ada connected!").await;
    ada.keys("hello bobx\u{7f}\r");
    bob.hears("ada: hello bob").await;
    ada.shows("ada: hello bob").await;
    bob.say(b"hi \x1b[2J\x07@ada \xff\n").await;
    ada.shows("bob: hi ␛[2J␇@ada").await;
    // Up brings the last line back; Left and typing edit it in the middle.
    ada.keys("\u{1b}[A\u{1b}[D\u{1b}[D\u{1b}[Dnice \r");
    bob.hears("ada: hello nice bob").await;
    // A paste of two lines is one edit and two lines.
    ada.keys("\u{1b}[200~one\rtwo\u{1b}[201~");
    ada.shows("ada> one␤two").await;
    ada.keys("\r");
    bob.hears("ada: one").await;
    bob.hears("ada: two").await;
    ada.keys("/quit\r");
    bob.hears("ada has left the chat").await;
    assert_eq!(ada.ended().await, 0);
    ada.gives_back().await;
}

#[tokio::test]
async fn commands_and_names_are_written_as_on_the_page() {
    let (_server, address) = chat_house().await;
    let mut ada = Pty::start(&["chat", "ada", "--connect", &address], 80, 16);
    ada.shows("1 person").await;
    let mut bob = Nc::join(&address, "bob").await;
    ada.shows("bob connected!").await;
    ada.keys("/who\r");
    ada.shows("2 people here; since you came, these have come or spoken: bob").await;
    ada.keys("/me waves\r");
    bob.hears("ada: * waves").await;
    ada.keys("hi @b\tlook\r");
    bob.hears("ada: hi @bob look").await;
    // What is no command is not said to everybody, and stays to be mended.
    ada.keys("/wo\r");
    ada.shows("/wo is no command here; //wo says it").await;
    ada.keys("\u{1b}[H/\r");
    bob.hears("ada: /wo").await;
    drop(bob);
    ada.shows("connected · 1 person").await;
}

/// A mention rings the bell, and whoever ends the program by a signal gets the terminal back.
#[tokio::test]
async fn a_call_is_heard_and_a_signal_gives_the_terminal_back() {
    let (_server, address) = chat_house().await;
    let mut bob = Nc::join(&address, "bob").await;
    let mut ada = Pty::start(&["chat", "ada", "--connect", &address], 80, 12);
    ada.shows("ada connected!").await;
    bob.say(b"@adam, not you\n@Ada, you\n").await;
    ada.shows("bob: @Ada, you").await;
    ada.rings(1).await;
    ada.signal("TERM");
    assert_eq!(ada.ended().await, 0);
    bob.hears("ada has left the chat").await;
    ada.gives_back().await;
}

#[tokio::test]
async fn older_messages_can_be_read_while_new_ones_come() {
    let (_server, address) = chat_house().await;
    let mut ada = Pty::start(&["chat", "ada", "--connect", &address], 60, 6);
    ada.shows("ada connected!").await;
    let mut bob = Nc::join(&address, "bob").await;
    for n in 1..=9 {
        bob.say(format!("line {n}\n").as_bytes()).await;
        bob.hears(&format!("bob: line {n}")).await;
    }
    ada.shows("bob: line 9").await;
    ada.keys("\u{1b}[5~");
    ada.shows("bob: line 5").await;
    ada.no_longer_shows("bob: line 9").await;
    bob.say(b"line 10\n").await;
    ada.shows("1 new below").await;
    assert!(ada.text().contains("bob: line 5"), "what is read must not move:\n{}", ada.text());
    ada.resize(100, 10);
    ada.shows("/help").await; // there is room for it now
    ada.shows("bob: line 5").await;
    ada.keys("\u{1b}");
    ada.shows("bob: line 10").await;
    ada.keys("\u{4}");
    assert_eq!(ada.ended().await, 0);
}

#[tokio::test]
async fn a_lost_connection_comes_back_and_nothing_typed_is_lost() {
    let (server, address) = chat_house().await;
    let mut ada = Pty::start(&["chat", "ada", "--connect", &address], 80, 12);
    ada.shows("ada connected!").await;
    drop(server);
    ada.shows("not connected, trying again").await;
    ada.keys("still here\r");
    ada.shows("not sent: there is no connection").await;
    let settings = Settings { chat: Some(address.parse().unwrap()), ..quiet_settings() };
    let _server = TestServer::start_with(settings).await;
    ada.shows("connected again").await;
    let mut bob = Nc::join(&address, "bob").await;
    ada.keys("\r");
    bob.hears("ada: still here").await;
    ada.keys("\u{3}");
    assert_eq!(ada.ended().await, 0);
}

#[tokio::test]
async fn what_goes_wrong_at_first_is_told_on_the_terminal_as_it_was() {
    let (_server, address) = chat_house().await;
    let _ada = Nc::join(&address, "ada").await;
    let mut second = Pty::start(&["chat", "ada", "--connect", &address], 100, 6);
    assert_eq!(second.ended().await, 1);
    second.shows("the name \"ada\" is in use. \"ada2\" is free").await;
    second.gives_back().await;
}
