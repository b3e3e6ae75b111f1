//! Averages, and results that are kept: whatever the jobs and interruptions, the same.

use super::{Ensemble, LENGTH, name, of_kind};
use crate::program::gaugelink;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_sound_ensemble_is_in_order_and_averaged() {
    let ensemble = Ensemble::new();
    let before = ensemble.content();
    let answer = ensemble.run("verify --json", "out");
    let lines = answer.lines();
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{}", answer.stdout);
    let files = of_kind(&lines, "file");
    assert_eq!(files.len(), LENGTH);
    let mut sum = 0.0;
    for (i, file) in files.iter().enumerate() {
        assert_eq!((&file["ok"], &file["read"]), (&true.into(), &true.into()), "{file}");
        assert_eq!(file["number"], 1000 + 10 * i as u64);
        let alone = gaugelink([
            Path::new("ildg"),
            Path::new("verify"),
            Path::new("--json"),
            &ensemble.file(&name(1000 + 10 * i)),
        ])
        .line();
        for key in ["plaquette", "link_trace", "suma", "sumb", "crc_cksum", "checksum", "unitarity"] {
            assert_eq!(file[key], alone[key], "{key}");
        }
        sum += file["plaquette"].as_f64().unwrap();
    }
    let results = of_kind(&lines, "result");
    assert_eq!((results.len(), &results[0]["quantity"]), (1, &"plaquette".into()));
    assert!((results[0]["value"].as_f64().unwrap() - sum / LENGTH as f64).abs() < 1e-14);
    assert!(results[0]["error"].as_f64().unwrap() > 0.0 && results[0]["tau_int"].as_f64().unwrap() > 0.0);
    let summary = of_kind(&lines, "summary")[0];
    assert_eq!(
        (&summary["first"], &summary["last"], &summary["stride"]),
        (&1000.into(), &1230.into(), &10.into())
    );
    assert_eq!((&summary["averaged"], &summary["wrong"]), (&(LENGTH as u64).into(), &0.into()));
    assert_eq!(summary["ensemble"], "SU(3) on 4x4x4x4, f64, ildg");
    for name in [
        "files.jsonl",
        "results.jsonl",
        "table.txt",
        "plots/plaquette-history.svg",
        "plots/plaquette-autocorrelation.svg",
    ] {
        assert!(ensemble.out("out").join(name).is_file(), "{name}");
    }
    // Nothing is read twice, and text says the same.
    let again = ensemble.run("verify --json", "out");
    assert!(of_kind(&again.lines(), "file").iter().all(|file| file["read"] == false));
    let text = ensemble.run("verify", "out");
    assert!(
        text.status == 0
            && text.stdout.contains("1000 to 1230 by 10: 24 of 24 configurations averaged, in order")
    );
    assert!(ensemble.content() == before, "the data are not touched");
}

