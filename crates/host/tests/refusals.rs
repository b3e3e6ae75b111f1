//! Plugins that lie, throw, or are none: each gives a sentence, never an abort.

mod common;

use common::minimal;
use gaugelink_host::sdk::{Lattice, Setup, View, ViewMut, raw, sized_struct};
use gaugelink_host::{
    ConfigText, Exec, FlowObject, ForceObject, HostError, Plugin, PrecondObject, ProposalObject, Request,
    Search, Services,
};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a C or C++ text into a shared library, as a plugin author would.
fn compiled(folder: &Path, name: &str, text: &str) -> PathBuf {
    let (source, library) = (folder.join(name), folder.join(format!("libglk_{name}.so")));
    std::fs::write(&source, text).expect("the folder is writable");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include");
    let compiler = if name.ends_with("cpp") { "c++" } else { "cc" };
    let mut command = Command::new(compiler);
    command.args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I"]).arg(include);
    let status = command.arg("-o").arg(&library).arg(&source).status().expect("the compiler runs");
    assert!(status.success(), "{name} compiles");
    library
}

/// A plugin of one flow whose table and functions the test writes.
fn plugin_text(entry: &str, functions: &str) -> String {
    format!(
        r#"#include "gaugelink/plugin.h"
#define STR(s) {{ s, sizeof(s) - 1 }}
#define UNUSED __attribute__((unused))
struct glk_object {{ int unused; }};
static glk_object only;
UNUSED static glk_status create(const glk_str *, const glk_create *, glk_object **out, glk_error *) {{
  *out = &only;
  return GLK_OK;
}}
UNUSED static void destroy(glk_object *) {{}}
{functions}
static const glk_component component = {{ sizeof(glk_component), 0, STR("org.example.flow"), STR(GLK_FLOW_ID), STR("1"),
  STR(""), STR(""), STR(""), STR(""), 0, 2, 16, 2 }};
UNUSED static const glk_component *const components[] = {{ &component }};
{entry}
"#
    )
}

fn message(path: &Path) -> String {
    match Plugin::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

const FLOW: &str = r#"
static glk_status forward(glk_object *, const glk_exec *, const glk_view *, glk_view *, double *, glk_error *) BODY
static const glk_flow flow = { sizeof(glk_flow), 0, nullptr, forward, nullptr, nullptr, nullptr };
static const void *get(const char *) { return &flow; }
"#;

const ENTRY: &str = r#"
static const glk_plugin plugin = { SIZE, MAJOR, 0, 1, STR("org.example"), STR("1"), STR(""), components,
  nullptr, nullptr, CREATE, destroy, get, nullptr, nullptr, nullptr, nullptr };
extern "C" const glk_plugin *glk_plugin_entry_v1(uint32_t) { return &plugin; }
"#;

/// A flow whose forward does nothing.
fn flow() -> String {
    FLOW.replace("BODY", "{ return GLK_OK; }")
}

fn entry(size: &str, major: &str, create: &str) -> String {
    ENTRY.replace("SIZE", size).replace("MAJOR", major).replace("CREATE", create)
}

fn forward(path: &Path) -> Result<(), HostError> {
    let (plugin, services) = (Plugin::open(path)?, Services::new(1));
    let lattice = Lattice::single(&[4, 4]).expect("a lattice");
    let id = plugin.components()[0].id.clone();
    let request =
        Request { component: &id, lattice: &lattice, config: ConfigText::Toml(""), base_dir: Path::new("") };
    let mut flow = FlowObject::create(&plugin, &services, &request)?;
    let (v, mut u, mut logdet) = (vec![1.0; 64], vec![0.0; 64], [0.0]);
    let mut out = ViewMut::gauge(&mut u, &lattice, 1).expect("a field");
    flow.forward(Exec::default(), &View::gauge(&v, &lattice, 1).expect("a field"), &mut out, &mut logdet)
}

#[test]
fn files_that_are_no_plugins() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("libglk_text.so");
    std::fs::write(&path, "not a library").expect("writable");
    assert!(message(&path).contains("cannot be opened as a shared library"));
    assert!(message(&folder.path().join("absent.so")).contains("absent.so: there is no such file"));
    assert!(message(Path::new("relative.so")).contains("absolute path"));
    let none = compiled(
        folder.path(),
        "none.c",
        "int glk_plugin_entry_v2(void);\nint glk_plugin_entry_v2(void) { return 0; }\n",
    );
    assert!(message(&none).contains("exports no glk_plugin_entry_v1"));
}

