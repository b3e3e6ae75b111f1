/* org.gaugelink.minimal.jacobi, a preconditioner: z = r / diagonal of M. */
#include <math.h>
#include <string.h>

#include "minimal.h"

/* Rule R2: what an older host left out is zero. */
static const glk_dirac *whole(const glk_dirac *dirac, glk_dirac *room) {
  if (dirac->size >= sizeof *room) return dirac;
  memset(room, 0, sizeof *room);
  return memcpy(room, dirac, dirac->size);
}

static glk_status setup(glk_object *o, const glk_exec *exec, const glk_view *U, const glk_dirac *dirac, int32_t mode,
                        glk_apply_fn host_M, void *context, glk_error *error) {
  (void)host_M, (void)context;
  CALL(PRECOND);
  int was_ready = o->ready;
  o->ready = 0;                   /* after a set-up that fails, only another one is possible */
  OPEN(u, U, SECOND);
  REQUIRE(u->whole_links, GLK_INVALID_ARG, "U is no whole link field");
  REQUIRE(dirac && GLK_HAS(glk_dirac, dirac, mass), GLK_INVALID_ARG, "dirac is NULL or its size too small");
  glk_dirac room;
  const glk_dirac *m = whole(dirac, &room);
  REQUIRE(m->op == GLK_DIRAC_WILSON, GLK_UNSUPPORTED, "dirac.op: only Wilson fermions");
  REQUIRE(m->precond_form == GLK_DIRAC_FULL, GLK_UNSUPPORTED, "dirac.precond_form: only the full operator");
  REQUIRE(m->csw_r == 0 && m->csw_t == 0, GLK_UNSUPPORTED, "dirac.csw: there is no clover term here");
  REQUIRE((m->xi0 == 0 || m->xi0 == 1) && (m->nu == 0 || m->nu == 1), GLK_UNSUPPORTED,
          "dirac.xi0 and nu: only isotropic operators");
  REQUIRE(m->normalisation == GLK_DIRAC_BY_MASS || m->normalisation == GLK_DIRAC_BY_KAPPA, GLK_INVALID_ARG,
          "dirac.normalisation: 0 and 1 exist");
  REQUIRE(mode >= GLK_SETUP_RESET && mode <= GLK_SETUP_REUSE, GLK_INVALID_ARG, "mode: 0 to 3 exist");
  /* The diagonal is that of any links, but a host that speaks of those set up with means them. */
  REQUIRE(mode != GLK_SETUP_REUSE || (was_ready && u->v->generation && u->v->generation == o->generation),
          GLK_PRECONDITION, "mode: REUSE for other links than those set up with: use RESET");
  REQUIRE(m->mass > -4 && isfinite(m->mass), GLK_INVALID_ARG, "dirac.mass: must be above -4");
  o->diagonal = m->normalisation == GLK_DIRAC_BY_KAPPA ? 1 : m->mass + 4;
  o->generation = u->v->generation;
  o->ready = 1;
  return finish(o, start);
}

static glk_status apply(glk_object *o, const glk_exec *exec, const glk_view *r, glk_view *z, int32_t dagger,
                        glk_error *error) {
  (void)dagger;                   /* the diagonal is real */
  CALL(PRECOND);
  REQUIRE(o->ready, GLK_PRECONDITION, "apply before setup: call setup first");
  OPEN(in, r, INPUT);
  OPEN(out, z, OUTPUT);
  REQUIRE(in->v->kind == GLK_WILSON && out->v->kind == GLK_WILSON && alike(in, out), GLK_INVALID_ARG,
          "r and z differ in shape or are no spinors");
  APART(out, in);
  for (int64_t b = 0; b < in->nrhs; b++) scale(in, out, 1 / o->diagonal, b);
  return finish(o, start);
}

static glk_status cost(glk_object *o, double *flops, double *bytes, double *dirac_equivalents, glk_error *error) {
  OBJECT(PRECOND);
  if (flops) *flops = 24.0 * (double)o->sites;
  if (bytes) *bytes = 2.0 * 24 * 8 * (double)o->sites;
  if (dirac_equivalents) *dirac_equivalents = 24.0 / 1344;
  return GLK_OK;
}
const glk_precond jacobi_table = { sizeof(glk_precond), 0, setup, apply, cost, NULL };
