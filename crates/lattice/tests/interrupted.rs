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
/// What its room is: bytes at which files are cut off, or `disk` for a small one of its own.
const ROOM: &str = "GAUGELINK_TEST_ROOM";

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
    if let Ok(room) = std::env::var(ROOM) {
        return refused(Path::new(&target), format, &fields[1], &room);
    }
    println!("begins");
    for u in fields.iter().cycle() {
        write_as(Path::new(&target), u, 0, &options(format)).unwrap();
    }
}

/// Writes where there is no room, and says what came of it.
fn refused(target: &Path, format: FileFormat, u: &GaugeField<f64, 3>, room: &str) {
    let folder = target.parent().unwrap();
    match room.parse() {
        Ok(bytes) => limit(bytes),
        Err(_) if own_disk(folder) => {}
        Err(_) => return println!("refused: no disk of its own"),
    }
    std::fs::write(target, b"old").unwrap();
    let error = write_as(target, u, 0, &options(format)).unwrap_err();
    assert_eq!(std::fs::read(target).unwrap(), b"old", "{format}");
    assert_eq!(others(folder, target), Vec::<PathBuf>::new(), "{format}");
    println!("refused: {error}");
}

/// Cuts this process's files off: writing beyond is an error, not a signal.
fn limit(bytes: u64) {
    let size = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: plain system calls.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &size), 0);
    }
}

/// Makes a folder a disk of 100 kB that only this process sees; false where it may not.
#[cfg(target_os = "linux")]
fn own_disk(folder: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let folder = std::ffi::CString::new(folder.as_os_str().as_bytes()).unwrap();
    let (none, private) = (std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE);
    // SAFETY: plain system calls with strings that end.
    unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(none, c"/".as_ptr(), none, private, none.cast()) == 0
            && libc::mount(
                c"none".as_ptr(),
                folder.as_ptr(),
                c"tmpfs".as_ptr(),
                0,
                c"size=100k".as_ptr().cast(),
            ) == 0
    }
}

#[cfg(not(target_os = "linux"))]
fn own_disk(_: &Path) -> bool {
    false
}

fn spawn(target: &Path, format: FileFormat, room: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["writer", "--exact", "--nocapture"]).env(TARGET, target).env(FORMAT, format.name());
    command.envs(room.map(|room| (ROOM, room)));
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
    for (room, remedy) in [("100000", "no file of this size"), ("disk", "free space on that disk")] {
        for format in FileFormat::ALL {
            let mut child = spawn(&target, format, Some(room));
            let error = line(&mut child, "refused: ");
            assert!(child.wait().unwrap().success(), "{format}, {room}");
            if error.starts_with("no disk") {
                eprintln!("a full disk was not tested: mounting one needs more rights");
                continue;
            }
            let told =
                error.contains("the old file, if there was one, is as it was") && error.contains(remedy);
            assert!(told && error.contains("conf"), "{format}: {error}");
        }
    }
}
