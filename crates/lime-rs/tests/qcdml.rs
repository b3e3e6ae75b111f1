//! QCDml documents: what is written keeps the rules, and each broken rule is named with its element and a remedy.

use lime_rs::qcdml::{
    Algorithm, ArchiveEvent, Boundary, Code, ConfigurationDocument, EnsembleDocument, GluonAction, License,
    Machine, MarkovStep, Parameter, Participant, QcdmlKind, QuarkAction, RevisionAction, SixLink,
    StoredPrecision, check_qcdml,
};
use lime_rs::{Error, PosixCksum};
use proptest::prelude::*;

fn event(action: RevisionAction) -> ArchiveEvent {
    let (name, institution) = (Some("A. Person".into()), Some("An Institute & Sons".into()));
    let participant = Participant { orcid: None, name, institution };
    ArchiveEvent { action, participant, date: "2024-05-31T23:59:00Z".into() }
}

fn configuration() -> ConfigurationDocument {
    let mut cksum = PosixCksum::new();
    cksum.update(b"123456789");
    ConfigurationDocument {
        data_lfn: "lfn://ldg/test/a.1000".into(),
        history: vec![event(RevisionAction::Generate), event(RevisionAction::Add)],
        machine: Machine { name: "m".into(), institution: "i".into(), kind: "PC".into() },
        code: Code { name: "gaugelink".into(), version: "0.1.0".into(), date: "2024-01-01T00:00:00Z".into() },
        parameters: vec![Parameter { name: "steps".into(), value: "10".into() }],
        precision: StoredPrecision::Double,
        chain_uri: "mc://ldg/test/a".into(),
        series: "1".into(),
        steps: vec![MarkovStep {
            update: "1000".into(),
            field: "su3gauge".into(),
            cksum: cksum.value(),
            plaquette: 0.5937,
        }],
    }
}

fn ensemble() -> EnsembleDocument {
    EnsembleDocument {
        chain_uri: "mc://ldg/test/a".into(),
        collaboration: "test".into(),
        project: "tests".into(),
        label: Some("a".into()),
        history: vec![event(RevisionAction::Add)],
        license: License::Standard { name: None, uri: "https://creativecommons.org/licenses/by/4.0".into() },
        dims: [4, 4, 4, 8],
        group: "SU(3)".into(),
        gluon: GluonAction::SixLink { kind: SixLink::Iwasaki, beta: 2.6, c1: -0.331 },
        gluon_boundary: [Boundary::Periodic; 4],
        gluon_glossary: "http://www.lqcd.org/ildg/actionGlossaries/iwasakiRGGluonAction.pdf".into(),
        quarks: vec![QuarkAction {
            flavours: 2,
            kappa: 0.1357,
            c_sw: Some(1.5),
            boundary: [Boundary::Periodic, Boundary::Periodic, Boundary::Periodic, Boundary::Antiperiodic],
            glossary: "http://www.lqcd.org/ildg/actionGlossaries/cloverQuarkAction.pdf".into(),
        }],
        algorithm: Algorithm {
            name: "HMC".into(),
            glossary: "http://example.org/hmc.pdf".into(),
            reference: "Phys. Lett. B195 (1987) 216".into(),
            exact: true,
            reweighting: false,
            parameters: vec![],
        },
    }
}

#[test]
fn documents_keep_the_rules_and_are_read_back() {
    let document = configuration();
    let xml = document.to_xml().unwrap();
    assert_eq!(check_qcdml(xml.as_bytes()), Ok(QcdmlKind::Configuration));
    // The sum of "123456789" is POSIX's: see the tests of `PosixCksum`.
    assert!(xml.contains("<crcCheckSum>930766865</crcCheckSum>") && xml.contains("An Institute &amp; Sons"));
    assert_eq!(ConfigurationDocument::read_steps(xml.as_bytes()).unwrap(), document.steps);

    let mut document = ensemble();
    let xml = document.to_xml().unwrap();
    assert_eq!(check_qcdml(xml.as_bytes()), Ok(QcdmlKind::Ensemble));
    assert!(matches!(ConfigurationDocument::read_steps(xml.as_bytes()), Err(Error::Qcdml { .. })));
    document.gluon = GluonAction::Plaquette { beta: 6.0 };
    document.quarks[0].c_sw = None;
    document.license = License::Custom { text: "ask".into() };
    document.to_xml().unwrap();
    document.quarks.clear();
    document.to_xml().unwrap();
}

