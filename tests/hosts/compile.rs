//! Installs the library as a user does, compiles programs against it and runs them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Every warning is an error.
const FLAGS: [&str; 7] = ["-std=c++17", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// Where the tests install and compile: one folder of the build, emptied when they begin.
pub struct Place {
    folder: PathBuf,
}

/// How a program gets the library.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    Shared,
    Static,
    /// Only the headers.
    None,
}

/// The installed library; `None`, with a line that says so, where there is no C++ compiler or no pkg-config.
pub fn installed() -> Option<&'static Place> {
    static PLACE: OnceLock<Result<Place, &str>> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let absent = |tool: &&str| Command::new(tool).arg("--version").output().is_err();
        ["g++", "pkg-config"].into_iter().find(absent).map_or_else(|| Ok(Place::new()), Err)
    });
    place.as_ref().inspect_err(|tool| println!("skipped: there is no {tool} on this machine")).ok()
}

impl Place {
    fn new() -> Self {
        // The first tree is moved: an installation is where it stands, not where it was made.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hosts");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let (first, prefix) = (folder.join("first"), folder.join("prefix"));
        let built = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ffi/install.sh");
        run(Command::new(script).arg(&first).arg(built));
        std::fs::rename(first, prefix).unwrap();
        Self { folder }
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
    /// A plugin of the installation.
    pub fn plugin(&self, name: &str) -> PathBuf {
        self.path(&format!("prefix/lib/gaugelink/plugins/libglk_{name}.so"))
    }
    /// What pkg-config says, or what it would say.
    fn flags(&self, arguments: &[&str]) -> Vec<String> {
        let output = run(Command::new("pkg-config")
            .args(arguments)
            .arg("gaugelink")
            .env("PKG_CONFIG_PATH", self.path("prefix/lib/pkgconfig")));
        String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
    }
    /// Compiles a source file and gives the program.
    pub fn compile(&self, source: &Path, name: &str, link: Link) -> PathBuf {
        let program = self.path(name);
        let mut compiler = Command::new("g++");
        compiler.args(FLAGS).arg(source).arg("-o").arg(&program);
        let lib = self.path("prefix/lib");
        match link {
            Link::Shared => compiler
                .args(self.flags(&["--cflags", "--libs"]))
                .arg(format!("-Wl,-rpath,{}", lib.display())),
            Link::Static => compiler.args(self.flags(&["--cflags"])).arg(lib.join("libgaugelink.a")).args([
                "-lgcc_s",
                "-lpthread",
                "-ldl",
                "-lm",
            ]),
            Link::None => compiler.args(self.flags(&["--cflags"])).arg("-ldl"),
        };
        run(&mut compiler);
        program
    }
    /// One of the hosts of this folder.
    pub fn host(&self, name: &str, link: Link) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/hosts/{name}.cpp"));
        let program = match link {
            Link::Static => format!("{name}-static"),
            _ => name.to_owned(),
        };
        if self.path(&program).exists() {
            return self.path(&program);
        }
        // Tests run at the same time: compile under a name of one's own.
        let own = format!("{program}-{:?}", std::thread::current().id());
        let compiled = self.compile(&source, &own, link);
        std::fs::rename(compiled, self.path(&program)).unwrap();
        self.path(&program)
    }
}

/// Runs a command that has to succeed, without cargo's own search path for libraries.
pub fn run(command: &mut Command) -> Output {
    let output =
        command.env_remove("LD_LIBRARY_PATH").output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// What a plugin is and how it is set.
pub struct Choice {
    pub file: PathBuf,
    pub config: String,
}

/// The command line of a host: file in, file out, flow, force, preconditioner.
pub fn command(program: &Path, input: &Path, output: &Path, choices: &[Choice; 3]) -> Command {
    let mut command = Command::new(program);
    command.arg(input).arg(output);
    for choice in choices {
        command.arg(&choice.file).arg(&choice.config);
    }
    command
}

/// The lines "name value" of a host.
pub struct Answers(HashMap<String, String>);

impl Answers {
    pub fn of(output: &Output) -> Self {
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let pair = |line: &str| line.split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(text.lines().filter_map(pair).collect())
    }
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
    }
    pub fn number(&self, name: &str) -> f64 {
        self.text(name).parse().unwrap_or_else(|_| panic!("{name} is {}", self.text(name)))
    }
    /// The numbers `name_0`, `name_1` and on.
    pub fn all_close(&self, name: &str, expected: &[f64], tolerance: f64) {
        for (i, &expected) in expected.iter().enumerate() {
            self.close(&format!("{name}_{i}"), expected, tolerance);
        }
    }
    /// Names with the status that each was refused with and a word of the sentence.
    pub fn refused(&self, refusals: &[(&str, &str, &str)]) {
        for (name, code, word) in refusals {
            let answer = self.text(name);
            assert!(answer.starts_with(&format!("{code} ")) && answer.contains(word), "{name}: {answer}");
        }
    }
    pub fn close(&self, name: &str, expected: f64, tolerance: f64) {
        let found = self.number(name);
        let scale = expected.abs().max(1.0);
        assert!((found - expected).abs() <= tolerance * scale, "{name}: {found} instead of {expected}");
    }
}
