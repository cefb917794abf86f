//! The end of a process: one signal asks for it, a second one forces it.

use tokio_util::sync::CancellationToken;

/// Cancelled at the first SIGINT or SIGTERM; the process ends at once, with status 130, at the second.
///
/// # Errors
/// When the operating system refuses the signal handlers.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_second {
                tracing::warn!("second signal: ending at once");
                crate::telemetry::flush();
                std::process::exit(130);
            }
            tracing::info!("signal received: shutting down; a second one ends at once");
            first.cancel();
        }
    });
    Ok(token)
}
