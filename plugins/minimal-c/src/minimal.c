/* A Gaugelink plugin in one C file, to copy from. It offers
 *   org.gaugelink.minimal.identity   a flow:  U = V, log det = 0; the smallest map that keeps every promise
 *   org.gaugelink.minimal.wilson     a force: S = beta sum (1 - Re tr P / N), F = beta/(2N) Ta(U staple)
 *   org.gaugelink.minimal.jacobi     a preconditioner: z = r / diagonal of M
 * for U(N), N <= 4, in place, in every site order of plugin.h, in f32 and f64, on one rank and one thread.
 * Conventions: docs/conventions.md. */
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gaugelink/plugin.h"

#define MAXN 4
#define STR(s) { s, sizeof(s) - 1 }

typedef double complex cplx;
typedef struct { cplx e[MAXN][MAXN]; } matrix;

enum { FLOW, FORCE, PRECOND };
struct glk_object {
  int         kind, ready;        /* ready: a preconditioner that was set up */
  double      beta, diagonal;
  glk_lattice lattice;
  int64_t     sites;
};

/* ---- Errors -------------------------------------------------------------------------------------------------*/
static glk_status fail(glk_error *error, glk_status code, const char *where, const char *message) {
  /* Rule R2: write what the caller's struct has room for. */
  if (error && error->size >= offsetof(glk_error, message)) {
    error->code = code;
    error->rank = -1;
    snprintf(error->where, sizeof error->where, "%s", where);
    if (error->size >= sizeof *error) snprintf(error->message, sizeof error->message, "%s", message);
  }
  return code;
}

/* ---- Views: where is the number? ----------------------------------------------------------------------------
 * A view as this file uses it: a full copy (missing bytes zero), counts, and the sizes of its index ranges. */
typedef struct {
  glk_view v;
  const glk_object *o;
  int64_t scalar, im;             /* bytes of a number, bytes from real to imaginary part */
  int64_t nmu, nrow, ncol, n5, nrhs;
} field;

static int64_t parity_of(const glk_object *o, const int64_t x[GLK_MAX_DIM]) {
  int64_t sum = 0;
  for (uint32_t d = 0; d < o->lattice.ndim; d++) sum += x[d] + o->lattice.origin[d];
  return sum & 1;
}

static void coordinates(const glk_object *o, int64_t lex, int64_t x[GLK_MAX_DIM]) {
  for (uint32_t d = 0; d < GLK_MAX_DIM; d++) {
    int64_t extent = d < o->lattice.ndim ? o->lattice.local[d] : 1;
    x[d] = lex % extent;
    lex /= extent;
  }
}

static int64_t lex_of(const glk_object *o, const int64_t x[GLK_MAX_DIM]) {
  int64_t lex = 0;
  for (uint32_t d = o->lattice.ndim; d-- > 0;) lex = lex * o->lattice.local[d] + x[d];
  return lex;
}

static int holds(const field *f, int64_t lex) {
  int64_t x[GLK_MAX_DIM];
  coordinates(f->o, lex, x);
  return f->v.parity == GLK_BOTH || parity_of(f->o, x) + 1 == f->v.parity;
}

/* Bytes from the plane to the first number of a site: the table of site orders in plugin.h. */
static int64_t site_offset(const field *f, int64_t lex) {
  const glk_lattice *l = &f->o->lattice;
  int64_t x[GLK_MAX_DIM], element = 0, lane = 0, step = 1, lane_step = 1;
  switch (f->v.site_order) {
    case GLK_SITE_TABLE: return f->v.site_table[lex] * f->v.stride_site;
    case GLK_SITE_EO:
      coordinates(f->o, lex, x);
      element = lex / 2 + (f->v.parity == GLK_BOTH && parity_of(f->o, x) ? f->o->sites / 2 : 0);
      return element * f->v.stride_site;
    default: break;
  }
  coordinates(f->o, lex, x);
  for (uint32_t d = 0; d < l->ndim; d++) {
    if (f->v.site_order == GLK_SITE_LEX) {
      element += step * (x[d] + f->v.halo[d]);
      step *= l->local[d] + 2 * (int64_t)f->v.halo[d];
    } else {
      int64_t half = f->v.site_order == GLK_SITE_BLOCK_EO && d == 0 ? 2 : 1;
      int64_t simd = f->v.simd[d] > 1 ? f->v.simd[d] : 1, rows = l->local[d] / half / simd;
      element += step * (x[d] / half % rows);
      lane += lane_step * (x[d] / half / rows);
      step *= rows;
      lane_step *= simd;
    }
  }
  return element * f->v.stride_site + lane * f->v.stride_lane;
}

