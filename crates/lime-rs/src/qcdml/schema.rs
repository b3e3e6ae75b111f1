//! The rules of QCDml 2.0: `QCDmlConfig2.0.0.xsd` and `QCDmlEnsemble2.0.0.xsd`.
//!
//! Of the many gluon and quark actions the parts that all have in common are checked, and everything of those that this
//! library simulates (plaquette, tree-level Symanzik, Iwasaki, DBW2; Wilson and clover quarks).

use super::form::Form;
use super::rule::Rule::{Group, Open, Value};
use super::rule::{Item, Rule, any, maybe, one, optional, several, text};

pub(super) const CONFIG: &str = "http://www.lqcd.org/ildg/QCDml/config2.0";
pub(super) const ENSEMBLE: &str = "http://www.lqcd.org/ildg/QCDml/ensemble2.0";

const ANNOTATION: Item = maybe("annotation", Form::Text);
const ADDITIONAL: Item = optional(
    "additionalInfo",
    Group(&[Item::Choice(&[&[text("annotation", Form::Text), Item::Foreign], &[Item::Foreign]])]),
);
const PARAMETER: Rule = Group(&[ANNOTATION, text("name", Form::Name), text("value", Form::Text)]);

const PARTICIPANT: Item = one(
    "participant",
    Group(&[Item::Choice(&[
        &[text("orcid", Form::Orcid), maybe("name", Form::Text), maybe("institution", Form::Text)],
        &[text("name", Form::Text), text("institution", Form::Text)],
    ])]),
);

const CONFIG_EVENT: Rule = Group(&[
    ANNOTATION,
    maybe("revision", Form::NonNegative),
    text("revisionAction", Form::Word(&["generate", "add", "replace", "remove"])),
    PARTICIPANT,
    text("date", Form::DateTime),
]);

/// Content of `gaugeConfiguration`.
pub(super) static CONFIGURATION: Rule = Group(&[
    text("dataLFN", Form::Lfn),
    one(
        "management",
        Group(&[
            ANNOTATION,
            maybe("revisions", Form::NonNegative),
            maybe("reference", Form::Text),
            one("archiveHistory", Group(&[several("archiveEvent", CONFIG_EVENT)])),
        ]),
    ),
    one(
        "implementation",
        Group(&[
            ANNOTATION,
            one(
                "machine",
                Group(&[
                    ANNOTATION,
                    text("name", Form::NonEmpty),
                    text("institution", Form::NonEmpty),
                    text("machineType", Form::NonEmpty),
                ]),
            ),
            one(
                "code",
                Group(&[
                    ANNOTATION,
                    text("name", Form::Text),
                    text("version", Form::Text),
                    text("date", Form::DateTime),
                ]),
            ),
        ]),
    ),
    one(
        "algorithm",
        Group(&[ANNOTATION, optional("parameters", Group(&[any("parameter", PARAMETER)])), Item::Foreign]),
    ),
    text("precision", Form::Word(&["single", "double", "mixed"])),
    one(
        "markovSequence",
        Group(&[
            ANNOTATION,
            text("markovChainURI", Form::ChainUri),
            text("series", Form::Text),
            several(
                "markovStep",
                Group(&[
                    ANNOTATION,
                    text("update", Form::Text),
                    several(
                        "record",
                        Group(&[
                            text("field", Form::Field),
                            text("crcCheckSum", Form::Cksum),
                            text("avePlaquette", Form::Double),
                        ]),
                    ),
                ]),
            ),
        ]),
    ),
    ADDITIONAL,
]);

const ENSEMBLE_EVENT: Rule = Group(&[
    ANNOTATION,
    maybe("revision", Form::NonNegative),
    text("revisionAction", Form::Word(&["add", "replace", "remove"])),
    PARTICIPANT,
    text("date", Form::DateTime),
]);

const SIZE: Rule = Group(&[
    ANNOTATION,
    Item::Choice(&[
        &[
            text("x", Form::Positive),
            maybe("y", Form::Positive),
            maybe("z", Form::Positive),
            text("t", Form::Positive),
        ],
        &[
            text("t", Form::Positive),
            text("x", Form::Positive),
            maybe("y", Form::Positive),
            maybe("z", Form::Positive),
        ],
    ]),
]);

