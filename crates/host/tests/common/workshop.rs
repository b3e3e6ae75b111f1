//! Makes mutants of the plugin in C.

use gaugelink_host::conformance::{Options, Outcome, Report, check};
use std::path::{Path, PathBuf};
use std::process::Command;

pub const FLOW: &str = "identity";
pub const FORCE: &str = "wilson";
pub const PRECOND: &str = "jacobi";
pub const PROPOSAL: &str = "shake";

/// File, what stands there, what stands there instead, component, check that fails.
pub type Mutant = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// The plugin's files, compiled once, and a folder for what is made of them.
pub struct Workshop {
    source: PathBuf,
    folder: tempfile::TempDir,
    files: Vec<String>,
}

impl Workshop {
    pub fn new() -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/minimal-c/src");
        let listed = std::fs::read_dir(&source).expect("the plugin is there");
        let files: Vec<String> = listed
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".c"))
            .collect();
        let workshop = Self { source, folder: tempfile::tempdir().expect("a folder"), files };
        for file in &workshop.files {
            workshop.compile(&workshop.source.join(file), &workshop.object(file));
        }
        workshop
    }
    fn object(&self, file: &str) -> PathBuf {
        self.folder.path().join(file).with_extension("o")
    }
    fn compile(&self, from: &Path, to: &Path) {
        let include = self.source.join("../../../include");
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-O1", "-w", "-fPIC", "-fvisibility=hidden", "-c", "-I"]).arg(include);
        cc.arg("-I").arg(&self.source).arg("-o").arg(to).arg(from);
        assert!(cc.status().expect("cc runs").success(), "{} compiles", from.display());
    }
    /// The plugin with one file replaced by `object`.
    pub fn linked(&self, name: &str, replaced: &str, object: &Path) -> PathBuf {
        let objects =
            self.files.iter().map(|file| if file == replaced { object.into() } else { self.object(file) });
        self.link(name, objects)
    }
    fn link(&self, name: &str, objects: impl Iterator<Item = PathBuf>) -> PathBuf {
        let library = self.folder.path().join(format!("libglk_{name}.so"));
        let status =
            Command::new("cc").args(["-shared", "-o"]).arg(&library).args(objects).arg("-lm").status();
        assert!(status.expect("cc runs").success(), "{name} links");
        library
    }
    fn mutated(&self, name: &str, (file, from, to, ..): Mutant) -> PathBuf {
        let text = std::fs::read_to_string(self.source.join(file)).expect("a file of the plugin");
        assert!(text.contains(from), "{file} has no {from:?}: change the table");
        if file.ends_with(".h") {
            return self.with_header(name, file, &text.replace(from, to));
        }
        let (copy, object) =
            (self.folder.path().join(format!("{name}.c")), self.folder.path().join(format!("{name}.o")));
        std::fs::write(&copy, text.replace(from, to)).expect("written");
        self.compile(&copy, &object);
        self.linked(name, file, &object)
    }
}

impl Workshop {
    /// The plugin, all of it compiled anew with this text of a header.
    fn with_header(&self, name: &str, header: &str, text: &str) -> PathBuf {
        // A header in quotes is looked for beside the file first.
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join(header), text).expect("written");
        let objects = self.files.iter().map(|file| {
            let copy = folder.join(file);
            std::fs::copy(self.source.join(file), &copy).expect("copied");
            self.compile(&copy, &copy.with_extension("o"));
            copy.with_extension("o")
        });
        self.link(name, objects)
    }
}

/// What the checks of one component say.
pub fn checked(library: &Path, component: &str, options: &Options) -> Report {
    let only = Some(format!("org.gaugelink.minimal.{component}"));
    check(library, &Options { only, ..options.clone() }).expect("it opens")
}

/// Names of the checks that failed.
pub fn failed(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| check.outcome == Outcome::Failed).map(|check| check.name).collect()
}

/// Each mutant fails its check.
pub fn every_one_is_found(kind: &str, mutants: &[Mutant], options: &Options) {
    let workshop = Workshop::new();
    let mut missed = Vec::new();
    for (i, mutant) in mutants.iter().enumerate() {
        let (file, _, to, component, name) = mutant;
        let found = failed(&checked(&workshop.mutated(&format!("{kind}{i}"), *mutant), component, options));
        println!("{component:9} {file:10} {to:60} {found:?}");
        if !found.contains(name) {
            missed.push(format!("{file}, {to:?}: {name} did not fail, only {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