static char *address(const field *f, int64_t lex, int64_t mu, int64_t row, int64_t col, int64_t s, int64_t b) {
  char *plane = f->v.plane[f->v.nplanes > 1 ? mu : 0];
  return plane + site_offset(f, lex) + (f->v.nplanes > 1 ? 0 : mu * f->v.stride_mu) + row * f->v.stride_row +
         col * f->v.stride_col + s * f->v.stride_5 + b * f->v.stride_rhs;
}

static cplx load(const field *f, const char *p) {
  if (f->scalar == 8) return *(const double *)p + I * *(const double *)(p + f->im);
  return *(const float *)p + I * *(const float *)(p + f->im);
}

static void store(const field *f, char *p, cplx z) {
  if (f->v.flags & GLK_VIEW_ACCUMULATE) z += load(f, p);
  if (f->scalar == 8) {
    *(double *)p = creal(z);
    *(double *)(p + f->im) = cimag(z);
  } else {
    *(float *)p = (float)creal(z);
    *(float *)(p + f->im) = (float)cimag(z);
  }
}

/* Adds the reach of an index to [low, high]; 0 if a stride is impossible. */
static int reach(double *low, double *high, int64_t count, int64_t stride, int64_t scalar) {
  if (count > 1 && stride % scalar) return 0;
  double span = (double)(count - 1) * (double)stride;
  if (span < 0) *low += span; else *high += span;
  return 1;
}

