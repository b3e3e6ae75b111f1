//! The plugin in C with one line changed each time: the checker has to name what is broken.

#[path = "common/workshop.rs"]
mod workshop;

use gaugelink_host::conformance::Options;
use std::path::Path;
use workshop::{FLOW, FORCE, Mutant, PRECOND, PROPOSAL, Workshop, checked, every_one_is_found, failed};

const LAYOUTS: [Mutant; 21] = [
    ("view.c", "&& parity_of(f->o, x) ?", "&& !parity_of(f->o, x) ?", FORCE, "EO f64"),
    ("view.c", "element = lex / 2 +", "element = lex % (f->o->sites / 2) +", FLOW, "EO f64"),
    ("view.c", "f->v->site_table[lex] *", "lex *", FORCE, "TABLE f64"),
    ("view.c", "lex * o->lattice.local[d]", "lex * o->lattice.local[0]", FORCE, "gauge covariance"),
    ("view.c", "lane += lane_step *", "lane += (lane_step == 1 ? 2 : 1) *", FORCE, "BLOCK f64"),
    ("view.c", "(x[d] / half % rows)", "(x[d] / half / simd)", FORCE, "BLOCK f64"),
    ("view.c", "lane * f->v->stride_lane", "lane * 2 * f->scalar", FORCE, "BLOCK f32"),
    (
        "view.c",
        "GLK_SITE_BLOCK_EO && d == 0 ? 2 : 1",
        "GLK_SITE_BLOCK_EO && d == 1 ? 2 : 1",
        PRECOND,
        "BLOCK_EO f64",
    ),
    ("view.c", "I * *(const float *)(p + f->im)", "I * *(const float *)p", FORCE, "LEX f32"),
    (
        "view.c",
        "*(float *)(p + f->im) = (float)cimag(z)",
        "*(float *)(p + f->im) = (float)creal(z)",
        FLOW,
        "LEX f32",
    ),
    ("view.c", "+ b * f->v->stride_rhs", "+ 0 * b", FLOW, "batch"),
    ("view.c", "if (f->v->flags & GLK_VIEW_ACCUMULATE)", "if (0)", PRECOND, "ACCUMULATE"),
    ("view.c", "f->v->plane[f->v->nplanes > 1 ? mu : 0]", "f->v->plane[0]", FORCE, "planes"),
    ("view.c", "step * (x[d] + f->v->halo[d])", "step * x[d]", FORCE, "halo"),
    ("view.c", "step *= l->local[d] + 2 * (int64_t)f->v->halo[d]", "step *= l->local[d]", FLOW, "halo"),
    (
        "view.c",
        "f->im = v->stride_reim ? v->stride_reim : f->scalar",
        "f->im = f->scalar",
        FLOW,
        "parts apart",
    ),
    ("view.c", "row * f->v->stride_row", "row * 2 * f->scalar * f->ncol", FORCE, "parts apart"),
    (
        "view.c",
        "parity_of(f->o, x) + 1 == f->v->parity",
        "parity_of(f->o, x) != f->v->parity - 1",
        PRECOND,
        "odd sites, TABLE",
    ),
    ("view.c", "s * f->v->stride_5", "0 * s", PRECOND, "fifth dimension"),
    ("view.c", "&& f->n5 == 1", "", PRECOND, "dim5 of links"),
    ("view.c", "if (links && f->nrow < f->ncol)", "if (0)", FORCE, "fewer rows"),
];