/// None of them is opened: a pipe would be waited for.
#[test]
fn what_is_no_file_is_told_by_its_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(format!("libglk_{name}.so"));
    std::fs::create_dir(path("folder")).expect("made");
    assert!(Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo runs").success());
    std::os::unix::fs::symlink("libglk_gone.so", path("link")).expect("made");
    let search = Search::new(&[folder.path().into()]);
    for (name, said) in [
        ("folder", "is a folder; give the file of the plugin"),
        ("pipe", "is a pipe, socket or device; give the file"),
        ("link", "is a link to libglk_gone.so, where nothing is; build or install"),
    ] {
        let message = message(&path(name));
        assert!(message.contains(said) && message.contains(path(name).to_str().expect("UTF-8")), "{message}");
        let by_name = search.find(name).expect_err("it is none").to_string();
        assert!(by_name.contains(said), "{by_name}");
    }
    let by_path =
        search.find(path("link").to_str().expect("UTF-8")).expect_err("nothing is there").to_string();
    assert!(by_path.contains("is a link to"), "{by_path}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_library_for_another_processor_is_told_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = plugin_text(&entry("sizeof(glk_plugin)", "1", "create"), &flow());
    let mut bytes = std::fs::read(compiled(folder.path(), "whole.cpp", &text)).expect("readable");
    let path = folder.path().join("libglk_foreign.so");
    // Class and byte order, e_machine.
    for (ident, machine, said) in [
        ([2, 1], [183, 0], "it is for AArch64, and this program for x86-64"),
        ([1, 1], [40, 0], "it is for ARM, 32 bits,"),
        ([2, 2], [0, 22], "it is for S390,"),
        ([2, 1], [9, 1], "processors of ELF's number 265"),
    ] {
        bytes[4..6].copy_from_slice(&ident);
        bytes[18..20].copy_from_slice(&machine);
        std::fs::write(&path, &bytes).expect("writable");
        let message = message(&path);
        assert!(message.contains(said) && message.contains("built for this machine"), "{message}");
    }
}

/// The system's loader would map the missing part, and the process would end with a signal.
#[test]
fn a_file_that_is_cut_off_is_refused_at_every_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = compiled(
        folder.path(),
        "whole.cpp",
        &plugin_text(&entry("sizeof(glk_plugin)", "1", "create"), &flow()),
    );
    assert!(Plugin::open(&whole).is_ok());
    let bytes = std::fs::read(&whole).expect("readable");
    let path = folder.path().join("libglk_cut.so");
    for length in [1, 40, 63, 64, 200, 1000, bytes.len() / 4, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).expect("writable");
        let message = message(&path);
        assert!(message.contains("it is cut off") && message.contains("check that"), "{length}: {message}");
    }
    std::fs::write(&path, []).expect("writable");
    assert!(message(&path).contains("it is cut off"));
}

#[test]
fn descriptors_of_components_that_lie_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |name: &str, from: &str, to: &str| {
        let text = plugin_text(&entry("sizeof(glk_plugin)", "1", "create"), &flow());
        assert!(text.contains(from), "{text}");
        message(&compiled(folder.path(), name, &text.replace(from, to)))
    };
    let none = open("none.cpp", "{ &component }", "{ nullptr }");
    assert!(none.contains("component 0 is NULL or has no size; tell its author"), "{none}");
    let short = open("short.cpp", "{ sizeof(glk_component)", "{ 16");
    assert!(short.contains("component 0 says that it has 16 bytes"), "{short}");
    let long = open("long.cpp", "{ sizeof(glk_component)", "{ 0xffffffff");
    assert!(long.contains("component 0 says that it has 4294967295 bytes"), "{long}");
    let odd = open("odd.cpp", "{ &component }", "{ (const glk_component *)((const char *)&component + 1) }");
    assert!(odd.contains("component 0 is no pointer to a struct"), "{odd}");
    let nameless = open("nameless.cpp", "STR(\"org.example.flow\")", "STR(\"\")");
    assert!(nameless.contains("component 0 has no id or no interface"), "{nameless}");
    let text = open("text.cpp", "STR(\"org.example.flow\")", "{ nullptr, 5 }");
    assert!(text.contains("component 0 has a text that is NULL"), "{text}");
    let many = open("many.cpp", "0, 1, STR", "0, 100000, STR");
    assert!(many.contains("lists 100000 components"), "{many}");
}