/* Rule R9: nothing of a view is believed before it is checked. NULL if it is fine, else what is wrong. */
static const char *open_view(field *f, const glk_object *o, const glk_view *view, int output) {
  memset(f, 0, sizeof *f);
  if (!view) return "a view is NULL";
  if (view->size < offsetof(glk_view, plane)) return "a view's size is too small: set it to sizeof(glk_view)";
  memcpy(&f->v, view, view->size < sizeof f->v ? view->size : sizeof f->v);
  f->o = o;
  glk_view *v = &f->v;
  if (output && (v->flags & GLK_VIEW_CONST)) return "an output view says CONST";
  if (v->device_type > GLK_DEV_CPU) return "device_type: only CPU memory is served";
  if (v->scalar != GLK_F32 && v->scalar != GLK_F64) return "scalar: F32 and F64 are served";
  f->scalar = v->scalar == GLK_F64 ? 8 : 4;
  f->im = v->stride_reim ? v->stride_reim : f->scalar;
  int links = v->kind == GLK_GAUGE || v->kind == GLK_ALGEBRA;
  if (!links && v->kind != GLK_WILSON && v->kind != GLK_STAGGERED) return "kind: not served";
  f->nmu = links ? o->lattice.ndim : 1;
  f->nrow = links ? v->nrow : v->kind == GLK_WILSON ? v->nspin : 1;
  f->ncol = v->ncolor;
  f->n5 = v->dim5 > 1 ? v->dim5 : 1;
  f->nrhs = v->nrhs > 1 ? v->nrhs : 1;
  if (f->ncol < 1 || f->ncol > MAXN || f->nrow < 1 || f->nrow > MAXN || (links && f->nrow != f->ncol))
    return "ncolor, nrow or nspin: 1 to 4, all rows stored";
  if (v->nplanes > 1 && (v->nplanes != f->nmu || v->nplanes > GLK_MAX_PLANES)) return "nplanes: 1 or one a direction";
  if (v->parity < GLK_BOTH || v->parity > GLK_ODD) return "parity: 0, 1, 2 exist";

  int64_t places = 1, lanes = 1;
  int blocked = v->site_order == GLK_SITE_BLOCK || v->site_order == GLK_SITE_BLOCK_EO;
  int halved = v->site_order == GLK_SITE_EO || v->site_order == GLK_SITE_BLOCK_EO;
  if (v->site_order < GLK_SITE_LEX || v->site_order > GLK_SITE_TABLE) return "site_order: 1 to 5 exist";
  if (halved && o->lattice.local[0] % 2) return "site_order: even-odd needs an even local extent in x";
  if (v->site_order == GLK_SITE_BLOCK_EO && v->parity == GLK_BOTH) return "parity: BLOCK_EO holds one parity";
  if (v->parity != GLK_BOTH && (v->site_order == GLK_SITE_LEX || v->site_order == GLK_SITE_BLOCK))
    return "parity: LEX and BLOCK hold all sites";
  if (v->site_order == GLK_SITE_TABLE && !v->site_table) return "site_table is NULL";
  for (uint32_t d = 0; d < o->lattice.ndim; d++) {
    int64_t extent = o->lattice.local[d], simd = v->simd[d] > 1 ? v->simd[d] : 1;
    if (v->site_order == GLK_SITE_BLOCK_EO && d == 0) extent /= 2;
    if (v->simd[d] < 0 || (!blocked && simd > 1) || extent % simd) return "simd: does not divide the extent";
    if (v->halo[d] < 0 || (v->halo[d] && v->site_order != GLK_SITE_LEX)) return "halo: only LEX has one";
    int64_t padded = extent / simd + 2 * (int64_t)v->halo[d];
    if (padded > (1ll << 48) / places) return "halo: more than 2^48 places with it";
    places *= padded;
    lanes *= simd;
  }
  if (v->site_order == GLK_SITE_EO && v->parity != GLK_BOTH) places /= 2;

  double low = 0, high = 0;
  if (v->site_order == GLK_SITE_TABLE) {
    places = 1;
    for (int64_t lex = 0; lex < o->sites; lex++) {
      double offset = (double)v->site_table[lex] * (double)v->stride_site;
      if (!holds(f, lex)) continue;
      if (offset < low) low = offset;
      if (offset > high) high = offset;
    }
  }
  if (!reach(&low, &high, places, v->stride_site, f->scalar) || !reach(&low, &high, lanes, v->stride_lane, f->scalar) ||
      !reach(&low, &high, v->nplanes > 1 ? 1 : f->nmu, v->stride_mu, f->scalar) ||
      !reach(&low, &high, f->nrow, v->stride_row, f->scalar) ||
      !reach(&low, &high, f->ncol, v->stride_col, f->scalar) ||
      !reach(&low, &high, f->n5, v->stride_5, f->scalar) || !reach(&low, &high, f->nrhs, v->stride_rhs, f->scalar) ||
      !reach(&low, &high, 2, f->im, f->scalar) || v->stride_site % f->scalar)
    return "a stride is no multiple of the number's size";
  if (low < 0 || high + (double)f->scalar > (double)v->plane_bytes) return "the strides lead out of plane_bytes";
  for (uint32_t i = 0; i < (v->nplanes > 1 ? v->nplanes : 1); i++)
    if (!v->plane[i] || (uintptr_t)v->plane[i] % (uintptr_t)f->scalar) return "a plane is NULL or misaligned";
  return NULL;
}

static int alike(const field *a, const field *b) {
  return a->nmu == b->nmu && a->nrow == b->nrow && a->ncol == b->ncol && a->n5 == b->n5 && a->nrhs == b->nrhs &&
         a->v.parity == b->v.parity;
}

/* to = factor * from, element by element, whatever the two layouts are. */
static void scale(const field *from, const field *to, double factor) {
  for (int64_t b = 0; b < from->nrhs; b++)
    for (int64_t x = 0; x < from->o->sites; x++)
      if (holds(from, x) && holds(to, x))
        for (int64_t s = 0; s < from->n5; s++)
          for (int64_t mu = 0; mu < from->nmu; mu++)
            for (int64_t i = 0; i < from->nrow; i++)
              for (int64_t j = 0; j < from->ncol; j++)
                store(to, address(to, x, mu, i, j, s, b), factor * load(from, address(from, x, mu, i, j, s, b)));
}