const RULES: [Mutant; 28] = [
    (
        "force.c",
        "S[b] = o->beta * sum;",
        "static int n; S[b] = o->beta * sum * (1 + 1e-14 * n++);",
        FORCE,
        "determinism",
    ),
    ("view.c", "if (!planes_meet(out, in)) return 1;", "return 1;", FLOW, "output is input"),
    ("minimal.h", "q + (uintptr_t)b->high &&", "q + (uintptr_t)b->high - 16 &&", PROPOSAL, "output overlaps"),
    ("force.c", "APART(f, u);", "", FORCE, "output overlaps"),
    ("view.c", "&& repeats(f)", "&& 0 && repeats(f)", FORCE, "table entry twice"),
    ("minimal.h", ": seconds_now() - start", ": 0 * seconds_now()", FORCE, "stats"),
    ("plugin.c", ".seconds = o->seconds", ".seconds = -1e300", FORCE, "stats"),
    ("plugin.c", ".seconds = o->seconds", ".seconds = o->seconds, .bytes_copied = 12345", FLOW, "stats"),
    ("plugin.c", "GIVE(glk_stats, out, .seconds = o->seconds)", "(void)o", PRECOND, "stats"),
    ("minimal.h", "exec->device_type == 0 ||", "1 ||", FORCE, "CUDA"),
    ("view.c", "v->algebra_conv != GLK_ALG_F &&", "0 &&", FORCE, "algebra_conv"),
    (
        "force.c",
        "REQUIRE(naux == 0, GLK_INVALID_ARG, \"naux: the force",
        "REQUIRE(1, GLK_INVALID_ARG, \"naux: the force",
        FORCE,
        "naux",
    ),
    ("force.c", "strength = -strength", "(void)0", FORCE, "sign and scale"),
    ("force.c", "z -= I * trace", "z -= 0 * trace", FORCE, "algebra"),
    ("force.c", "S[b] = o->beta * sum", "S[b] = 2 * o->beta * sum", FORCE, "gradient"),
    ("flow.c", "logdet[b] = 0", "logdet[b] = 0.25", FLOW, "log det"),
    ("flow.c", "from->v->algebra_conv == to->v->algebra_conv ? 1 : -1", "1", FLOW, "sign"),
    (
        "plugin.c",
        "o->kind == FORCE ? \"beta\" : \"step\"",
        "\"no_such_key_of_any_component\"",
        FORCE,
        "unknown key",
    ),
    ("plugin.c", "REQUIRE(on_cpu(request->exec)", "REQUIRE(1", FORCE, "CUDA object"),
    ("proposal.c", "REQUIRE(rng->algorithm == GLK_RNG_CHACHA20", "REQUIRE(1", PROPOSAL, "rng algorithm"),
    ("proposal.c", "REQUIRE(naux == 0", "REQUIRE(1", PROPOSAL, "naux"),
    ("precond.c", "u->v->generation == o->generation", "1", PRECOND, "REUSE"),
    ("precond.c", "GLK_PRECONDITION, \"mode", "GLK_INVALID_ARG, \"mode", PRECOND, "REUSE"),
    ("minimal.h", "(word(a, 0, i) ^ word(b, 0, i))", PART_OF_THE_HEAD, FORCE, "algebra_conv"),
    ("minimal.h", "(word(a, bounds, i) ^ word(b, bounds, i))", STRIDES, FLOW, "plane_bytes"),
    ("view.c", "view->flags & GLK_VIEW_TABLE_KEPT", "1", PRECOND, "changed table"),
    ("force.c", "S[b] = o->beta * sum", KEPT_BY_ADDRESS, FORCE, "generation"),
    ("force.c", "S[b] = o->beta * sum", KEPT_BY_GENERATION, FORCE, "generation"),
];

const WRITES: [Mutant; 8] = [
    ("flow.c", "scale(v, u, 1, b);", PAST_THE_END, FLOW, "log det"),
    ("force.c", "double strength =", BEFORE_THE_START, FORCE, "sign and scale"),
    ("view.c", "if (!view) return", BEHIND_ANY_VIEW, PRECOND, "LEX f32"),
    ("flow.c", "logdet[b] = 0;", "logdet[b] = logdet[b + 1] = 0;", FLOW, "LEX f64"),
    ("flow.c", "scale(v, u, 1, b);", "scale(v, u, 1, b); *(float *)v->v->plane[0] += 1;", FLOW, "LEX f64"),
    ("precond.c", "o->generation =", "*(float *)u->v->plane[0] += 1; o->generation =", PRECOND, "LEX f64"),
    ("force.c", "S[b] = o->beta * sum", "S[b + 1] = S[b] = o->beta * sum", FORCE, "batch"),
    ("proposal.c", "log_weight[b] = 0;", "log_weight[b] = log_weight[b - 1] = 0;", PROPOSAL, "draws"),
];

#[cfg(target_arch = "x86_64")]
const MODES: [Mutant; 3] = [
    ("proposal.c", "return finish(o, start);", FLUSHED, PROPOSAL, "draws"),
    ("plugin.c", "static void destroy(glk_object *o) { free(o); }", ROUNDED, FLOW, "unknown key"),
    ("plugin.c", "static void fini(void) {}", LINKED_FOR_SPEED, FORCE, "open"),
];

/// A site too many, of an output.
const PAST_THE_END: &str =
    "scale(v, u, 1, b); store(u, (char *)u->v->plane[0] + u->v->plane_bytes, load(u, u->v->plane[0]));";
/// Something is added to the number in front of an output.
const BEFORE_THE_START: &str =
    "for (int i = 1; i <= 2; i++) ((double *)f->v->plane[0])[-i] += 0.5; double strength =";
/// A float behind the last one, of any view.
const BEHIND_ANY_VIEW: &str = "if (view && view->size == sizeof *view && view->scalar == GLK_F32 && view->plane[0]) \
     *(float *)((char *)view->plane[0] + view->plane_bytes + 4) = 1; if (!view) return";
/// Subnormal numbers become zero.
#[cfg(target_arch = "x86_64")]
const FLUSHED: &str = "__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); return finish(o, start);";
/// Numbers are rounded up.
#[cfg(target_arch = "x86_64")]
const ROUNDED: &str = "static void destroy(glk_object *o) { free(o); \
     __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~0x6000u) | 0x4000); }";