/// What the plugin in C cannot do it refuses, whatever else the arguments say.
#[test]
fn the_plugin_in_c_refuses_what_it_cannot_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = Plugin::open(&minimal(folder.path())).expect("it opens");
    let (services, lattice) = (Services::new(1), Lattice::single(&[2; 4]).expect("a lattice"));
    let request = |name: &'static str, config| Request {
        component: name,
        lattice: &lattice,
        config,
        base_dir: Path::new(""),
    };
    let wilson = "org.gaugelink.minimal.wilson";
    let shake = "org.gaugelink.minimal.shake";
    for good in ["beta = 5.7", " beta=6 \n", "beta = -1e-3", "beta = +.5"] {
        ForceObject::create(&plugin, &services, &request(wilson, ConfigText::Toml(good))).expect(good);
    }
    ForceObject::create(&plugin, &services, &request(wilson, ConfigText::Json("{ \"beta\" : 6e0 }\n")))
        .expect("JSON");
    for bad in [
        "beta = nan",
        "beta = inf",
        "beta = 1e999",
        "beta = 0x10",
        "beta = 5,7",
        "beta = 5.7.1",
        "beta = 6 7",
        "beta =",
        "beta",
        "beta = true",
        "betas = 1",
        "bet = 1",
        "beta = 6\0",
        "step = 0.1",
        "\0beta = 6",
    ] {
        let error = ForceObject::create(&plugin, &services, &request(wilson, ConfigText::Toml(bad)));
        let error = error.err().unwrap_or_else(|| panic!("{bad:?} was taken")).to_string();
        assert!(error.contains("the one key is beta, a finite number"), "{bad}: {error}");
    }
    for bad in ["{\"beta\": NaN}", "{\"beta\": 6", "{beta: 6}", "{\"beta\": 6}}", "beta = 6"] {
        let made = ForceObject::create(&plugin, &services, &request(wilson, ConfigText::Json(bad)));
        assert!(made.is_err(), "{bad}");
    }
    for bad in ["step = 0", "step = 1.5", "step = -0.1", "step = nan"] {
        let made = ProposalObject::create(&plugin, &services, &request(shake, ConfigText::Toml(bad)));
        assert!(made.is_err(), "{bad}");
    }
    let links = vec![1.0; lattice.sites() * 8];
    let u = View::gauge(&links, &lattice, 1).expect("a field");
    let jacobi = request("org.gaugelink.minimal.jacobi", ConfigText::Toml(""));
    let mut jacobi = PrecondObject::create(&plugin, &services, &jacobi).expect("created");
    let plain = raw::glk_dirac { op: raw::GLK_DIRAC_WILSON, mass: 0.1, ..sized_struct() };
    type Change = fn(&mut raw::glk_dirac);
    let refused: [(&str, Change); 6] = [
        ("dirac.csw", |d| d.csw_r = 1.0),
        ("dirac.csw", |d| d.csw_t = f64::NAN),
        ("dirac.xi0", |d| d.xi0 = 3.0),
        ("dirac.xi0", |d| d.nu = f64::NAN),
        ("dirac.op", |d| d.op = raw::GLK_DIRAC_CLOVER),
        ("dirac.mass", |d| d.mass = f64::NAN),
    ];
    for (sentence, change) in refused {
        let mut dirac = plain;
        change(&mut dirac);
        let error = jacobi.setup(Exec::default(), &u, &dirac, Setup::Reset).unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
    jacobi.setup(Exec::default(), &u, &plain, Setup::Reset).expect("the plain operator");
}