#define REQUIRE(condition, code, message) \
  if (!(condition)) return fail(error, code, __func__, message)
#define OBJECT(wanted) REQUIRE(o && o->kind == (wanted), GLK_INVALID_ARG, "the object is NULL or of another interface")
#define OPEN(f, view, output)                                       \
  field f;                                                          \
  do {                                                              \
    const char *wrong = open_view(&f, o, view, output);             \
    REQUIRE(!wrong, GLK_INVALID_ARG, wrong);                        \
  } while (0)

/* ---- Flow: the identity -------------------------------------------------------------------------------------*/
static glk_status forward(glk_object *o, const glk_exec *exec, const glk_view *V, glk_view *U, double *logdet,
                          glk_error *error) {
  (void)exec;
  OBJECT(FLOW);
  OPEN(v, V, 0);
  OPEN(u, U, 1);
  REQUIRE(logdet, GLK_INVALID_ARG, "logdet is NULL");
  REQUIRE(v.v.kind == GLK_GAUGE && u.v.kind == GLK_GAUGE && alike(&v, &u), GLK_INVALID_ARG, "V and U differ in shape");
  scale(&v, &u, 1);
  for (int64_t b = 0; b < v.nrhs; b++) logdet[b] = 0;
  return GLK_OK;
}

/* f is the identity and log det is 0, so the force passes through. */
static glk_status pullback(glk_object *o, const glk_exec *exec, const glk_view *V, const glk_view *F_U, glk_view *F_V,
                           glk_error *error) {
  (void)exec;
  OBJECT(FLOW);
  OPEN(v, V, 0);
  OPEN(from, F_U, 0);
  OPEN(to, F_V, 1);
  REQUIRE(from.v.kind == GLK_ALGEBRA && to.v.kind == GLK_ALGEBRA && alike(&from, &to) && alike(&v, &to),
          GLK_INVALID_ARG, "V, F_U and F_V differ in shape");
  scale(&from, &to, from.v.algebra_conv == to.v.algebra_conv ? 1 : -1);
  return GLK_OK;
}
static const glk_flow flow = { sizeof(glk_flow), 0, NULL, forward, forward, NULL, pullback };

/* ---- Force: Wilson's gauge action ---------------------------------------------------------------------------*/
static matrix link_at(const field *u, const int64_t x[GLK_MAX_DIM], int64_t mu, int64_t b) {
  matrix m = { { { 0 } } };
  int64_t lex = lex_of(u->o, x);
  for (int64_t i = 0; i < u->ncol; i++)
    for (int64_t j = 0; j < u->ncol; j++) m.e[i][j] = load(u, address(u, lex, mu, i, j, 0, b));
  return m;
}

static matrix multiply(const matrix *a, const matrix *b, int64_t n) {
  matrix c = { { { 0 } } };
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++)
      for (int64_t k = 0; k < n; k++) c.e[i][j] += a->e[i][k] * b->e[k][j];
  return c;
}

static matrix dagger_of(const matrix *a, int64_t n) {
  matrix c = { { { 0 } } };
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) c.e[i][j] = conj(a->e[j][i]);
  return c;
}

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
  matrix right = link_at(u, side, nu, b), left = link_at(u, corner, nu, b);
  memcpy(side, x, sizeof side);
  hop(u->o, side, nu, dir);
  matrix far_link = link_at(u, side, mu, b), far = dagger_of(&far_link, n);
  matrix first = dir > 0 ? right : dagger_of(&right, n), last = dir > 0 ? dagger_of(&left, n) : left;
  matrix half = multiply(&first, &far, n);
  return multiply(&half, &last, n);
}

static glk_status open_links(field *u, glk_object *o, const glk_view *U, glk_error *error) {
  const char *wrong = open_view(u, o, U, 0);
  REQUIRE(!wrong, GLK_INVALID_ARG, wrong);
  REQUIRE(u->v.kind == GLK_GAUGE && u->v.parity == GLK_BOTH && u->n5 == 1, GLK_INVALID_ARG, "U is no whole link field");
  return GLK_OK;
}

