//! A PostgreSQL cluster for the whole test binary, started when the first test wants it, with a database per test.
//!
//! `SIGNALBOX_POSTGRES_BIN` names the folder of `initdb` and `postgres`; without it the usual places are looked at. A
//! test that needs a database fails where there is none. A supervising shell ends the cluster and removes its folder
//! when this process ends, however it does.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use signalbox::changes::DatabaseUrl;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

use super::eventually;

/// The running cluster.
struct Cluster {
    port: u16,
    /// The certificate with which it speaks TLS, in a file; nobody but itself has signed it.
    certificate: PathBuf,
    /// Its standard input is what the supervisor waits for.
    _supervisor: Child,
}

/// A database of a test's own.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) port: u16,
    /// The file with the certificate of its server.
    pub(crate) certificate: PathBuf,
}

const SUPERVISOR: &str = r#"trap '' INT
"$1/initdb" -D "$2/data" -A trust -U postgres --no-sync --no-instructions >"$2/initdb.log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300 \
  -c ssl=on -c ssl_cert_file="$2/server.crt" -c ssl_key_file="$2/server.key" >"$2/log" 2>&1 &
cat >/dev/null
kill -QUIT $!
wait
rm -rf "$2""#;

fn bin_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("SIGNALBOX_POSTGRES_BIN") {
        return dir.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = debian.chain(std::env::split_paths(&path)).find(|dir| dir.join("initdb").exists());
    found.expect("PostgreSQL: install it (Debian: postgresql) or name its folder by SIGNALBOX_POSTGRES_BIN")
}

/// PostgreSQL refuses to run as root.
fn unprivileged(dir: &Path) -> Command {
    let id = |of: &str| {
        let output = Command::new("id").args([of, "postgres"]).output().expect("id runs");
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    let own = Command::new("id").arg("-u").output().expect("id runs");
    if own.stdout.trim_ascii() != b"0" {
        return Command::new("sh");
    }
    let (uid, gid) = (id("-u").expect("a user postgres"), id("-g").expect("a group postgres"));
    let files = std::fs::read_dir(dir).expect("our own folder").flatten().map(|file| file.path());
    for path in files.chain([dir.to_owned()]) {
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).expect("root may");
    }
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]).arg("sh");
    command
}

impl Cluster {
    fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("signalbox-pg-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder for the cluster");
        let certificate = write_certificate(&dir);
        let port = free_port();
        let supervisor = unprivileged(&dir)
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(bin_dir())
            .arg(&dir)
            .arg(port.to_string())
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a supervisor");
        Self { port, certificate, _supervisor: supervisor }
    }
}

/// A certificate for 127.0.0.1 and its key, which PostgreSQL wants to itself.
fn write_certificate(dir: &Path) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let (certificate, key) = (dir.join("server.crt"), dir.join("server.key"));
    std::fs::write(&certificate, made.cert.pem()).expect("our own folder");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("our own folder");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("our own file");
    certificate
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A client of a database; the connection ends with it.
pub(crate) async fn connect(port: u16, database: &str) -> Option<Client> {
    let text = format!("host=127.0.0.1 port={port} user=postgres dbname={database}");
    let (client, connection) = tokio_postgres::connect(&text, NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client)
}

impl Database {
    /// An empty one, in the cluster of this process.
    pub(crate) async fn create() -> Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Cluster { port, certificate, .. } = CLUSTER.get_or_init(Cluster::start);
        let port = *port;
        let admin = eventually("PostgreSQL to answer", async || connect(port, "postgres").await).await;
        let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // Two databases cannot be copied from the template at the same moment.
        eventually("a database", async || admin.batch_execute(&format!("CREATE DATABASE {name}")).await.ok())
            .await;
        Self { name, port, certificate: certificate.clone() }
    }

    /// An own client, for what another program would do.
    pub(crate) async fn client(&self) -> Client {
        connect(self.port, &self.name).await.expect("the database answers")
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        self.url_by(self.port)
    }

    /// Through another port.
    pub(crate) fn url_by(&self, port: u16) -> DatabaseUrl {
        format!("postgresql://postgres@127.0.0.1:{port}/{}", self.name).parse().expect("a database address")
    }
}

/// A way to the database that can be shut.
pub(crate) struct Gate {
    pub(crate) port: u16,
    to: u16,
    open: Option<CancellationToken>,
}

impl Gate {
    /// Shut at first.
    pub(crate) fn to(database: &Database) -> Self {
        Self { port: free_port(), to: database.port, open: None }
    }

    pub(crate) async fn open(&mut self) {
        let address = ("127.0.0.1", self.port);
        let listener = eventually("the gate's port", async || TcpListener::bind(address).await.ok()).await;
        let (token, to) = (CancellationToken::new(), self.to);
        self.open = Some(token.clone());
        tokio::spawn(token.clone().run_until_cancelled_owned(async move {
            while let Ok((mut inner, _)) = listener.accept().await {
                let token = token.clone();
                tokio::spawn(token.run_until_cancelled_owned(async move {
                    if let Ok(mut outer) = TcpStream::connect(("127.0.0.1", to)).await {
                        let _ = copy_bidirectional(&mut inner, &mut outer).await;
                    }
                }));
            }
        }));
    }

    /// Ends every connection and takes no further ones.
    pub(crate) fn shut(&mut self) {
        if let Some(open) = self.open.take() {
            open.cancel();
        }
    }
}
