//! Equal seeds give equal bytes: for any threads, ranks, and batch or not.

use crate::program::{SMALL, Scratch, assert_same, json_lines};
use gaugelink_lattice::Isa;
use std::path::Path;

#[test]
fn threads_and_ranks_change_no_byte() {
    let scratch = Scratch::new(SMALL);
    let variants = [
        ("t1", "machine.threads=1"),
        ("t2", "machine.threads=2"),
        ("t3", "machine.threads=3"),
        ("pinned", "machine.pin=true"),
        ("r2", "machine.ranks=[1,1,1,2]"),
        ("r4", "machine.ranks=[1,2,1,2]"),
        ("r4x", "machine.ranks=[2,2,1,1]"),
        ("planned", "machine.plans=plans.toml"),
        ("planned-again", "machine.plans=plans.toml"),
    ];
    for (name, setting) in variants {
        let directory = format!("run.directory={name}");
        scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", setting]);
        assert_same(&scratch.path("t1"), &scratch.path(name));
    }
    let plans = std::fs::read_to_string(scratch.path("plans.toml")).unwrap();
    assert!(plans.contains("hop, colours 3"), "{plans}");
}

/// On a lattice where the worst link of a trajectory forth and back is on one rank only.
#[test]
fn extremes_are_those_of_all_ranks() {
    let hmc = "[[stage]]\nkind = \"hmc\"\ntrajectories = 2\nsteps = 20\n[[stage]]\nkind = \"write\"\nfile = \"end.lime\"\n";
    let (head, _) = SMALL.split_once("[[stage]]").unwrap();
    let scratch = Scratch::new(&format!("{}{hmc}", head.replace("[4, 4, 4, 8]", "[8, 8, 8, 8]")));
    for (name, ranks) in [("one", "[1]"), ("four", "[1,1,2,2]"), ("other", "[2,2,1,1]")] {
        let (directory, ranks) = (format!("run.directory={name}"), format!("machine.ranks={ranks}"));
        scratch.succeeds(&["run", "run.toml", "--set", &directory, "--set", &ranks]);
        assert_same(&scratch.path("one"), &scratch.path(name));
    }
}

#[test]
fn vector_units_change_no_byte() {
    let through_a_flow = "[[stage]]\nkind = \"fthmc\"\ntrajectories = 2\nsteps = 2\n\
                          flow = { plugin = \"flow\", config = { kind = \"residual\", rho = 0.1 } }\n";
    let scratch = Scratch::new(&format!("{SMALL}{through_a_flow}"));
    for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon] {
        // A machine without the unit takes its best one.
        let directory = format!("run.directory={}", isa.name());
        let mut program = scratch.program(&["run", "run.toml", "--set", &directory]);
        let output = program.env("GAUGELINK_ISA", isa.name()).output().unwrap();
        assert!(output.status.success(), "{}: {}", isa.name(), String::from_utf8_lossy(&output.stderr));
        let [first, this] = [Isa::Portable, isa].map(|isa| scratch.path(isa.name()));
        assert_same(&first, &this);
        assert_same_checkpoint(&first, &this);
        let timings = std::fs::read_to_string(this.join("timings.jsonl")).unwrap();
        for line in json_lines(&timings) {
            let used = line["vector_instructions"].as_str().unwrap();
            assert!(used == format!("{isa:?}") || !isa.is_available(), "{}: {used}", isa.name());
        }
    }
}

/// Every layer that can be trained, there and back.
#[test]
fn vector_units_change_no_parameter() {
    let head = "[run]\nseed = 1\ndirectory = \"x\"\n[action]\nbeta = 2.0\n";
    let steps = "[train]\nsteps = 2\nbatch = 16\nlearning_rate = 1e-2\nsamples = 16\n";
    for (group, model) in [
        ("U(1)", "kind = \"u1-coupling\"\nlayers = 8"),
        ("U(1)", "kind = \"u1-coupling\"\nlayers = 8\nmap = \"spline\"\ncontext = \"loops\""),
        ("U(1)", "kind = \"u1-block\"\nlayers = 4"),
        ("SU(2)", "kind = \"loop-flow\"\nloops = \"next\"\nknots = 2\nsteps = 2"),
    ] {
        let lattice = format!("[lattice]\ngroup = \"{group}\"\nextents = [4, 4]\n[model]\n{model}\n");
        let fitted = "[fit]\nsamples = 16\n[evaluate]\nsamples = 16\nstep_error = 1.0\n";
        let judged = if group == "U(1)" { "" } else { fitted };
        let scratch = Scratch::new(&format!("{head}{lattice}{steps}{judged}"));
        let trained = |isa: Isa| {
            let directory = format!("run.directory={}", isa.name());
            let mut program = scratch.program(&["train", "run.toml", "--set", &directory]);
            let output = program.env("GAUGELINK_ISA", isa.name()).output().unwrap();
            assert!(output.status.success(), "{model}: {}", String::from_utf8_lossy(&output.stderr));
            std::fs::read(scratch.path(isa.name()).join("model.safetensors")).unwrap()
        };
        let portable = trained(Isa::Portable);
        for isa in [Isa::Avx2, Isa::Avx512, Isa::Neon] {
            assert!(trained(isa) == portable, "{model}: {} gives other parameters", isa.name());
        }
    }
}

/// State and links, under the same names.
fn assert_same_checkpoint(a: &Path, b: &Path) {
    let files = |directory: &Path| {
        let entries =
            std::fs::read_dir(directory.join("checkpoint")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries
            .map(|path| (path.file_name().unwrap().to_owned(), std::fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let (left, right) = (files(a), files(b));
    assert!(
        left.len() >= 2,
        "a state and links: {:?}",
        left.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    assert!(left == right, "the checkpoint differs between {} and {}", a.display(), b.display());
}

#[test]
fn another_seed_gives_other_bytes() {
    let scratch = Scratch::new(SMALL);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=a"]);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=b", "--set", "run.seed=6"]);
    let read = |name: &str| std::fs::read(scratch.path(name)).unwrap();
    assert_ne!(read("a/measurements.jsonl"), read("b/measurements.jsonl"));
    assert_ne!(read("a/end.lime"), read("b/end.lime"));
}

/// The first chain of a batch is the chain that would have run alone.
#[test]
fn a_batch_holds_the_chain_alone() {
    let plane = SMALL.replace("[4, 4, 4, 8]", "[8, 8]").replace("SU(3)", "U(1)").replace("5.7", "2.0");
    let (head, tail) = plane.split_once("[[stage]]\nkind = \"flow\"").unwrap();
    let (_, write) = tail.split_once("mass = 0.2\n").unwrap();
    let scratch = Scratch::new(&format!("{head}{write}"));
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=one"]);
    scratch.succeeds(&["run", "run.toml", "--set", "run.directory=many", "--set", "run.chains=5"]);
    let lines = |name: &str| json_lines(&std::fs::read_to_string(scratch.path(name)).unwrap());
    let first = |line: &serde_json::Value| line["chain"] == 0 && line["kind"] != "reversibility";
    let mut of_batch: Vec<_> = lines("many/measurements.jsonl").into_iter().filter(first).collect();
    let mut alone: Vec<_> = lines("one/measurements.jsonl").into_iter().filter(first).collect();
    // Names of files, and the largest unitarity violation of all chains, may differ.
    of_batch.iter_mut().chain(&mut alone).for_each(|line| {
        let line = line.as_object_mut().unwrap();
        line.remove("file");
        line.remove("unitarity");
    });
    assert_eq!(of_batch, alone);
    assert!(scratch.path("many/end-4.lime").exists());
}
