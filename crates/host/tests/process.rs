//! What a plugin does to the process that it is in, seen where it is alone with the checks: one test in a program of its
//! own.

#[path = "common/workshop.rs"]
mod workshop;

use gaugelink_host::conformance::{Options, Outcome};
use workshop::{FLOW, FORCE, Mutant, PRECOND, PROPOSAL, Workshop, checked, every_one_is_found, failed};

const MUTANTS: [Mutant; 5] = [
    ("force.c", "#include <string.h>", MOVES, FORCE, "create"),
    ("flow.c", "#include \"minimal.h\"", SETS, FLOW, "create"),
    ("flow.c", "#include \"minimal.h\"", INITIALISED, FLOW, "open"),
    ("proposal.c", "#include \"minimal.h\"", STARTS, PROPOSAL, "threads end"),
    ("precond.c", "#include \"minimal.h\"", STARTS, PRECOND, "threads end"),
];

/// Each call of finish(), the end of every function, does something more.
const MOVES: &str = "#include <string.h>\n#include <unistd.h>\n#include \"minimal.h\"\n\
    #define finish(o, start) (chdir(\"/\"), finish(o, start))";
const SETS: &str = "#include <stdlib.h>\n#include \"minimal.h\"\n\
    #define finish(o, start) (setenv(\"OMP_NUM_THREADS\", \"1\", 1), finish(o, start))";
const STARTS: &str = "#include <pthread.h>\n#include <unistd.h>\n#include \"minimal.h\"\n\
    static void *waits(void *p) { for (;;) pause(); return p; }\n\
    static glk_status started(glk_status status) { static int once; pthread_t thread; \
      if (!once++) pthread_create(&thread, NULL, waits, NULL); return status; }\n\
    #define finish(o, start) started(finish(o, start))";
/// An initialiser with effects.
const INITIALISED: &str = "#include <stdlib.h>\n#include \"minimal.h\"\n\
    __attribute__((constructor)) static void set(void) { setenv(\"MKL_NUM_THREADS\", \"1\", 1); }";

#[test]
fn what_changes_the_process_is_found() {
    let options = Options { alone: true, ..Options::default() };
    let workshop = Workshop::new();
    let library = workshop.linked("whole", "", std::path::Path::new(""));
    for component in [FLOW, FORCE, PRECOND, PROPOSAL] {
        let report = checked(&library, component, &options);
        assert!(report.passed(), "{component}: {:?}", failed(&report));
        let ends = report.checks.iter().find(|check| check.name == "threads end").expect("it is checked");
        assert_eq!(ends.outcome, Outcome::Passed);
    }
    every_one_is_found("process", &MUTANTS, &options);
}