#[test]
fn prefixes_orders_and_foreign_elements_that_the_schema_allows() {
    let xml = configuration().to_xml().unwrap();
    let prefixed = xml
        .replace("xmlns=", "xmlns:q=")
        .replace("</", "\u{1}")
        .replace('<', "<q:")
        .replace('\u{1}', "</q:")
        .replace("<q:?xml", "<?xml");
    assert_eq!(check_qcdml(prefixed.as_bytes()), Ok(QcdmlKind::Configuration), "{prefixed}");
    let with = |from: &str, to: &str| check_qcdml(xml.replace(from, to).as_bytes());
    let foreign = "</parameters><x xmlns=\"http://example.org\"><y/></x></algorithm>";
    let algorithm = &xml[xml.find("</parameters>").unwrap()..xml.find("<precision>").unwrap()];
    assert!(with(algorithm.trim_end(), foreign).is_ok());
    assert!(
        with("</markovSequence>", "</markovSequence><additionalInfo><annotation/></additionalInfo>").is_ok()
    );
    assert!(with("<update>", "<annotation>a</annotation><!-- b --><update>").is_ok());
    assert!(with("A. Person", "<![CDATA[A. <Person>]]> &#65;&lt;").is_ok());

    let xml = ensemble().to_xml().unwrap();
    let size = "<x>4</x>\n      <y>4</y>\n      <z>4</z>\n      <t>8</t>";
    assert!(xml.contains(size));
    assert!(check_qcdml(xml.replace(size, "<t>8</t><x>4</x>").as_bytes()).is_ok());
    assert!(check_qcdml(xml.replace(size, "<y>4</y><x>4</x><t>8</t>").as_bytes()).is_err());
}

/// The document with a replacement must be refused, with these words in one message.
#[track_caller]
fn refused(xml: &str, from: &str, to: &str, words: &[&str]) {
    assert!(xml.contains(from), "the test replaces nothing: {from}");
    let violations = check_qcdml(xml.replacen(from, to, 1).as_bytes()).unwrap_err();
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(
        texts.iter().any(|text| words.iter().all(|word| text.contains(word))),
        "{texts:?} lack {words:?}"
    );
}

#[test]
fn wrong_configurations_are_refused_by_element() {
    let xml = &configuration().to_xml().unwrap();
    let (root, sequence) = ("gaugeConfiguration", "gaugeConfiguration/markovSequence");
    let record = &format!("{sequence}/markovStep/record");
    for (from, to, words) in [
        // Presence and order.
        (
            "<dataLFN>lfn://ldg/test/a.1000</dataLFN>",
            "",
            &[root, "<management> (line 4)", "<dataLFN> must"][..],
        ),
        ("<precision>double</precision>", "", &[root, "<markovSequence>", "<precision> must"]),
        ("<series>1</series>", "", &[sequence, "<series> must stand there"]),
        ("<update>1000</update>", "", &[sequence, "<record>", "<update> must"]),
        (
            "<update>1000</update>",
            "<update>1</update><update>2</update>",
            &["<update> (line", "<record> must"],
        ),
        ("<avePlaquette>0.5937</avePlaquette>", "", &[record, "missing at its end", "<avePlaquette> must"]),
        ("</markovSequence>", "</markovSequence><unknown/>", &[root, "<unknown>", "nothing more may follow"]),
        ("<name>A. Person</name>", "", &["participant", "<institution>", "<orcid> must", "or <name> must"]),
        // Values.
        ("<precision>double", "<precision>Double", &["/precision>", "`Double`", "single, double, mixed"]),
        ("lfn://ldg", "http://ldg", &["/dataLFN>", "lfn://"]),
        ("mc://ldg", "lfn://ldg", &["/markovChainURI>", "mc://"]),
        ("su3gauge", "SU(3)", &["record/field>", "`SU(3)`", "su3gauge"]),
        ("930766865", "0x377a6011", &["crcCheckSum>", "cksum", "decimal"]),
        ("930766865", "99999999999", &["crcCheckSum>", "below 2^32"]),
        ("0.5937", "0,5937", &["avePlaquette>", "`0,5937`", "write a number"]),
        ("2024-05-31T23:59:00Z", "31.5.2024", &["archiveEvent/date>", "2024-05-31T"]),
        (">generate<", ">create<", &["revisionAction>", "generate, add, replace, remove"]),
        ("<name>m</name>", "<name></name>", &["machine/name>", "must not be empty"]),
        ("<name>steps</name>", "<name>2 steps</name>", &["parameter/name>", "XML name"]),
        ("<name>A. Person</name>", "<orcid>1</orcid>", &["participant/orcid>", "ORCID"]),
        ("<series>1</series>", "<series><a/></series>", &["series>", "text only", "<a>"]),
        ("<management>", "<management>text", &["management>", "text between"]),
        // The document as a whole.
        ("config2.0", "config1.3", &[root, "namespace", "config2.0"]),
        (
            "<gaugeConfiguration xmlns=\"http://www.lqcd.org/ildg/QCDml/config2.0\">",
            "<gaugeConfiguration>",
            &[root, "xmlns="],
        ),
        ("</management>", "</manage>", &["well-formed", "line"]),
        ("</gaugeConfiguration>", "", &["never closed"]),
        ("</gaugeConfiguration>", "</gaugeConfiguration><a/>", &["second root"]),
        ("A. Person", "&person;", &["&person;"]),
    ] {
        refused(xml, from, to, words);
    }
    for (document, word) in [("", "no element"), ("<a/>", "gaugeConfiguration"), ("\u{feff}<a/>", "roots")] {
        assert!(check_qcdml(document.as_bytes()).unwrap_err()[0].to_string().contains(word));
    }
    assert!(check_qcdml(b"<a>\n\xff</a>").unwrap_err()[0].to_string().contains("line 2: it is not UTF-8"));
}

