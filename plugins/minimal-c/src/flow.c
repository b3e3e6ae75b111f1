/* org.gaugelink.minimal.identity, a flow: U = V and log det = 0, the smallest map that keeps every promise. */
#include "minimal.h"

static glk_status forward(glk_object *o, const glk_exec *exec, const glk_view *V, glk_view *U, double *logdet,
                          glk_error *error) {
  CALL(FLOW);
  OPEN(v, V, INPUT);
  OPEN(u, U, OUTPUT);
  REQUIRE(logdet, GLK_INVALID_ARG, "logdet is NULL");
  REQUIRE(v->whole_links && u->whole_links && alike(v, u), GLK_INVALID_ARG,
          "V and U differ in shape or are no whole link fields");
  APART(u, v);
  for (int64_t b = 0; b < v->nrhs; b++) {
    scale(v, u, 1, b);
    logdet[b] = 0;
  }
  return finish(o, start);
}

/* f is the identity and log det is 0, so the force passes through. */
static glk_status pullback(glk_object *o, const glk_exec *exec, const glk_view *V, const glk_view *F_U, glk_view *F_V,
                           glk_error *error) {
  CALL(FLOW);
  OPEN(v, V, INPUT);
  OPEN(from, F_U, SECOND);
  OPEN(to, F_V, OUTPUT);
  REQUIRE(v->whole_links && from->v->kind == GLK_ALGEBRA && to->v->kind == GLK_ALGEBRA && alike(from, to) &&
            alike(v, to), GLK_INVALID_ARG, "V, F_U and F_V differ in shape or kind");
  APART(to, v);
  APART(to, from);
  double sign = from->v->algebra_conv == to->v->algebra_conv ? 1 : -1;
  for (int64_t b = 0; b < from->nrhs; b++) scale(from, to, sign, b);
  return finish(o, start);
}
const glk_flow identity_table = { sizeof(glk_flow), 0, NULL, forward, forward, NULL, pullback };
