/* Fields of another lattice are refused before a plugin sees them, and lent views stay good. argv[1]: libglk_minimal_c.so.
 * Prints what is wrong. */
#include <gaugelink/gaugelink.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void check(int good, const char *what) {
  if (!good) printf("%s\n", what);
}

static void fine(glk_status status, gaugelink_error *error, const char *call) {
  if (status) printf("%s: %s\n", call, gaugelink_error_message(error));
}
#define FINE(call, ...)                                     \
  do {                                                      \
    gaugelink_error *error = NULL;                          \
    glk_status status = call(__VA_ARGS__, &error);          \
    fine(status, error, #call);                             \
    gaugelink_error_free(error);                            \
  } while (0)

/* Refused by the library, which names both lattices, and not by the plugin. */
static void refused(glk_status status, gaugelink_error *error, const char *call) {
  const char *message = gaugelink_error_message(error);
  if (status != GLK_INVALID_ARG || !strstr(message, "[4, 4, 4, 4]") || !strstr(message, "[2, 2, 2, 2]"))
    printf("%s: status %d, %s\n", call, (int)status, message);
}
#define REFUSED(call, ...)                                  \
  do {                                                      \
    gaugelink_error *error = NULL;                          \
    glk_status status = call(__VA_ARGS__, &error);          \
    refused(status, error, #call);                          \
    gaugelink_error_free(error);                            \
  } while (0)

/* What is no plugin is told by its kind, and not opened. */
static void no_plugin(gaugelink_context *context, const char *path, const char *said) {
  gaugelink_plugin *plugin = NULL;
  gaugelink_error *error = NULL;
  glk_status status = gaugelink_plugin_open(context, path, &plugin, &error);
  const char *message = gaugelink_error_message(error);
  if (status != GLK_NOT_FOUND || plugin || !strstr(message, said))
    printf("%s: status %d, %s\n", path, (int)status, message);
  gaugelink_error_free(error);
}

int main(int argc, char **argv) {
  gaugelink_context *context = NULL;
  gaugelink_plugin *plugin = NULL;
  gaugelink_lattice *large = NULL, *small = NULL;
  const int64_t four[4] = { 4, 4, 4, 4 }, two[4] = { 2, 2, 2, 2 };
  if (argc < 2) return 1;
  FINE(gaugelink_context_new, NULL, &context);
  FINE(gaugelink_plugin_open, context, argv[1], &plugin);
  no_plugin(context, "/dev", "is a folder");
  no_plugin(context, "/dev/null", "is a pipe, socket or device");
  FINE(gaugelink_lattice_new, context, 4, four, &large);
  FINE(gaugelink_lattice_new, context, 4, two, &small);
  gaugelink_gauge *u = NULL, *v = NULL, *tiny = NULL;
  gaugelink_algebra *f = NULL, *g = NULL, *tiny_f = NULL;
  gaugelink_spinor *r = NULL, *z = NULL, *tiny_r = NULL;
  FINE(gaugelink_gauge_new, large, 3, &u);
  FINE(gaugelink_gauge_new, large, 3, &v);
  FINE(gaugelink_gauge_new, small, 3, &tiny);
  FINE(gaugelink_algebra_new, large, 3, &f);
  FINE(gaugelink_algebra_new, large, 3, &g);
  FINE(gaugelink_algebra_new, small, 3, &tiny_f);
  FINE(gaugelink_spinor_new, large, 3, &r);
  FINE(gaugelink_spinor_new, large, 3, &z);
  FINE(gaugelink_spinor_new, small, 3, &tiny_r);
  double number = 0;

  gaugelink_flow *flow = NULL;
  FINE(gaugelink_flow_new, plugin, large, NULL, NULL, NULL, &flow);
  FINE(gaugelink_flow_forward, flow, v, u, &number);
  FINE(gaugelink_wilson_force, u, 6.0, f);
  FINE(gaugelink_flow_pullback, flow, v, f, g);
  REFUSED(gaugelink_flow_sample, flow, 1, 1, tiny, &number);
  REFUSED(gaugelink_flow_forward, flow, tiny, u, &number);
  REFUSED(gaugelink_flow_forward, flow, v, tiny, &number);
  REFUSED(gaugelink_flow_inverse, flow, tiny, v, &number);
  REFUSED(gaugelink_flow_inverse, flow, u, tiny, &number);
  REFUSED(gaugelink_flow_log_density, flow, tiny, &number);
  REFUSED(gaugelink_flow_pullback, flow, tiny, f, g);
  REFUSED(gaugelink_flow_pullback, flow, v, tiny_f, g);
  REFUSED(gaugelink_flow_pullback, flow, v, f, tiny_f);

  gaugelink_force *force = NULL;
  FINE(gaugelink_force_new, plugin, large, NULL, "beta = 6.0", NULL, &force);
  FINE(gaugelink_force_refresh, force, u, 1, 1);
  FINE(gaugelink_force_action, force, u, &number);
  FINE(gaugelink_force_force, force, u, 1.0, f);
  REFUSED(gaugelink_force_refresh, force, tiny, 1, 1);
  REFUSED(gaugelink_force_action, force, tiny, &number);
  REFUSED(gaugelink_force_force, force, tiny, 1.0, f);
  REFUSED(gaugelink_force_force, force, u, 1.0, tiny_f);

  /* The same object serves another group: an algebra field of its own kind on the way. */
  gaugelink_gauge *su2 = NULL;
  gaugelink_algebra *f2 = NULL, *own = NULL;
  FINE(gaugelink_gauge_new, large, 2, &su2);
  FINE(gaugelink_gauge_random, su2, 0.5, 3);
  FINE(gaugelink_algebra_new, large, 2, &f2);
  FINE(gaugelink_algebra_new, large, 2, &own);
  FINE(gaugelink_force_force, force, su2, 1.0, f2);
  FINE(gaugelink_wilson_force, su2, 6.0, own);
  double away = 1, size = 0;
  FINE(gaugelink_algebra_distance2, f2, own, &away);
  FINE(gaugelink_algebra_norm2, own, &size);
  check(size > 1 && away < 1e-24 * size, "the plugin's force is not Wilson's");

  gaugelink_proposal *proposal = NULL;
  glk_stats stats;
  memset(&stats, 0, sizeof stats);
  stats.size = sizeof stats;
  FINE(gaugelink_proposal_new, plugin, large, NULL, "step = 0.1", NULL, &proposal);
  FINE(gaugelink_proposal_propose, proposal, 1, 1, v, u, &number);
  FINE(gaugelink_proposal_stats, proposal, &stats);
  check(number == 0 && stats.bytes_copied == 0, "a symmetric step in place has a weight, or copies");
  REFUSED(gaugelink_proposal_propose, proposal, 1, 1, tiny, u, &number);
  REFUSED(gaugelink_proposal_propose, proposal, 1, 1, v, tiny, &number);
  check(gaugelink_proposal_propose(proposal, 1, 1, v, v, &number, NULL) == GLK_INVALID_ARG, "a proposal in place");

  /* The accept step: what lowers the action is taken, what is no number is not, others at the rate of the rule. */
  int32_t taken = -1, rate = 0;
  FINE(gaugelink_accept, 5, 1, -INFINITY, &taken);
  check(taken == 1, "a proposal for links without a weight was refused");
  FINE(gaugelink_accept, 5, 1, NAN, &taken);
  check(taken == 0, "a proposal whose action is no number was taken");
  for (uint64_t i = 0; i < 4000; i++) {
    FINE(gaugelink_accept, 5, i, 0.5, &taken);
    rate += taken;
  }
  check(fabs(rate / 4000.0 - 0.60653066) < 0.024, "the rate of accepted proposals is not exp(-1/2)");

  gaugelink_precond *precond = NULL;
  glk_dirac op;
  memset(&op, 0, sizeof op);
  op.size = sizeof op;
  op.op = GLK_DIRAC_WILSON;
  FINE(gaugelink_precond_new, plugin, large, NULL, NULL, NULL, NULL, &precond);
  REFUSED(gaugelink_precond_setup, precond, tiny, &op, GLK_SETUP_RESET);
  FINE(gaugelink_precond_setup, precond, u, &op, GLK_SETUP_RESET);
  FINE(gaugelink_precond_apply, precond, r, z, 0);
  REFUSED(gaugelink_precond_apply, precond, tiny_r, z, 0);
  REFUSED(gaugelink_precond_apply, precond, r, tiny_r, 0);

  /* A preconditioner keeps the links it was set up with: they may be freed. */
  gaugelink_spinor *first = NULL, *second = NULL;
  gaugelink_gauge *gone = NULL;
  FINE(gaugelink_spinor_new, large, 3, &first);
  FINE(gaugelink_spinor_new, large, 3, &second);
  FINE(gaugelink_gauge_new, large, 3, &gone);
  FINE(gaugelink_gauge_random, gone, 0.5, 11);
  FINE(gaugelink_spinor_gaussian, r, 5);
  FINE(gaugelink_precond_setup, precond, gone, &op, GLK_SETUP_RESET);
  FINE(gaugelink_precond_apply, precond, r, first, 0);
  FINE(gaugelink_precond_setup, precond, gone, &op, GLK_SETUP_REUSE);
  FINE(gaugelink_gauge_random, gone, 0.5, 12);
  gaugelink_gauge_free(gone);
  gone = NULL;
  FINE(gaugelink_gauge_new, large, 3, &gone);
  FINE(gaugelink_precond_apply, precond, r, second, 0);
  static double before_free[4 * 4 * 4 * 4 * 24], after_free[4 * 4 * 4 * 4 * 24];
  glk_view dense;
  memset(&dense, 0, sizeof dense);
  dense.size = sizeof dense;
  FINE(gaugelink_view_dense, large, GLK_WILSON, 3, GLK_F64, before_free, &dense);
  FINE(gaugelink_spinor_write_view, first, &dense);
  FINE(gaugelink_view_dense, large, GLK_WILSON, 3, GLK_F64, after_free, &dense);
  FINE(gaugelink_spinor_write_view, second, &dense);
  FINE(gaugelink_spinor_norm2, first, &size);
  check(size > 1 && !memcmp(before_free, after_free, sizeof before_free), "the preconditioner lost its links");

  /* After a set-up that failed there is nothing to apply. */
  gaugelink_error *error = NULL;
  op.op = 99;
  check(gaugelink_precond_setup(precond, gone, &op, GLK_SETUP_RESET, NULL) != GLK_OK, "operator 99 was taken");
  check(gaugelink_precond_apply(precond, r, z, 0, &error) == GLK_PRECONDITION, "applied after a set-up that failed");
  check(strstr(gaugelink_error_message(error), "set the preconditioner up again") != NULL, "no advice");
  gaugelink_error_free(error);
  op.op = GLK_DIRAC_WILSON;
  FINE(gaugelink_precond_setup, precond, gone, &op, GLK_SETUP_RESET);
  FINE(gaugelink_precond_apply, precond, r, z, 0);

  /* Operators that are not Wilson's isotropic one. */
  const double no_phase[4] = { 0, 0, 0, NAN };
  check(gaugelink_dirac_apply(u, &op, no_phase, r, z, NULL) == GLK_INVALID_ARG, "a phase that is no number");
  op.dagger = 5;
  check(gaugelink_dirac_apply(u, &op, NULL, r, z, NULL) == GLK_INVALID_ARG, "dagger 5");
  op.dagger = 0;
  op.xi0 = 2;
  check(gaugelink_dirac_apply(u, &op, NULL, r, z, NULL) == GLK_UNSUPPORTED, "anisotropy");
  op.xi0 = 0;
  op.csw_t = 1;
  check(gaugelink_dirac_apply(u, &op, NULL, r, z, NULL) == GLK_INVALID_ARG, "a clover term of Wilson's operator");
  op.csw_t = 0;
  /* The hop alone is an operator, the normalisation by kappa = infinity is none. */
  op.mass = -4;
  FINE(gaugelink_dirac_apply, u, &op, NULL, r, z);
  op.normalisation = GLK_DIRAC_BY_KAPPA;
  check(gaugelink_dirac_apply(u, &op, NULL, r, z, NULL) == GLK_INVALID_ARG, "mass -4 by kappa");
  op.normalisation = GLK_DIRAC_BY_MASS;
  op.mass = 0.1;

  /* Nothing on the right-hand side: nothing is the solution, and the residual a number. */
  gaugelink_spinor *nothing = NULL;
  FINE(gaugelink_spinor_new, large, 3, &nothing);
  for (int32_t solver = GAUGELINK_SOLVER_BICGSTAB; solver <= GAUGELINK_SOLVER_GMRES; solver++) {
    gaugelink_solve_options options;
    gaugelink_solve_report report;
    memset(&options, 0, sizeof options);
    memset(&report, 0, sizeof report);
    options.size = sizeof options;
    options.solver = solver;
    report.size = sizeof report;
    FINE(gaugelink_dirac_solve, u, &op, NULL, z, nothing, &options, &report);
    FINE(gaugelink_spinor_norm2, z, &size);
    check(report.residual == 0 && size == 0, "zero is not the solution for zero");
    const double wrong[3] = { -1, 2, NAN };
    for (int i = 0; i < 3; i++) {
      options.tolerance = wrong[i];
      check(gaugelink_dirac_solve(u, &op, NULL, z, nothing, &options, &report, NULL) == GLK_INVALID_ARG, "a tolerance");
    }
  }

  /* The library's own views belong to a lattice, too. */
  glk_view lent;
  memset(&lent, 0, sizeof lent);
  lent.size = sizeof lent;
  FINE(gaugelink_gauge_view, tiny, &lent);
  REFUSED(gaugelink_force_action_view, force, &lent, &number);
  REFUSED(gaugelink_flow_log_density_view, flow, &lent, &number);
  glk_rng rng;
  memset(&rng, 0, sizeof rng);
  rng.size = sizeof rng;
  rng.algorithm = GLK_RNG_CHACHA20;
  REFUSED(gaugelink_proposal_propose_view, proposal, &rng, &lent, &lent, &number);
  REFUSED(gaugelink_precond_setup_view, precond, &lent, &op, GLK_SETUP_RESET, NULL, NULL);
  REFUSED(gaugelink_gauge_read_view, u, &lent);
  FINE(gaugelink_gauge_view_mut, tiny, &lent);
  REFUSED(gaugelink_gauge_write_view, u, &lent);
  FINE(gaugelink_spinor_view, tiny_r, &lent);
  REFUSED(gaugelink_spinor_read_view, r, &lent);
  FINE(gaugelink_gauge_view, v, &lent);
  FINE(gaugelink_force_action_view, force, &lent, &number);

  /* Random links stand where the old ones stood, under another generation. */
  glk_view before, after;
  memset(&before, 0, sizeof before);
  before.size = sizeof before;
  after = before;
  FINE(gaugelink_gauge_view, u, &before);
  FINE(gaugelink_gauge_random, u, 0.5, 7);
  FINE(gaugelink_gauge_view, u, &after);
  check(before.plane[0] == after.plane[0], "random links moved");
  check(before.generation != after.generation, "random links are the old ones");
  FINE(gaugelink_gauge_unitarity, u, &number);
  check(number < 1e-13, "random links are no links");

  gaugelink_proposal_free(proposal);
  gaugelink_precond_free(precond);
  gaugelink_force_free(force);
  gaugelink_flow_free(flow);
  gaugelink_gauge *links[] = { u, v, tiny, su2, gone };
  for (int i = 0; i < 5; i++) gaugelink_gauge_free(links[i]);
  gaugelink_algebra *elements[] = { f, g, tiny_f, f2, own };
  for (int i = 0; i < 5; i++) gaugelink_algebra_free(elements[i]);
  gaugelink_spinor *spinors[] = { r, z, tiny_r, first, second, nothing };
  for (int i = 0; i < 6; i++) gaugelink_spinor_free(spinors[i]);
  gaugelink_lattice_free(large);
  gaugelink_lattice_free(small);
  gaugelink_plugin_free(plugin);
  gaugelink_context_free(context);
  return 0;
}