#[test]
fn wrong_ensembles_are_refused_by_element() {
    let xml = &ensemble().to_xml().unwrap();
    let license = &xml[xml.find("<license>").unwrap()..xml.find("<physics>").unwrap()];
    for (from, to, words) in [
        (license, "", &["markovChain>", "<physics>", "<license> must"][..]),
        (
            "<licenseURI>https://creativecommons.org/licenses/by/4.0</licenseURI>",
            "",
            &["/license>", "<licenseURI> must"],
        ),
        (">add<", ">generate<", &["revisionAction>", "add, replace, remove"]),
        ("<t>8</t>", "<t>0</t>", &["size/t>", "at least 1"]),
        ("<t>8</t>", "", &["physics/size>", "<t> must"]),
        ("SU(3)", "su3", &["gaugeGroup>", "SU(3)"]),
        (
            "<iwasakiRGGluonAction>",
            "<someGluonAction/><iwasakiRGGluonAction>",
            &["action/gluon>", "<someGluonAction>", "a gluon action must"],
        ),
        ("<c1>", "<c9>", &["well-formed"]),
        ("<beta>2.6</beta>", "", &["iwasakiRGGluonAction>", "<normalisation>", "<beta> must"]),
        (
            "antiperiodic",
            "anti",
            &["quark/cloverQuarkAction/quarkField/boundaryCondition/t>", "antiperiodic"],
        ),
        ("<exact>true", "<exact>yes", &["algorithm/exact>", "true or false"]),
        ("<cSW>1.5</cSW>", "", &["cloverQuarkAction>", "<cSW> must"]),
        ("<collaboration>test</collaboration>", "", &["management>", "<collaboration> must"]),
    ] {
        refused(xml, from, to, words);
    }
}

#[test]
fn every_wrong_value_is_reported_at_once_and_never_written() {
    let mut document = configuration();
    document.data_lfn = "a.1000".into();
    document.steps[0].field = "links".into();
    document.history[0].date = "today".into();
    let Err(Error::Qcdml { violations }) = document.to_xml() else { panic!("written") };
    assert_eq!(violations.len(), 3);
    document.history.clear();
    assert!(document.to_xml().unwrap_err().to_string().contains("archiveHistory"));
}

proptest! {
    #[test]
    fn any_text_and_any_damage_are_survived(
        text in "\\PC*",
        at in any::<prop::sample::Index>(),
        length in 0usize..40,
        with in "[<>&;/a-z\"= !\\[\\]?-]{0,6}",
    ) {
        let _ = check_qcdml(text.as_bytes());
        for xml in [configuration().to_xml().unwrap(), ensemble().to_xml().unwrap()] {
            let start = at.index(xml.len());
            let mut bytes = xml.into_bytes();
            bytes.splice(start..(start + length).min(bytes.len()), with.bytes());
            let _ = check_qcdml(&bytes);
            let _ = ConfigurationDocument::read_steps(&bytes);
        }
    }

    #[test]
    fn any_text_of_the_user_is_escaped(name in "[ -~]{1,20}") {
        let mut document = configuration();
        document.history[0].participant.name = Some(name.clone());
        let xml = document.to_xml().unwrap();
        prop_assert!(check_qcdml(xml.as_bytes()).is_ok());
    }
}

#[test]
fn deep_documents_need_no_stack() {
    let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(check_qcdml(nested(200_000).as_bytes()).is_err());
    let deep = nested(60_000);
    let inside = ensemble()
        .to_xml()
        .unwrap()
        .replace("</action>", &format!("</action><observables>{deep}</observables>"));
    assert_eq!(check_qcdml(inside.as_bytes()), Ok(QcdmlKind::Ensemble));
}
