//! QCDml documents of an ensemble.

use super::{Ensemble, LENGTH, finding, name, wrong};
use crate::program::gaugelink;
use crate::written::payload;
use lime_rs::qcdml::{ConfigurationDocument, QcdmlKind, check_qcdml};
use lime_rs::{GaugeFile, IldgFile};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn documents_are_written_checked_and_never_replaced() {
    let ensemble = Ensemble::new();
    let last = ensemble.file(&name(1230));
    let kept = ensemble.out("last");
    fs::rename(&last, &kept).unwrap();
    let documents = ensemble.out("qcdml");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ensemble.toml");
    let words = |metadata: &Path| {
        format!("verify --json --qcdml {} --metadata {}", documents.display(), metadata.display())
    };
    assert_eq!(ensemble.run(&words(&sample), "out").status, 0);
    let all = || -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(&documents).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let first = all();
    assert_eq!(first.len(), LENGTH, "one for each of 23 files, and one for the ensemble");
    assert_eq!(check_qcdml(&first[&documents.join("ensemble.xml")]), Ok(QcdmlKind::Ensemble));
    let document = &first[&documents.join("conf.1060.lime.xml")];
    assert_eq!(check_qcdml(document), Ok(QcdmlKind::Configuration));
    let step = &ConfigurationDocument::read_steps(document).unwrap()[0];
    assert_eq!((step.update.as_str(), step.field.as_str()), ("1060", "su3gauge"));
    let (offset, length) = payload(&ensemble.file(&name(1060)));
    let links = ensemble.out("links");
    fs::write(&links, &fs::read(ensemble.file(&name(1060))).unwrap()[offset..offset + length]).unwrap();
    let posix = Command::new("cksum").arg(&links).output().unwrap();
    let posix = String::from_utf8(posix.stdout).unwrap();
    assert_eq!(posix.split_whitespace().next().unwrap(), step.cksum.to_string(), "as `cksum` prints it");

    // One more configuration: one more document, the others stay as they are.
    fs::rename(&kept, &last).unwrap();
    assert_eq!(ensemble.run(&words(&sample), "out").status, 0);
    let second = all();
    assert_eq!(second.len(), LENGTH + 1);
    assert!(first.iter().all(|(path, text)| second[path] == *text));

    // A document that says something else stays, and is named.
    let path = documents.join("conf.1060.lime.xml");
    let other = String::from_utf8(document.clone()).unwrap().replace(&step.cksum.to_string(), "1");
    fs::write(&path, &other).unwrap();
    let answer = ensemble.run(&words(&sample), "out");
    assert_eq!(wrong(&answer.lines()), [finding("metadata", &["conf.1060.lime.xml"], &[])]);
    assert!(answer.stdout.contains("crcCheckSum 1, the data have"), "{}", answer.stdout);
    assert_eq!(fs::read_to_string(&path).unwrap(), other);

    // Mistakes in the metadata are told before anything is read.
    let text = fs::read_to_string(&sample).unwrap();
    let metadata = ensemble.out("metadata.toml");
    for (from, to, reason) in [
        ("beta = 6.0", "betta = 6.0", "betta"),
        ("\"mc://example/", "\"example/", "markovChainURI"),
        ("date = \"2026-11-01T12:00:00Z\"", "date = \"yesterday\"", "write date and time"),
        ("name = \"HMC\"", "name = \"my HMC\"", "XML name"),
        ("beta = 6.0", "beta = nan", "expected a finite number"),
        ("beta = 6.0", "beta = -inf", "expected a finite number"),
        ("project = \"", "project = \"\\u0001", "`ensemble.project` has a control character"),
        ("parameters = {", "parameters = { a = \"\\u001b[2J\",", "`algorithm.parameters.a` has a control"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(&metadata, text.replace(from, to)).unwrap();
        let answer = ensemble.run(&words(&metadata), "out");
        assert_eq!(answer.status, 2, "{from}: {}", answer.stderr);
        assert!(
            answer.stderr.contains(reason) && answer.stderr.contains("metadata.toml"),
            "{}",
            answer.stderr
        );
    }
    let answer = ensemble.run(&format!("verify --qcdml {}", documents.display()), "out");
    assert!(answer.status == 2 && answer.stderr.contains("--metadata"), "{}", answer.stderr);
}

/// The logical name of a document is that of its file, whatever the metadata offer, or there is no document.
#[test]
fn a_document_has_the_logical_name_of_its_file() {
    let ensemble = Ensemble::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ensemble.toml");
    let stated = "lfn://own/archive/1010";
    for (number, lfn) in [(1010, stated), (1020, "archive/1020"), (1030, "lfn://with blanks/1030")] {
        let (from, to) = (ensemble.file(&name(number)), ensemble.out("renamed"));
        let words = ["ildg", "convert", "--to", "ildg", "--lfn", lfn];
        let files = [from.to_str().unwrap(), to.to_str().unwrap()];
        assert_eq!(gaugelink(words.into_iter().chain(files)).status, 0);
        fs::rename(to, from).unwrap();
    }
    // A folder of several formats: only ILDG's have a record whose checksum a document could state.
    for (number, format) in [(1040, "nersc"), (1050, "scidac")] {
        let (from, to) = (ensemble.file(&name(number)), ensemble.file(&format!("conf.{number}.{format}")));
        let words = ["ildg", "convert", "--to", format, from.to_str().unwrap(), to.to_str().unwrap()];
        assert_eq!(gaugelink(words).status, 0);
        fs::remove_file(from).unwrap();
    }
    let documents = ensemble.out("qcdml");
    let words = format!("verify --json --qcdml {} --metadata {}", documents.display(), sample.display());
    let answer = ensemble.run(&words, "out");
    let refused = ["conf.1020.lime", "conf.1030.lime", "conf.1040.nersc", "conf.1050.scidac"];
    let expected: Vec<_> = refused.iter().map(|file| finding("metadata", &[file], &[])).collect();
    assert_eq!((answer.status, wrong(&answer.lines())), (1, expected));
    assert_eq!(answer.stdout.matches("which no document can have").count(), 2, "{}", answer.stdout);
    assert_eq!(answer.stdout.matches("is no ILDG file").count(), 2, "{}", answer.stdout);
    assert_eq!(fs::read_dir(&documents).unwrap().count(), LENGTH - refused.len() + 1);
    for i in 0..LENGTH {
        let (file, document) = (name(1000 + 10 * i), documents.join(name(1000 + 10 * i) + ".xml"));
        let Ok(text) = fs::read_to_string(document) else { continue };
        let opened = IldgFile::open(ensemble.file(&file)).unwrap();
        let lfn = opened.payload().lfn.clone().unwrap();
        assert!(text.contains(&format!("<dataLFN>{lfn}</dataLFN>")), "{lfn}: {text}");
        let sums = GaugeFile::open(ensemble.file(&file)).unwrap().sums(true).unwrap();
        let cksum = sums.posix.unwrap().value();
        let field = &opened.payload().format.field;
        assert!(text.contains(&format!("<field>{field}</field>")), "{text}");
        assert!(text.contains(&format!("<crcCheckSum>{cksum}</crcCheckSum>")), "{text}");
        assert!(text.contains("<precision>double</precision>"), "{text}");
        assert!(text.contains("xmlns=\"http://www.lqcd.org/ildg/QCDml/config2.0\""), "{text}");
    }
    assert!(fs::read_to_string(documents.join("conf.1010.lime.xml")).unwrap().contains(stated));
}

#[test]
fn documents_beside_the_data_are_compared_with_them() {
    let ensemble = Ensemble::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ensemble.toml");
    let data = ensemble.data();
    let words = format!("verify --json --qcdml {} --metadata {}", data.display(), sample.display());
    assert_eq!(ensemble.run(&words, "out").status, 0);
    let answer = ensemble.run("verify --json", "out");
    assert!(answer.status == 0 && !answer.stdout.contains("foreign"), "{}", answer.stdout);
    let change = |number: usize, from: &str, to: &str| {
        let path = ensemble.file(&(name(number) + ".xml"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    let text = fs::read(ensemble.file("conf.1010.lime.xml")).unwrap();
    let sum = ConfigurationDocument::read_steps(&text).unwrap()[0].cksum.to_string();
    change(1010, &sum, "7");
    change(1020, "<avePlaquette>0.", "<avePlaquette>0.1");
    change(1030, "<update>1030<", "<update>1035<");
    change(1040, "<series>1</series>", "");
    let found = wrong(&ensemble.run("verify --json", "out").lines());
    let metadata = |number: usize| [name(number) + ".xml", name(number)];
    let [a, b] = [metadata(1010), metadata(1020)];
    let expected = [
        finding("metadata", &[&a[0], &a[1]], &[]),
        finding("metadata", &[&b[0], &b[1]], &[]),
        finding("metadata", &["conf.1040.lime.xml"], &[]),
        finding("name", &["conf.1030.lime"], &[1030, 1035]),
    ];
    assert_eq!(found, expected);
}