static glk_status action(glk_object *o, const glk_exec *exec, const glk_view *U, const glk_view *const *aux,
                         const glk_dirac *const *dirac, uint64_t naux, double *S, glk_error *error) {
  (void)exec, (void)aux, (void)dirac, (void)naux;
  OBJECT(FORCE);
  field u;
  glk_status status = open_links(&u, o, U, error);
  if (status) return status;
  REQUIRE(S, GLK_INVALID_ARG, "S is NULL");
  for (int64_t b = 0; b < u.nrhs; b++) {
    double sum = 0;
    for (int64_t lex = 0; lex < o->sites; lex++) {
      int64_t x[GLK_MAX_DIM];
      coordinates(o, lex, x);
      for (int64_t mu = 0; mu < u.nmu; mu++)
        for (int64_t nu = mu + 1; nu < u.nmu; nu++) {
          matrix link = link_at(&u, x, mu, b), rest = staple(&u, x, mu, nu, 1, b), p = multiply(&link, &rest, u.ncol);
          for (int64_t i = 0; i < u.ncol; i++) sum += (1 - creal(p.e[i][i])) / (double)u.ncol;
        }
    }
    S[b] = o->beta * sum;
  }
  return GLK_OK;
}

static glk_status force(glk_object *o, const glk_exec *exec, const glk_view *U, const glk_view *const *aux,
                        const glk_dirac *const *dirac, uint64_t naux, double factor, glk_view *F, glk_error *error) {
  (void)exec, (void)aux, (void)dirac, (void)naux;
  OBJECT(FORCE);
  field u;
  glk_status status = open_links(&u, o, U, error);
  if (status) return status;
  OPEN(f, F, 1);
  int64_t n = u.ncol;
  REQUIRE(f.v.kind == GLK_ALGEBRA && alike(&u, &f), GLK_INVALID_ARG, "F is no algebra field of the shape of U");
  /* U(1): F = i dS/dtheta = i beta Im(U A); SU(N): beta/(2N) Ta(U A). */
  double strength = factor * (n == 1 ? o->beta : o->beta / (2.0 * (double)n));
  if (f.v.algebra_conv == GLK_ALG_NEG_F) strength = -strength;
  for (int64_t b = 0; b < u.nrhs; b++)
    for (int64_t lex = 0; lex < o->sites; lex++) {
      int64_t x[GLK_MAX_DIM];
      coordinates(o, lex, x);
      for (int64_t mu = 0; mu < u.nmu; mu++) {
        matrix sum = { { { 0 } } }, link = link_at(&u, x, mu, b);
        for (int64_t nu = 0; nu < u.nmu; nu++)
          for (int dir = -1; nu != mu && dir <= 1; dir += 2) {
            matrix one = staple(&u, x, mu, nu, dir, b);
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
            store(&f, address(&f, lex, mu, i, j, 0, b), strength * z);
          }
      }
    }
  return GLK_OK;
}
static const glk_force wilson = { sizeof(glk_force), 0, NULL, action, force };

/* ---- Preconditioner: the diagonal ---------------------------------------------------------------------------*/
static glk_status setup(glk_object *o, const glk_exec *exec, const glk_view *U, const glk_dirac *dirac, int32_t mode,
                        glk_apply_fn host_M, void *context, glk_error *error) {
  (void)exec, (void)host_M, (void)context;
  OBJECT(PRECOND);
  OPEN(u, U, 0);
  REQUIRE(dirac && GLK_HAS(glk_dirac, dirac, mass), GLK_INVALID_ARG, "dirac is NULL or its size too small");
  glk_dirac m = { 0 };            /* rule R2: what an older host left out is zero */
  memcpy(&m, dirac, dirac->size < sizeof m ? dirac->size : sizeof m);
  REQUIRE(m.op == GLK_DIRAC_WILSON, GLK_UNSUPPORTED, "dirac.op: only Wilson fermions");
  REQUIRE(m.precond_form == GLK_DIRAC_FULL, GLK_UNSUPPORTED, "dirac.precond_form: only the full operator");
  REQUIRE(m.normalisation == GLK_DIRAC_BY_MASS || m.normalisation == GLK_DIRAC_BY_KAPPA, GLK_INVALID_ARG,
          "dirac.normalisation: 0 and 1 exist");
  REQUIRE(mode >= GLK_SETUP_RESET && mode <= GLK_SETUP_REUSE, GLK_INVALID_ARG, "mode: 0 to 3 exist");
  REQUIRE(m.mass > -4 && isfinite(m.mass), GLK_INVALID_ARG, "dirac.mass: must be above -4");
  o->diagonal = m.normalisation == GLK_DIRAC_BY_KAPPA ? 1 : m.mass + 4;
  o->ready = 1;
  return GLK_OK;
}