/// As the start-up code of compilers has it that were asked for fast mathematics.
#[cfg(target_arch = "x86_64")]
const LINKED_FOR_SPEED: &str = "static void fini(void) {} \
     __attribute__((constructor)) static void fast(void) { __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); }";

/// Views are taken for the last one whatever follows the number of planes.
const PART_OF_THE_HEAD: &str =
    "(8 * i < offsetof(glk_view, gamma_basis) ? word(a, 0, i) ^ word(b, 0, i) : 0)";
/// And those of another length.
const STRIDES: &str = "(i ? word(a, bounds, i) ^ word(b, bounds, i) : 0)";
/// The action of links that stand where the last ones stood, whatever generation they are of.
const KEPT_BY_ADDRESS: &str = "static const void *of; static double kept; \
     if (!u->v->generation || of != u->v->plane[0]) { of = u->v->plane[0]; kept = o->beta * sum; } S[b] = kept";
/// The action of links of the generation of the last ones, though they are of none.
const KEPT_BY_GENERATION: &str = "static uint64_t of = 77; static double kept; \
     if (of != u->v->generation) { of = u->v->generation; kept = o->beta * sum; } S[b] = kept";

const PHYSICS: [Mutant; 17] = [
    ("precond.c", "1 / o->diagonal", "(dagger ? 2 : 1) / o->diagonal", PRECOND, "adjoint"),
    ("precond.c", "1 / o->diagonal", "12345 / o->diagonal", PRECOND, "residual"),
    ("precond.c", "1 / o->diagonal", "-1 / o->diagonal", PRECOND, "residual"),
    (
        "precond.c",
        "m->normalisation == GLK_DIRAC_BY_KAPPA ? 1 : m->mass + 4",
        "m->mass + 4",
        PRECOND,
        "KAPPA",
    ),
    ("precond.c", "m->normalisation == GLK_DIRAC_BY_KAPPA ? 1 : m->mass + 4", "1", PRECOND, "residual"),
    ("precond.c", "(m->xi0 == 0 || m->xi0 == 1)", "1", PRECOND, "xi0"),
    ("precond.c", "REQUIRE(m->op == GLK_DIRAC_WILSON", "REQUIRE(1", PRECOND, "op"),
    (
        "precond.c",
        "REQUIRE(m->precond_form == GLK_DIRAC_FULL",
        "REQUIRE(m->precond_form < 9",
        PRECOND,
        "even-odd",
    ),
    ("precond.c", "m->csw_r == 0 && m->csw_t == 0", "1", PRECOND, "csw"),
    (
        "precond.c",
        "1 / o->diagonal",
        "(o->lattice.bc_phase[3] != 0 ? -1 : 1) / o->diagonal",
        PRECOND,
        "residual, antiperiodic",
    ),
    (
        "precond.c",
        "1 / o->diagonal",
        "(o->lattice.bc_phase[3] != 0 && !o->lattice.bc_in_links ? 0.9 : 1) / o->diagonal",
        PRECOND,
        "boundary",
    ),
    (
        "precond.c",
        "1 / o->diagonal",
        "(o->lattice.bc_in_links ? 0.9 : 1) / o->diagonal",
        PRECOND,
        "phases in links",
    ),
    ("proposal.c", "(x[i * n + i] -", "(0.3 + x[i * n + i] -", PROPOSAL, "balance"),
    (
        "proposal.c",
        "log_weight[b] = 0;",
        "log_weight[b] = 0; for (int64_t i = 0; i < o->sites; i++) log_weight[b] += creal(load(out, address(out, i, 0, 0, 0, 0, b)));",
        PROPOSAL,
        "balance",
    ),
    ("proposal.c", "a.e[i][i] = I * o->step", "a.e[i][i] = o->step", PROPOSAL, "group"),
    ("random.c", "rng->epoch, rng->call", "rng->epoch, 0", PROPOSAL, "draws"),
    ("random.c", "{ field, 0 }", "{ 0, 0 }", PROPOSAL, "batch of draws"),
];

#[test]
fn the_plugin_as_it_is_passes() {
    let workshop = Workshop::new();
    let library = workshop.linked("whole", "", Path::new(""));
    for component in [FLOW, FORCE, PRECOND, PROPOSAL] {
        let report = checked(&library, component, &Options::default());
        assert!(report.passed(), "{component}: {:?}", failed(&report));
    }
}

#[test]
fn layouts_that_are_misread_are_found() {
    every_one_is_found("layout", &LAYOUTS, &Options::default());
}

#[test]
fn rules_that_are_broken_are_found() {
    every_one_is_found("rule", &RULES, &Options::default());
}

#[test]
fn results_that_are_wrong_are_found() {
    every_one_is_found("physics", &PHYSICS, &Options::default());
}

#[test]
fn writes_around_fields_are_found() {
    every_one_is_found("write", &WRITES, &Options::default());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn other_floating_point_modes_are_found() {
    every_one_is_found("mode", &MODES, &Options::default());
}