#[test]
fn plugins_of_another_version_and_with_lying_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let open =
        |name: &str, entry: &str| message(&compiled(folder.path(), name, &plugin_text(entry, &flow())));
    let major = open("major.cpp", &entry("sizeof(glk_plugin)", "2", "create"));
    assert!(major.contains("speaks ABI 2.0, this host speaks 1.0"), "{major}");
    let refuses = ENTRY.replace("return &plugin", "(void)plugin; return nullptr");
    let refuses = refuses.replace("SIZE", "0").replace("MAJOR", "1").replace("CREATE", "create");
    assert!(open("refuses.cpp", &refuses).contains("does not serve hosts of ABI 1.0"));
    for size in ["0", "3", "71"] {
        let short = open(&format!("size{size}.cpp"), &entry(size, "1", "create"));
        assert!(
            short.contains("glk_plugin.size is") && short.contains("sizeof(glk_plugin)"),
            "{size}: {short}"
        );
    }
    assert!(
        open("short.cpp", &entry("80", "1", "create")).contains("lacks create"),
        "functions beyond its size"
    );
    assert!(open("null.cpp", &entry("sizeof(glk_plugin)", "1", "nullptr")).contains("lacks create"));
    let none = entry("sizeof(glk_plugin)", "1", "create").replace("0, 1, STR", "0, 0, STR");
    assert!(open("empty.cpp", &none).contains("lists 0 components"));
}

#[test]
fn functions_that_are_absent_throw_or_give_no_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = |name: &str, flow: &str| {
        let text = plugin_text(&entry("sizeof(glk_plugin)", "1", "create"), flow);
        forward(&compiled(folder.path(), name, &text)).unwrap_err()
    };
    let thrown = "{ try { throw 1; } catch (...) { return GLK_PANIC; } }";
    let error = call("throws.cpp", &FLOW.replace("BODY", thrown));
    assert_eq!(error.status(), Some(raw::GLK_PANIC));
    assert!(error.to_string().contains("the plugin gives no reason (PANIC)"), "{error}");
    let absent =
        FLOW.replace("BODY", "{ return GLK_OK; }").replace("0, nullptr, forward", "0, forwardless, nullptr");
    let absent = absent
        .replace("forwardless", "nullptr")
        .replace("static glk_status forward", "UNUSED static glk_status forward");
    let error = call("absent.cpp", &absent);
    assert_eq!(error.status(), Some(raw::GLK_UNSUPPORTED));
    assert!(error.to_string().contains("offers no forward"), "{error}");
}

#[test]
fn a_panic_is_a_status_and_poisons_the_object() {
    let path = Search::new(&[]).find("fixture").expect("cargo built the fixture");
    let (plugin, services) = (Plugin::open(&path).expect("it opens"), Services::new(1));
    let lattice = Lattice::single(&[4, 4]).expect("a lattice");
    let request = Request {
        component: "org.gaugelink.fixture.layer",
        lattice: &lattice,
        config: ConfigText::Toml("inject_panic = true"),
        base_dir: Path::new(""),
    };
    let mut flow = FlowObject::create(&plugin, &services, &request).expect("created");
    let (v, mut u, mut logdet) = (vec![1.0; 64], vec![0.0; 64], [0.0]);
    let view = View::gauge(&v, &lattice, 1).expect("a field");
    let mut out = ViewMut::gauge(&mut u, &lattice, 1).expect("a field");
    let first = flow.forward(Exec::default(), &view, &mut out, &mut logdet).unwrap_err();
    assert_eq!(first.status(), Some(raw::GLK_PANIC));
    assert!(
        first.to_string().contains("org.gaugelink.fixture.layer: the plugin panicked: as the configuration"),
        "{first}"
    );
    let later = flow.query(&view).unwrap_err();
    assert_eq!(later.status(), Some(raw::GLK_POISONED));
}

#[test]
fn the_example_of_the_documentation_works_as_printed() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugin-abi.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let example = page.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a C example");
    let folder = tempfile::tempdir().expect("a folder");
    forward(&compiled(folder.path(), "example.c", example)).expect("served");
}
