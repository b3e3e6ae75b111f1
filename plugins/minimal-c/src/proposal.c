/* org.gaugelink.minimal.shake, a proposal: every link is multiplied by a random one near unity, U' = exp(step X) U.
 * X is anti-Hermitian, traceless for N > 1, and as likely as -X, so the way back is as likely as the way there: the
 * weight is 1. */
#include "minimal.h"

#define HALVINGS 4
#define TERMS 13

/* exp(x) by Taylor's series of x / 2^4, squared 4 times: to rounding while the elements of x are of order 1. */
static matrix exponential(const matrix *x, int64_t n) {
  matrix power = { { { 0 } } }, sum = { { { 0 } } }, part = *x;
  for (int64_t i = 0; i < n; i++) {
    power.e[i][i] = sum.e[i][i] = 1;
    for (int64_t j = 0; j < n; j++) part.e[i][j] /= 1 << HALVINGS;
  }
  for (int k = 1; k <= TERMS; k++) {
    power = multiply(&power, &part, n);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < n; j++) {
        power.e[i][j] /= k;
        sum.e[i][j] += power.e[i][j];
      }
  }
  for (int k = 0; k < HALVINGS; k++) sum = multiply(&sum, &sum, n);
  return sum;
}

/* step X of a link: n * n numbers make a Hermitian matrix. */
static matrix random_algebra(const glk_object *o, const glk_rng *rng, int64_t n, uint64_t b, uint64_t site, int64_t mu) {
  double x[2 * BLOCK_NUMBERS];
  for (uint32_t i = 0; i * BLOCK_NUMBERS < n * n; i++) random_block(rng, b, site, 2 * (uint32_t)mu + i, x + BLOCK_NUMBERS * i);
  matrix a = { { { 0 } } };
  double trace = 0;
  for (int64_t i = 0; i < n; i++) trace += x[i * n + i];
  for (int64_t i = 0; i < n; i++) {
    a.e[i][i] = I * o->step * (x[i * n + i] - (n > 1 ? trace / (double)n : 0));
    for (int64_t j = 0; j < i; j++) {
      a.e[i][j] = o->step * (x[i * n + j] + I * x[j * n + i]);
      a.e[j][i] = -conj(a.e[i][j]);
    }
  }
  return a;
}

static glk_status propose(glk_object *o, const glk_exec *exec, const glk_rng *rng, const glk_view *U,
                          const glk_view *const *aux, uint64_t naux, glk_view *U_new, glk_view *const *aux_new,
                          double *log_weight, glk_error *error) {
  (void)aux, (void)aux_new;
  CALL(PROPOSAL);
  OPEN(u, U, INPUT);
  OPEN(out, U_new, OUTPUT);
  REQUIRE(naux == 0, GLK_INVALID_ARG, "naux: only links are proposed: give no pseudofermions");
  REQUIRE(log_weight, GLK_INVALID_ARG, "log_weight is NULL");
  REQUIRE(rng && GLK_HAS(glk_rng, rng, call), GLK_INVALID_ARG, "rng is NULL or its size too small");
  REQUIRE(rng->algorithm == GLK_RNG_CHACHA20, GLK_UNSUPPORTED, "rng.algorithm: only CHACHA20 (1)");
  REQUIRE(u->whole_links && out->whole_links && alike(u, out), GLK_INVALID_ARG,
          "U and U_new differ in shape or are no whole link fields");
  APART(out, u);
  int64_t n = u->ncol;
  for (int64_t b = 0; b < u->nrhs; b++) {
    for (int64_t lex = 0; lex < o->sites; lex++)
      for (int64_t mu = 0; mu < u->nmu; mu++) {
        matrix x = random_algebra(o, rng, n, (uint64_t)b, (uint64_t)lex, mu), turn = exponential(&x, n);
        matrix link = link_at(u, lex, mu, b), moved = multiply(&turn, &link, n);
        for (int64_t i = 0; i < n; i++)
          for (int64_t j = 0; j < n; j++) store(out, address(out, lex, mu, i, j, 0, b), moved.e[i][j]);
      }
    log_weight[b] = 0;
  }
  return finish(o, start);
}
const glk_proposal shake_table = { sizeof(glk_proposal), 0, propose };