#[test]
fn any_number_of_jobs_gives_the_same_bytes() {
    let ensemble = Ensemble::new();
    fs::write(ensemble.file(&name(1100)), b"short").unwrap();
    let measured = |jobs: usize, out: &str| {
        let answer = ensemble.run(&format!("measure --json --flow 0.1 --jobs {jobs}"), out);
        assert_eq!(answer.status, 1);
        let mut files = vec![("output".to_owned(), answer.stdout.replace(out, "").into_bytes())];
        for name in ["files.jsonl", "results.jsonl", "table.txt"] {
            files.push((name.into(), fs::read(ensemble.out(out).join(name)).unwrap()));
        }
        let plots = fs::read_dir(ensemble.out(out).join("plots")).unwrap().map(|entry| entry.unwrap().path());
        let mut plots: Vec<_> = plots.collect();
        plots.sort();
        files.extend(
            plots.into_iter().map(|path| {
                (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
            }),
        );
        files
    };
    let one = measured(1, "one");
    for jobs in [2, 5] {
        let many = measured(jobs, &format!("jobs{jobs}"));
        for ((name, a), (_, b)) in one.iter().zip(&many) {
            assert!(a == b, "{name} differs with {jobs} jobs");
        }
        assert_eq!(one.len(), many.len());
    }
    let lines = ensemble.run("measure --json --flow 0.1", "one").lines();
    let quantities: Vec<&str> =
        of_kind(&lines, "result").iter().map(|row| row["quantity"].as_str().unwrap()).collect();
    let expected = [
        "plaquette",
        "spatial plaquette",
        "temporal plaquette",
        "link trace",
        "|Polyakov loop|",
        "t^2 E",
        "charge",
        "charge^2",
        "t0",
    ];
    assert_eq!(quantities, expected);
    assert!(of_kind(&lines, "file").iter().all(|file| file["read"] == false));
    // Another flow is measured anew; without one, what is known is enough.
    let fresh =
        |words: &str| ensemble.run(words, "one").lines().iter().filter(|line| line["read"] == true).count();
    assert_eq!((fresh("verify --json"), fresh("measure --json --flow 0.05")), (0, LENGTH - 1));
    assert_eq!(fresh("verify --json --again"), LENGTH - 1);
}

#[test]
fn killed_calls_go_on_and_end_the_same() {
    let ensemble = Ensemble::new();
    let words = "measure --json --flow 2 --jobs 2";
    let whole = ensemble.run(words, "whole");
    assert_eq!(whole.status, 0, "{}", whole.stderr);
    let log = ensemble.out("killed/files.jsonl");
    let lines = || fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    for stop in [3, 9] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gaugelink"))
            .args(ensemble.arguments(words, "killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while lines() < stop && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(120), "it does not get on");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Half a line, as a full disk leaves it.
    let done = lines();
    assert!((9..LENGTH).contains(&done), "killed in the middle: {done}");
    let text = fs::read(&log).unwrap();
    fs::write(&log, &text[..text.len() - 30]).unwrap();
    let answer = ensemble.run(words, "killed");
    let read = answer.lines().iter().filter(|line| line["read"] == true).count();
    assert_eq!((answer.status, read), (0, LENGTH - done + 1));
    for name in ["files.jsonl", "results.jsonl", "table.txt", "plots/flow.svg"] {
        let [a, b] = ["whole", "killed"].map(|out| fs::read(ensemble.out(out).join(name)).unwrap());
        assert!(a == b, "{name}");
    }
}

#[test]
fn patterns_and_mistakes() {
    let ensemble = Ensemble::new();
    let listed = |pattern: &str| {
        let path = ensemble.file(pattern);
        gaugelink(["ensemble", "list", "--json", path.to_str().unwrap()])
    };
    let answer = listed("conf.10?0.lime");
    assert_eq!((answer.status, of_kind(&answer.lines(), "file").len()), (0, 10));
    for (pattern, reason) in
        [("missing", "no such folder or file"), ("conf.2*", "fits none"), ("a[", "pattern")]
    {
        let answer = listed(pattern);
        assert!(answer.status == 2 && answer.stderr.contains(reason), "{pattern}: {}", answer.stderr);
    }
    // The same files by two ways.
    let around = ensemble.data().join("..").join("data");
    let twice = [ensemble.data(), around.clone(), around.join(name(1000))];
    let words = ["ensemble", "list", "--json"].map(PathBuf::from);
    let answer = gaugelink(words.into_iter().chain(twice));
    assert_eq!((answer.status, of_kind(&answer.lines(), "file").len()), (0, LENGTH));
    let empty = ensemble.out("empty");
    fs::create_dir(&empty).unwrap();
    let answer = gaugelink(["ensemble", "list", empty.to_str().unwrap()]);
    assert!(answer.status == 2 && answer.stderr.contains("there are no files"), "{}", answer.stderr);
    let answer = ensemble.run("verify --sigmas 0", "out");
    assert_eq!(answer.status, 2, "{}", answer.stderr);
}
