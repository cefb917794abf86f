//! A cable between page and relay that a test can cut and mend: a TCP forwarder that knows nothing of what it carries.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The cable; it ends when dropped.
pub struct Cut {
    port: u16,
    /// Whether anything goes through.
    is_whole: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Cut {
    /// Lays a cable to a port of the loopback interface.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port is free");
        let own_port = listener.local_addr().expect("it is bound").port();
        let (is_whole, watched) = watch::channel(true);
        let task = tokio::spawn(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else { return };
                tokio::spawn(forward(near, port, watched.clone()));
            }
        });
        Self { port: own_port, is_whole, task }
    }

    /// An address through the cable.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Ends every connection, and every new one at once.
    pub fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    /// Lets new connections through.
    pub fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut near: TcpStream, port: u16, mut is_whole: watch::Receiver<bool>) {
    if !*is_whole.borrow() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = is_whole.wait_for(|is_whole| !is_whole) => {}
    }
}