const BOUNDARY: Form = Form::Word(&["antiperiodic", "cstar", "dirichlet", "periodic", "open", "openSF"]);
const BOUNDARIES: Item = one(
    "boundaryCondition",
    Group(&[Item::Choice(&[
        &[text("x", BOUNDARY), maybe("y", BOUNDARY), maybe("z", BOUNDARY), text("t", BOUNDARY)],
        &[text("t", BOUNDARY), text("x", BOUNDARY), maybe("y", BOUNDARY), maybe("z", BOUNDARY)],
    ])]),
);

const GLOSSARY: Item = text("glossary", Form::Uri);
const GLUON_FIELD: Item = one(
    "gluonField",
    Group(&[
        ANNOTATION,
        text("gaugeGroup", Form::GaugeGroup),
        text("representation", Form::Word(&["fundamental", "adjoint"])),
        BOUNDARIES,
    ]),
);
const TOPOLOGY: Item = optional("topologyFixing", Open);
const BETA: Item = text("beta", Form::Double);

const PLAQUETTE: Rule = Group(&[ANNOTATION, GLOSSARY, GLUON_FIELD, TOPOLOGY, BETA]);
const SIX_LINK: Rule = Group(&[
    ANNOTATION,
    GLOSSARY,
    GLUON_FIELD,
    TOPOLOGY,
    BETA,
    text("normalisation", Form::Word(&["cs_sum_to_one", "c0_is_one"])),
    text("c0", Form::Double),
    text("c1", Form::Double),
    text("c2", Form::Double),
    text("c3", Form::Double),
]);
const OTHER_GLUON: Rule = Group(&[ANNOTATION, GLOSSARY, GLUON_FIELD, Item::Rest]);

const QUARK_FIELD: Item =
    one("quarkField", Group(&[ANNOTATION, text("normalisation", Form::Text), BOUNDARIES]));
const FLAVOURS: Item = text("numberOfFlavours", Form::Integer);
const SMEARING: Item = optional("linkSmearing", Open);
const KAPPA: Item = text("kappa", Form::Double);

const WILSON: Rule = Group(&[ANNOTATION, GLOSSARY, QUARK_FIELD, FLAVOURS, SMEARING, KAPPA]);
const CLOVER: Rule =
    Group(&[ANNOTATION, GLOSSARY, QUARK_FIELD, FLAVOURS, SMEARING, KAPPA, text("cSW", Form::Double)]);

const LICENSE: Rule = Group(&[
    ANNOTATION,
    Item::Choice(&[
        &[maybe("licenseName", Form::Text), text("licenseURI", Form::Uri)],
        &[text("customLicenseText", Form::Text), maybe("customLicenseReference", Form::Uri)],
        &[text("customLicenseReference", Form::Uri)],
    ]),
    maybe("embargoEndDate", Form::Date),
    optional(
        "acknowledgments",
        Group(&[
            ANNOTATION,
            Item::Choice(&[
                &[several("citation", Value(Form::Text)), maybe("templateText", Form::Text)],
                &[text("templateText", Form::Text)],
            ]),
        ]),
    ),
]);

