//! `cargo xtask bench cache`: a cached row beside `/healthz`, an uncached one beside pgbench, and how soon a change is
//! known.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::http::{self, Load, load};
use crate::process::free_port;
use crate::report::{Spread, cores, quantity, say, table};

/// Measures the cache of patrons.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release binary.
    #[arg(long, value_name = "FILE")]
    signalbox: PathBuf,
    /// The folder of PostgreSQL's programs.
    #[arg(long, value_name = "DIR")]
    postgres: PathBuf,
    /// Runs per case.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Seconds per run.
    #[arg(long, default_value_t = 5.0)]
    secs: f64,
    /// Connections at the same time.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Changes per second while the delay is measured.
    #[arg(long, default_value_t = 1_000)]
    changes_per_sec: u32,
    /// Write the figures to this file as well, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How long a server may take to be there.
const START_DEADLINE: Duration = Duration::from_secs(30);
const SUPERVISOR: &str = r#""$1/initdb" -D "$2/data" -A trust -U postgres >"$2/initdb.log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c max_connections=300 >"$2/log" 2>&1 &
cat >/dev/null
kill -QUIT $!
wait
rm -rf "$2""#;

/// Runs every case in turn and prints the tables.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(0 < args.runs && 0 < args.connections && 0.0 < args.secs, "at least one of each");
    let postgres = Postgres::start(&args.postgres)?;
    postgres.sql("CREATE TABLE patron (id serial PRIMARY KEY, name text, fav_dish text)")?;
    postgres.sql("INSERT INTO patron (name, fav_dish) VALUES ('Ada', 'Soup')")?;
    let secs = Duration::from_secs_f64(args.secs);

    // Without triggers nothing is cached: every read asks the database.
    let relay = Relay::start(&args.signalbox, &postgres, "check")?;
    let (mut uncached, mut pgbench) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        uncached.push(load(relay.port, "/patron/1", "signalbox-cache: miss", args.connections, secs)?);
        pgbench.push(postgres.pgbench(args.connections, args.secs)?);
    }
    drop(relay);

    let relay = Relay::start(&args.signalbox, &postgres, "install")?;
    relay.until("the patrons to be watched", |info| info["tables"][0]["state"] == "watched")?;
    http::get(relay.port, "/patron/1")?;
    let (mut cached, mut alive) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        alive.push(load(relay.port, "/healthz", "200 OK", args.connections, secs)?);
        cached.push(load(relay.port, "/patron/1", "signalbox-cache: hit", args.connections, secs)?);
    }
    let delays = (0..args.runs).map(|_| delay(args, &postgres)).collect::<anyhow::Result<Vec<_>>>()?;

    let rate = |loads: &[Load]| Spread::of(loads.iter().map(|load| load.per_sec).collect());
    let p99 = |loads: &[Load]| Spread::of(loads.iter().map(|load| load.p99_micros).collect());
    let row = |name: &str, loads: &[Load]| vec![name.to_owned(), spread(rate(loads)), micros(p99(loads))];
    let pgbench_rate = Spread::of(pgbench);
    let rows = [
        row("GET /healthz", &alive),
        row("GET /patron/1, cached", &cached),
        row("GET /patron/1, uncached", &uncached),
        vec!["pgbench, the same row, prepared".to_owned(), spread(pgbench_rate), "-".to_owned()],
    ];
    say(&format!(
        "{} connections, {} runs of {} s, median (min to max)",
        args.connections, args.runs, args.secs
    ));
    say(&table(&["case", "per second", "p99"], &rows));
    let of = 100.0 * rate(&cached).median / rate(&alive).median;
    let of_pgbench = 100.0 * rate(&uncached).median / pgbench_rate.median;
    say(&format!("cached: {of:.0} % of /healthz; uncached: {of_pgbench:.0} % of pgbench\n"));
    let figure = |figure: fn(&Delay) -> f64| Spread::of(delays.iter().map(figure).collect());
    let figures = [
        ("p50", figure(|delay| delay.p50_micros)),
        ("p99", figure(|delay| delay.p99_micros)),
        ("longest", figure(|delay| delay.max_micros)),
    ];
    let per_sec = figure(|delay| delay.per_sec);
    say(&format!("a change is known after, at {} changes a second:", quantity(per_sec.median)));
    say(&table(&["", "after"], &figures.map(|(name, spread)| vec![name.to_owned(), micros(spread)])));
    if let Some(path) = &args.json {
        let load = |loads: &[Load]| json!({ "per_sec": rate(loads), "p99_micros": p99(loads) });
        let [p50, p99, longest] = figures.map(|(_, spread)| spread);
        let figures = json!({
            "cores": cores(), "runs": args.runs, "connections": args.connections,
            "healthz": load(&alive), "cached": load(&cached), "uncached": load(&uncached),
            "pgbench_per_sec": pgbench_rate,
            "delay_micros": { "changes_per_sec": per_sec, "p50": p50, "p99": p99, "longest": longest },
        });
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

/// How soon changes were known.
struct Delay {
    per_sec: f64,
    p50_micros: f64,
    p99_micros: f64,
    max_micros: f64,
}

/// A fresh relay hears of changes at a steady rate; its own account of the delay is the result.
fn delay(args: &Args, postgres: &Postgres) -> anyhow::Result<Delay> {
    let relay = Relay::start(&args.signalbox, postgres, "install")?;
    relay.until("the patrons to be watched", |info| info["tables"][0]["state"] == "watched")?;
    let n = (f64::from(args.changes_per_sec) * args.secs).ceil();
    let every = 1.0 / f64::from(args.changes_per_sec);
    let begun = Instant::now();
    postgres.sql(&format!(
        "DO $$ DECLARE begun timestamptz := clock_timestamp(); BEGIN FOR i IN 1..{n} LOOP \
         UPDATE patron SET fav_dish = i::text WHERE id = 1; COMMIT; \
         PERFORM pg_sleep(greatest(0, extract(epoch FROM begun - clock_timestamp()) + i * {every})); END LOOP; END $$"
    ))?;
    let per_sec = n / begun.elapsed().as_secs_f64();
    let info = relay.until("every change", |info| info["received"].as_f64() == Some(n))?;
    let of = |key: &str| info["delay"][key].as_f64().context("the relay's own account");
    Ok(Delay { per_sec, p50_micros: of("p50_us")?, p99_micros: of("p99_us")?, max_micros: of("max_us")? })
}

fn spread(spread: Spread) -> String {
    format!("{} ({} to {})", quantity(spread.median), quantity(spread.min), quantity(spread.max))
}

fn micros(spread: Spread) -> String {
    format!("{:.0} us ({:.0} to {:.0})", spread.median, spread.min, spread.max)
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < START_DEADLINE {
        if let Some(found) = look() {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("waited {START_DEADLINE:?} in vain for {what}")
}

/// A cluster that ends with this value.
struct Postgres {
    bin: PathBuf,
    port: u16,
    supervisor: Child,
}

impl Postgres {
    fn start(bin: &Path) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("signalbox-bench-pg-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        let port = free_port()?;
        let supervisor = unprivileged(&dir)?
            .args(["-c", SUPERVISOR, "supervisor"])
            .args([bin, &dir])
            .arg(port.to_string())
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .spawn()
            .context("a shell for PostgreSQL")?;
        let this = Self { bin: bin.to_owned(), port, supervisor };
        until("PostgreSQL", || this.sql("SELECT 1").ok())?;
        Ok(this)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]);
        command
    }

    fn sql(&self, sql: &str) -> anyhow::Result<()> {
        let output = self.command("psql").args(["-qX", "-v", "ON_ERROR_STOP=1", "-c", sql]).output()?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Reads of the row per second.
    fn pgbench(&self, connections: usize, secs: f64) -> anyhow::Result<f64> {
        let script = std::env::temp_dir().join(format!("signalbox-bench-{}.sql", std::process::id()));
        std::fs::write(&script, "SELECT id, name, fav_dish FROM patron WHERE id = 1;\n")?;
        let (clients, secs) = (connections.to_string(), secs.ceil().to_string());
        let options = ["-n", "-M", "prepared", "-j", "2", "-c", &clients, "-T", &secs, "-f"];
        let output = self.command("pgbench").args(options).arg(&script).arg("postgres").output();
        std::fs::remove_file(&script)?;
        let output = output?;
        let text = String::from_utf8_lossy(&output.stdout);
        let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        tps.with_context(|| format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// PostgreSQL refuses to run as root.
fn unprivileged(dir: &Path) -> anyhow::Result<Command> {
    let id = |option: &str, user: Option<&str>| -> anyhow::Result<u32> {
        let output = Command::new("id").arg(option).args(user).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    };
    if id("-u", None)? != 0 {
        return Ok(Command::new("sh"));
    }
    let (uid, gid) = (id("-u", Some("postgres"))?, id("-g", Some("postgres"))?);
    std::os::unix::fs::chown(dir, Some(uid), Some(gid))?;
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]).arg("sh");
    Ok(command)
}

/// A relay that ends with this value. Its log goes to a file, as a service's does.
struct Relay {
    port: u16,
    process: Child,
}

impl Relay {
    fn start(binary: &Path, postgres: &Postgres, setup: &str) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = std::env::temp_dir().join(format!("signalbox-bench-{}.log", std::process::id()));
        let process = Command::new(binary)
            .args([
                "serve",
                "--broker",
                "off",
                "--chat",
                "off",
                "--collector-sub",
                "off",
                "--collector-pull",
                "off",
            ])
            .args(["--http", &format!("127.0.0.1:{port}"), "--database-setup", setup])
            .args(["--database-url", &format!("postgresql://postgres@127.0.0.1:{}/postgres", postgres.port)])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        std::fs::remove_file(&log)?;
        let this = Self { port, process };
        this.until("the relay to listen", |info| info["link"] == "up")?;
        Ok(this)
    }

    /// Waits until what the relay says of its database fits, and gives that.
    fn until(&self, what: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        until(what, || {
            let body = http::get(self.port, "/api/changes").ok()?;
            let mut answer: Value = serde_json::from_str(&body).ok()?;
            Some(answer["info"].take()).filter(|info| fits(info))
        })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
