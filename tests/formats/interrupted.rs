//! What a signal ends: nothing half-written stays, and the old file does.

use crate::program::run;
use crate::written::Folder;
use lime_rs::{AtomicFile, Precision};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Unfinished files in a folder.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| AtomicFile::is_temporary(path.file_name().unwrap())).collect()
}

/// Converts `from` onto `to` and sends a signal as soon as something is written, if it is still running then. Hangups have
/// their usual meaning, or are ignored, as under `nohup`.
fn interrupted(from: &Path, to: &Path, signal: &str, hangups: libc::sighandler_t) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gaugelink"));
    command.args(["ildg", "convert", "--to", "openqcd", "--force"]).args([from, to]);
    stopped(command, || !unfinished(to.parent().unwrap()).is_empty(), signal, hangups)
}

/// Runs a command, and sends a signal as soon as it has begun to write.
fn stopped(
    mut command: Command,
    has_begun: impl Fn() -> bool,
    signal: &str,
    hangups: libc::sighandler_t,
) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let prepare = move || {
        // SAFETY: a plain system call, of those that may stand between fork and exec.
        unsafe { libc::signal(libc::SIGHUP, hangups) };
        Ok(())
    };
    // SAFETY: it makes that call and nothing else.
    let mut child = unsafe { command.pre_exec(prepare) }.spawn().unwrap();
    while !has_begun() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    // A process that has ended is there until it is waited for.
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

#[test]
fn a_signal_leaves_the_old_file_and_no_unfinished_one() {
    let folder = Folder::new();
    let from = folder.field::<3>("from", &[16, 16, 16, 8], Precision::F64, |_| ());
    std::fs::create_dir(folder.path("out")).unwrap();
    let to = folder.path("out/conf");
    for signal in ["INT", "TERM", "HUP"] {
        // A fast machine may be done before the signal comes.
        let stopped = (0..20).any(|_| {
            std::fs::write(&to, b"old").unwrap();
            let answer = interrupted(&from, &to, signal, libc::SIG_DFL);
            assert_eq!(unfinished(to.parent().unwrap()), Vec::<PathBuf>::new(), "{signal}");
            let said = String::from_utf8(answer.stderr).unwrap();
            if answer.status.success() {
                assert_eq!(run("ildg diff", &[&from, &to]).status, 0);
                return false;
            }
            assert_eq!(answer.status.code(), Some(1), "{signal}: {said}");
            assert!(said.contains("out/conf: writing was stopped"), "{signal}: {said}");
            assert_eq!(std::fs::read(&to).unwrap(), b"old");
            true
        });
        assert!(stopped, "{signal} never came in time");
    }
    for _ in 0..3 {
        let answer = interrupted(&from, &to, "HUP", libc::SIG_IGN);
        assert!(answer.status.success(), "hangups are ignored: {}", String::from_utf8_lossy(&answer.stderr));
    }
}

/// Draws that a signal stopped are whole files, and the same command goes on.
#[test]
fn a_signal_ends_draws_between_files() {
    let folder = Folder::new();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/models/u1-l16-beta7.safetensors");
    for signal in ["INT", "HUP"] {
        let draws = folder.path(signal);
        let reproduce = |count: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gaugelink"));
            command.args(["reproduce", model, "--seed", "3", "--count", count, "--folder"]).arg(&draws);
            command
        };
        let files = || std::fs::read_dir(&draws).map_or(0, |entries| entries.count());
        let has_drawn = || draws.join("draw-000000.lime").exists();
        let answer = stopped(reproduce("2000"), has_drawn, signal, libc::SIG_DFL);
        let said = String::from_utf8(answer.stderr).unwrap();
        assert!(answer.status.code() == Some(1) && said.contains("writing was stopped"), "{signal}: {said}");
        assert_eq!(unfinished(&draws), Vec::<PathBuf>::new(), "{signal}");
        let whole = files();
        assert!((1..2000).contains(&whole), "{signal}: {whole} files");
        let again = reproduce(&(whole + 1).to_string()).output().unwrap();
        let said = String::from_utf8(again.stdout).unwrap();
        assert_eq!((said.matches("the same").count(), said.matches("written").count()), (whole, 1), "{said}");
    }
}
