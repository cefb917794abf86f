//! Three agents that have been at work for five minutes and go on, made up, so that a picture shows what charts are for.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How far back their samples reach, at one a second.
const PAST_SECS: i32 = 300;

/// The agents; they stop when it is dropped.
pub struct Fleet {
    _until_dropped: mpsc::Sender<()>,
}

impl Fleet {
    /// Starts them; they push to a collector's port.
    pub fn start(port: u16) -> Self {
        let (sender, dropped) = mpsc::channel();
        std::thread::spawn(move || run(port, &dropped).expect("the collector takes samples"));
        Self { _until_dropped: sender }
    }
}

fn run(port: u16, dropped: &mpsc::Receiver<()>) -> zmq::Result<()> {
    let socket = zmq::Context::new().socket(zmq::PUSH)?;
    // Nobody waits for what cannot be delivered when the test is over.
    socket.set_linger(0)?;
    socket.connect(&format!("tcp://127.0.0.1:{port}"))?;
    let (started, start) = (jiff::Timestamp::now(), Instant::now());
    for second in -PAST_SECS.. {
        // Each at its own moment: charts are little more than a second behind, and must not overtake the samples.
        if let Ok(secs @ 1..) = u64::try_from(second) {
            let due_in = (start + Duration::from_secs(secs)).saturating_duration_since(Instant::now());
            if dropped.recv_timeout(due_in) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        let timestamp = started + jiff::SignedDuration::from_secs(second.into());
        for sample in samples(second.into(), &timestamp.to_string()) {
            socket.send(sample.to_string().as_bytes(), 0)?;
        }
    }
    Ok(())
}

/// Busy red, blue that leaks a little, green that leaks much and starts anew.
fn samples(x: f64, timestamp: &str) -> [Value; 3] {
    let wave = |period: f64| (x / period).sin() + 0.4 * (x / period * 3.7).sin();
    let green_mb = 90.0 + (x + f64::from(PAST_SECS)) * 0.9 % 140.0;
    [
        json!({ "color": "red", "timestamp": timestamp, "cpu": 55.0 + 20.0 * wave(17.0), "mem": 48.0 + wave(40.0) }),
        json!({ "color": "blue", "timestamp": timestamp, "cpu": 18.0 + 9.0 * wave(29.0), "mem": 64.0 + x * 0.05 }),
        json!({ "color": "green", "timestamp": timestamp, "cpu": 30.0 + 14.0 * wave(11.0), "mem": green_mb }),
    ]
}
