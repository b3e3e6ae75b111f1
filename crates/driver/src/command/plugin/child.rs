//! A process of its own for a plugin, which may crash, end, hang or write from it.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How the process ended.
pub(super) enum End {
    Exit(ExitStatus),
    Hung,
}

/// Waits for the process; one that adds nothing to the file `told` for too long is killed.
pub(super) fn wait(mut child: Child, told: &Path, timeout: Duration) -> std::io::Result<End> {
    let (mut before, mut since) = (0, Instant::now());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exit(status));
        }
        let length = std::fs::metadata(told).map_or(0, |file| file.len());
        if length != before {
            (before, since) = (length, Instant::now());
        } else if since.elapsed() > timeout {
            child.kill()?;
            child.wait()?;
            return Ok(End::Hung);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How it ended, in words; `limit` are those of the time that it had.
pub(super) fn ended(end: &End, limit: &str) -> String {
    let status = match end {
        End::Hung => return format!("it did not come back within {limit}"),
        End::Exit(status) => status,
    };
    match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let names = [
                (4, "SIGILL"),
                (6, "SIGABRT"),
                (7, "SIGBUS"),
                (8, "SIGFPE"),
                (9, "SIGKILL"),
                (11, "SIGSEGV"),
            ];
            let name = names.iter().find(|(number, _)| *number == signal).map_or("", |(_, name)| name);
            format!("the process was killed by signal {signal} {name}")
        }
        (None, code) => format!("the process was ended with exit status {}", code.unwrap_or_default()),
    }
}
