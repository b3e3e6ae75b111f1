//! Writers that are killed or run out of room: the target is the old file or the whole new one.

use gaugelink_lattice::file::{WriteOptions, write_as};
use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{GaugeField, Lattice, LatticeOptions};
use lime_rs::{FileFormat, Precision};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Tells a process of this test program that it is a writer, and where to.
const TARGET: &str = "GAUGELINK_TEST_TARGET";
/// The format that it writes.
const FORMAT: &str = "GAUGELINK_TEST_FORMAT";
/// Bytes at which its files are cut off.
const LIMIT: &str = "GAUGELINK_TEST_LIMIT";

fn options(format: FileFormat) -> WriteOptions<'static> {
    let precision = if format == FileFormat::Milc { Precision::F32 } else { Precision::F64 };
    WriteOptions { plaquette: Some(0.5), link_trace: Some(0.25), ..WriteOptions::new(format, precision) }
}

/// Two configurations that a writer puts into the target in turn.
fn fields() -> [GaugeField<f64, 3>; 2] {
    let lattice = Lattice::new(&[8, 4, 4, 8], LatticeOptions { threads: 2, ..Default::default() }).unwrap();
    [1, 2].map(|seed| GaugeField::random(&lattice, 1.0, Address::new(seed, Purpose::Start)).unwrap())
}

/// The writer: does nothing where nobody asks for it.
#[test]
fn writer() {
    let Ok(target) = std::env::var(TARGET) else { return };
    let format: FileFormat = std::env::var(FORMAT).unwrap().parse().unwrap();
    let fields = fields();
    if let Ok(limit) = std::env::var(LIMIT) {
        let limit = limit.parse().unwrap();
        // SAFETY: plain system calls of this process: writing beyond the limit is to be an error, not a signal.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let size = libc::rlimit { rlim_cur: limit, rlim_max: limit };
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &size), 0);
        }
        let error = write_as(Path::new(&target), &fields[1], 0, &options(format)).unwrap_err();
        println!("refused: {error}");
        return;
    }
    println!("begins");
    for u in fields.iter().cycle() {
        write_as(Path::new(&target), u, 0, &options(format)).unwrap();
    }
}

fn spawn(target: &Path, format: FileFormat, limit: Option<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["writer", "--exact", "--nocapture"]).env(TARGET, target).env(FORMAT, format.name());
    if let Some(limit) = limit {
        command.env(LIMIT, limit.to_string());
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// The line of a writer that begins with `start`, without it.
fn line(child: &mut Child, start: &str) -> String {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
    let found = lines.filter_map(|line| line.split_once(start).map(|(_, rest)| rest.to_owned())).next();
    found.unwrap_or_else(|| panic!("the writer does not say {start}"))
}

/// Both files that the writer writes.
fn whole(folder: &Path, format: FileFormat) -> [Vec<u8>; 2] {
    fields().map(|u| {
        let path = folder.join("whole");
        write_as(&path, &u, 0, &options(format)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        bytes
    })
}

fn others(folder: &Path, target: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path != target).collect()
}

#[test]
fn a_killed_writer_leaves_the_old_file_or_the_whole_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("conf");
    // A fixed sequence of moments (Knuth's MMIX generator).
    let mut state = 1u64;
    let mut unfinished = 0;
    let whole = FileFormat::ALL.map(|format| (format, whole(folder.path(), format)));
    for (i, (format, whole)) in whole.iter().cycle().take(200).enumerate() {
        std::fs::write(&target, b"old").unwrap();
        let mut child = spawn(&target, *format, None);
        line(&mut child, "begins");
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        std::thread::sleep(Duration::from_micros((state >> 33) % 12_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = std::fs::read(&target).unwrap();
        assert!(found == b"old" || whole.contains(&found), "{format}, kill {i}: {} bytes", found.len());
        for path in others(folder.path(), &target) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                name.starts_with(".conf.") && name.ends_with(".tmp"),
                "{name}: not the temporary file's name"
            );
            unfinished += 1;
            std::fs::remove_file(path).unwrap();
        }
    }
    assert!(unfinished > 20, "{unfinished} of 200 writers were killed while they wrote");
}

#[test]
fn without_room_the_old_file_stays_and_the_error_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("conf");
    for format in FileFormat::ALL {
        std::fs::write(&target, b"old").unwrap();
        let mut child = spawn(&target, format, Some(100_000));
        let error = line(&mut child, "refused: ");
        assert!(child.wait().unwrap().success());
        assert!(error.contains("conf") && error.contains("old file"), "{format}: {error}");
        assert_eq!(std::fs::read(&target).unwrap(), b"old", "{format}");
        assert_eq!(others(folder.path(), &target), Vec::<PathBuf>::new(), "{format}");
    }
}
