/* org.gaugelink.minimal.wilson, a force: S = beta sum (1 - Re tr P / N), F = beta/(2N) Ta(U staple). */
#include <string.h>

#include "minimal.h"

static void hop(const glk_object *o, int64_t x[GLK_MAX_DIM], int64_t mu, int64_t step) {
  x[mu] = (x[mu] + step + o->lattice.local[mu]) % o->lattice.local[mu];
}

/* U_nu(x+mu) U_mu(x+nu)^+ U_nu(x)^+, and with dir = -1 U_nu(x+mu-nu)^+ U_mu(x-nu)^+ U_nu(x-nu). */
static matrix staple(const field *u, const int64_t x[GLK_MAX_DIM], int64_t mu, int64_t nu, int dir, int64_t b) {
  int64_t n = u->ncol, corner[GLK_MAX_DIM], side[GLK_MAX_DIM];
  memcpy(corner, x, sizeof corner);
  if (dir < 0) hop(u->o, corner, nu, -1);
  memcpy(side, corner, sizeof side);
  hop(u->o, side, mu, 1);
  matrix right = link_at(u, lex_of(u->o, side), nu, b), left = link_at(u, lex_of(u->o, corner), nu, b);
  memcpy(side, x, sizeof side);
  hop(u->o, side, nu, dir);
  matrix far_link = link_at(u, lex_of(u->o, side), mu, b), far = dagger_of(&far_link, n);
  matrix first = dir > 0 ? right : dagger_of(&right, n), last = dir > 0 ? dagger_of(&left, n) : left;
  matrix half = multiply(&first, &far, n);
  return multiply(&half, &last, n);
}

static glk_status action(glk_object *o, const glk_exec *exec, const glk_view *U, const glk_view *const *aux,
                         const glk_dirac *const *dirac, uint64_t naux, double *S, glk_error *error) {
  (void)aux, (void)dirac;
  CALL(FORCE);
  OPEN(u, U, INPUT);
  REQUIRE(u->whole_links, GLK_INVALID_ARG, "U is no whole link field");
  REQUIRE(naux == 0, GLK_INVALID_ARG, "naux: the action depends on the links alone: give no pseudofermions");
  REQUIRE(S, GLK_INVALID_ARG, "S is NULL");
  for (int64_t b = 0; b < u->nrhs; b++) {
    double sum = 0;
    for (int64_t lex = 0; lex < o->sites; lex++) {
      int64_t x[GLK_MAX_DIM];
      coordinates(o, lex, x);
      for (int64_t mu = 0; mu < u->nmu; mu++)
        for (int64_t nu = mu + 1; nu < u->nmu; nu++) {
          matrix link = link_at(u, lex, mu, b), rest = staple(u, x, mu, nu, 1, b), p = multiply(&link, &rest, u->ncol);
          for (int64_t i = 0; i < u->ncol; i++) sum += (1 - creal(p.e[i][i])) / (double)u->ncol;
        }
    }
    S[b] = o->beta * sum;
  }
  return finish(o, start);
}

static glk_status force(glk_object *o, const glk_exec *exec, const glk_view *U, const glk_view *const *aux,
                        const glk_dirac *const *dirac, uint64_t naux, double factor, glk_view *F, glk_error *error) {
  (void)aux, (void)dirac;
  CALL(FORCE);
  OPEN(u, U, INPUT);
  OPEN(f, F, OUTPUT);
  int64_t n = u->ncol;
  REQUIRE(u->whole_links, GLK_INVALID_ARG, "U is no whole link field");
  REQUIRE(naux == 0, GLK_INVALID_ARG, "naux: the force depends on the links alone: give no pseudofermions");
  REQUIRE(f->v->kind == GLK_ALGEBRA && alike(u, f), GLK_INVALID_ARG, "F is no algebra field of the shape of U");
  APART(f, u);
  /* U(1): F = i dS/dtheta = i beta Im(U A); SU(N): beta/(2N) Ta(U A). */
  double strength = factor * (n == 1 ? o->beta : o->beta / (2.0 * (double)n));
  if (f->v->algebra_conv == GLK_ALG_NEG_F) strength = -strength;
  for (int64_t b = 0; b < u->nrhs; b++)
    for (int64_t lex = 0; lex < o->sites; lex++) {
      int64_t x[GLK_MAX_DIM];
      coordinates(o, lex, x);
      for (int64_t mu = 0; mu < u->nmu; mu++) {
        matrix sum = { { { 0 } } }, link = link_at(u, lex, mu, b);
        for (int64_t nu = 0; nu < u->nmu; nu++)
          for (int dir = -1; nu != mu && dir <= 1; dir += 2) {
            matrix one = staple(u, x, mu, nu, dir, b);
            for (int64_t i = 0; i < n; i++)
              for (int64_t j = 0; j < n; j++) sum.e[i][j] += one.e[i][j];
          }
        matrix w = multiply(&link, &sum, n);
        double trace = 0;
        for (int64_t i = 0; i < n; i++) trace += cimag(w.e[i][i]);
        for (int64_t i = 0; i < n; i++)
          for (int64_t j = 0; j < n; j++) {
            cplx z = (w.e[i][j] - conj(w.e[j][i])) / 2;
            if (i == j && n > 1) z -= I * trace / (double)n;
            store(f, address(f, lex, mu, i, j, 0, b), strength * z);
          }
      }
    }
  return finish(o, start);
}
const glk_force wilson_table = { sizeof(glk_force), 0, NULL, action, force };