/// Content of `markovChain`.
pub(super) static MARKOV_CHAIN: Rule = Group(&[
    text("markovChainURI", Form::ChainUri),
    one(
        "management",
        Group(&[
            ANNOTATION,
            maybe("revisions", Form::NonNegative),
            text("collaboration", Form::Text),
            text("projectName", Form::Text),
            maybe("ensembleLabel", Form::Text),
            maybe("publishedAlias", Form::Text),
            maybe("reference", Form::Text),
            one("archiveHistory", Group(&[any("archiveEvent", ENSEMBLE_EVENT)])),
        ]),
    ),
    one("license", LICENSE),
    optional(
        "fundingReferences",
        Group(&[
            ANNOTATION,
            several(
                "fundingReference",
                Group(&[
                    ANNOTATION,
                    text("funderName", Form::NonEmpty),
                    optional("awardTitle", Open),
                    maybe("awardNumber", Form::Text),
                ]),
            ),
        ]),
    ),
    one(
        "physics",
        Group(&[
            ANNOTATION,
            one("size", SIZE),
            one(
                "action",
                Group(&[
                    ANNOTATION,
                    one("gluon", Group(&[Item::Named { what: "a gluon action", many: true, rules: GLUONS }])),
                    optional("photon", Open),
                    optional(
                        "quark",
                        Group(&[Item::Named { what: "a quark action", many: true, rules: QUARKS }]),
                    ),
                ]),
            ),
            optional("observables", Open),
        ]),
    ),
    one(
        "algorithm",
        Group(&[
            ANNOTATION,
            text("name", Form::Name),
            text("glossary", Form::Uri),
            text("reference", Form::NonEmpty),
            text("exact", Form::Boolean),
            text("reweightingNeeded", Form::Boolean),
            optional("parameters", Group(&[several("parameter", PARAMETER)])),
            Item::Foreign,
        ]),
    ),
    maybe("cLibrary", Form::Uri),
    ADDITIONAL,
]);

const GLUONS: &[(&str, Rule)] = &[
    ("plaquetteGluonAction", PLAQUETTE),
    ("treelevelSymanzikGluonAction", SIX_LINK),
    ("iwasakiRGGluonAction", SIX_LINK),
    ("DBW2GluonAction", SIX_LINK),
    ("LuescherWeiszGluonAction", OTHER_GLUON),
    ("tpLuescherWeiszGluonAction", OTHER_GLUON),
    ("treelevelSymanzikOpenBCGluonAction", OTHER_GLUON),
    ("anisotropicWilsonGluonAction", OTHER_GLUON),
    ("anisotropicTpWilsonGluonAction", OTHER_GLUON),
];

/// Every other kind has the glossary and the field in common.
const OTHER_QUARK: Rule = Group(&[ANNOTATION, GLOSSARY, QUARK_FIELD, Item::Rest]);

const QUARKS: &[(&str, Rule)] = &[
    ("wilsonQuarkAction", WILSON),
    ("cloverQuarkAction", CLOVER),
    ("npCloverQuarkAction", CLOVER),
    ("npExpCloverQuarkAction", CLOVER),
    ("tpCloverQuarkAction", OTHER_QUARK),
    ("anisotropicCloverQuarkAction", OTHER_QUARK),
    ("anisotropicWilsonQuarkAction", OTHER_QUARK),
    ("asqTadQuarkAction", OTHER_QUARK),
    ("ciQuarkAction", OTHER_QUARK),
    ("domainWallQuarkAction", OTHER_QUARK),
    ("fatLinkCIQuarkAction", OTHER_QUARK),
    ("fatLinkDerivNpCloverQuarkAction", OTHER_QUARK),
    ("fatLinkDerivNpNiCloverChargedQuarkAction", OTHER_QUARK),
    ("fatLinkIrrelevantCloverQuarkAction", OTHER_QUARK),
    ("hisqQuarkAction", OTHER_QUARK),
    ("moebiusDomainWallQuarkAction", OTHER_QUARK),
    ("npCloverOpenBCQuarkAction", OTHER_QUARK),
    ("npTlCloverChargedQuarkAction", OTHER_QUARK),
    ("overlapQuarkAction", OTHER_QUARK),
    ("wilsonAdjointQuarkAction", OTHER_QUARK),
    ("wilsonCloverTmMassSplitQuarkAction", OTHER_QUARK),
    ("wilsonCloverTmQuarkAction", OTHER_QUARK),
    ("wilsonTmMassSplitQuarkAction", OTHER_QUARK),
    ("wilsonTmQuarkAction", OTHER_QUARK),
    ("wilsonTwoIndexAntisymmetricQuarkAction", OTHER_QUARK),
    ("wilsonTwoIndexSymmetricQuarkAction", OTHER_QUARK),
];