static glk_status apply(glk_object *o, const glk_exec *exec, const glk_view *r, glk_view *z, int32_t dagger,
                        glk_error *error) {
  (void)exec, (void)dagger;       /* the diagonal is real */
  OBJECT(PRECOND);
  REQUIRE(o->ready, GLK_PRECONDITION, "apply before setup: call setup first");
  OPEN(in, r, 0);
  OPEN(out, z, 1);
  REQUIRE(in.v.kind == out.v.kind && alike(&in, &out), GLK_INVALID_ARG, "r and z differ in shape");
  scale(&in, &out, 1 / o->diagonal);
  return GLK_OK;
}

static glk_status cost(glk_object *o, double *flops, double *bytes, double *dirac_equivalents, glk_error *error) {
  OBJECT(PRECOND);
  if (flops) *flops = 24.0 * (double)o->sites;
  if (bytes) *bytes = 2.0 * 24 * 8 * (double)o->sites;
  if (dirac_equivalents) *dirac_equivalents = 24.0 / 1344;
  return GLK_OK;
}
static const glk_precond jacobi = { sizeof(glk_precond), 0, setup, apply, cost, NULL };

/* ---- Plugin ---------------------------------------------------------------------------------------------------*/
#define EVERY_ORDER (2ull + 4 + 8 + 16 + 32)
#define COMPONENT(name, interface, summary, schema, caps)                                                          \
  { sizeof(glk_component), 0, STR(name), STR(interface), STR("1.0"), STR(summary), STR("docs/plugin-abi.md"),      \
    STR("MIT OR Apache-2.0"), STR(schema), GLK_CAP_DETERMINISTIC | GLK_CAP_STATELESS | GLK_CAP_EQUIVARIANT | (caps), \
    1ull << GLK_DEV_CPU, (1ull << GLK_F32) | (1ull << GLK_F64), EVERY_ORDER }
static const glk_component identity_component =
  COMPONENT("org.gaugelink.minimal.identity", GLK_FLOW_ID, "The identity map", "", GLK_CAP_EXACT_DENSITY);
static const glk_component wilson_component =
  COMPONENT("org.gaugelink.minimal.wilson", GLK_FORCE_ID, "Wilson's plaquette action and its force",
            "{\"type\":\"object\",\"properties\":{\"beta\":{\"type\":\"number\",\"default\":1}}}",
            GLK_CAP_CONSERVATIVE);
static const glk_component jacobi_component =
  COMPONENT("org.gaugelink.minimal.jacobi", GLK_PRECOND_ID, "Division by the diagonal of Wilson's operator", "",
            GLK_CAP_LINEAR | GLK_CAP_HERMITIAN);
static const glk_component *const components[] = { &identity_component, &wilson_component, &jacobi_component };

static glk_status init(const glk_host *host, glk_error *error) {
  REQUIRE(host, GLK_INVALID_ARG, "host is NULL");
  return GLK_OK;
}
static void fini(void) {}

/* The one key of the one component that has any, "beta = NUMBER" or {"beta": NUMBER}. */
static const char *configure(glk_object *o, const glk_create *create) {
  char text[128];
  if (!create->config.len) return NULL;
  if (create->config.len >= sizeof text || !create->config.ptr) return "config is too long or NULL";
  memcpy(text, create->config.ptr, create->config.len);
  text[create->config.len] = 0;
  int end = 0;
  const char *form = create->config_format == GLK_CONFIG_JSON ? " { \"beta\" : %lf } %n" : " beta = %lf %n";
  if (o->kind != FORCE) return "config: this component has no keys";
  if (sscanf(text, form, &o->beta, &end) != 1 || text[end] || !end) return "config: the one key is beta, a number";
  return NULL;
}

