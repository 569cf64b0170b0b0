//! Signals that stop the process: the first stops it gracefully, the second at once.

use std::io;

use tokio::sync::watch;

/// Counts the signals to stop.
#[derive(Clone, Debug)]
pub struct StopSignals {
    asked: watch::Receiver<u32>,
}

impl StopSignals {
    /// Completes once the process has received `number` signals to stop.
    pub async fn times(mut self, number: u32) {
        // The sender is gone, so no signal will come.
        if self.asked.wait_for(|asked| *asked >= number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Listens for SIGTERM and SIGINT, or Ctrl-C on systems without signals.
///
/// # Errors
/// The system does not allow this program to listen.
pub fn stop_signals() -> io::Result<StopSignals> {
    let (tell, asked) = watch::channel(0);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tell.send_modify(|times| *times += 1);
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            tell.send_modify(|times| *times += 1);
        }
    });
    Ok(StopSignals { asked })
}