static glk_status create(const glk_str *id, const glk_create *request, glk_object **out, glk_error *error) {
  REQUIRE(id && id->ptr && out, GLK_INVALID_ARG, "component_id or the place for the object is NULL");
  *out = NULL;
  REQUIRE(request && GLK_HAS(glk_create, request, config), GLK_INVALID_ARG, "create is NULL or its size too small");
  const glk_lattice *lattice = request->lattice;
  REQUIRE(request->host && lattice, GLK_INVALID_ARG, "host or lattice is NULL");
  glk_object o = { .beta = 1, .kind = -1, .sites = 1 };
  for (int i = 0; i < 3; i++)
    if (components[i]->id.len == id->len && !memcmp(components[i]->id.ptr, id->ptr, id->len)) o.kind = i;
  REQUIRE(o.kind >= 0, GLK_NOT_FOUND, "no such component; there are org.gaugelink.minimal.{identity,wilson,jacobi}");
  memcpy(&o.lattice, lattice, lattice->size < sizeof o.lattice ? lattice->size : sizeof o.lattice);
  REQUIRE(o.lattice.ndim >= 1 && o.lattice.ndim <= GLK_MAX_DIM, GLK_INVALID_ARG, "lattice.ndim: 1 to 6");
  REQUIRE(o.lattice.nranks <= 1, GLK_UNSUPPORTED, "lattice.nranks: one rank only");
  for (uint32_t d = 0; d < o.lattice.ndim; d++) {
    int64_t extent = o.lattice.local[d];
    REQUIRE(extent >= 1 && extent <= (1 << 30) && o.sites <= (1ll << 40) / extent, GLK_INVALID_ARG,
            "lattice.local: extents are positive, and their product below 2^40");
    o.sites *= extent;
  }
  const char *wrong = configure(&o, request);
  REQUIRE(!wrong, GLK_INVALID_ARG, wrong);
  glk_object *object = malloc(sizeof *object);
  REQUIRE(object, GLK_NO_MEMORY, "no memory for an object");
  *object = o;
  *out = object;
  return GLK_OK;
}
static void destroy(glk_object *o) { free(o); }

static const void *get(const char *id) {
  if (!id) return NULL;
  if (!strcmp(id, GLK_FLOW_ID)) return &flow;
  if (!strcmp(id, GLK_FORCE_ID)) return &wilson;
  if (!strcmp(id, GLK_PRECOND_ID)) return &jacobi;
  return NULL;
}

static glk_status query(glk_object *o, const glk_view *view, glk_query *out, glk_error *error) {
  REQUIRE(o && out && GLK_HAS(glk_query, out, result), GLK_INVALID_ARG, "object or query is NULL or too small");
  OPEN(f, view, 0);
  out->result = GLK_QUERY_ZERO_COPY;
  return GLK_OK;
}

/* Nothing is counted, and nothing is ever copied: the caller's zeros are right. */
static glk_status stats(glk_object *o, glk_stats *out, glk_error *error) {
  REQUIRE(o && out && out->size >= sizeof out->size, GLK_INVALID_ARG, "object or stats is NULL or too small");
  if (out->size > sizeof out->size)
    memset((char *)out + sizeof out->size, 0, (out->size < sizeof *out ? out->size : sizeof *out) - sizeof out->size);
  return GLK_OK;
}

static const glk_plugin plugin = {
  sizeof(glk_plugin), GLK_ABI_MAJOR, GLK_ABI_MINOR, 3, STR("org.gaugelink.minimal"), STR("1.0"), STR("C11"), components,
  init, fini, create, destroy, get, query, stats, NULL, NULL
};

const glk_plugin *glk_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;           /* a minor version changes nothing that this plugin uses */
  return &plugin;
}
