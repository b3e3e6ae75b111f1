/* Views: where is the number? And what every call shares: errors, its frame, small matrices. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "minimal.h"

glk_status fail(glk_error *error, glk_status code, const char *where, const char *message) {
  /* Rule R2: write what the caller's struct has room for. */
  if (error && error->size >= offsetof(glk_error, message)) {
    error->code = code;
    error->rank = -1;
    snprintf(error->where, sizeof error->where, "%s", where);
    if (error->size >= sizeof *error) snprintf(error->message, sizeof error->message, "%s", message);
  }
  return code;
}

double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t parity_of(const glk_object *o, const int64_t x[GLK_MAX_DIM]) {
  int64_t sum = 0;
  for (uint32_t d = 0; d < o->lattice.ndim; d++) sum += x[d] + o->lattice.origin[d];
  return sum & 1;
}

void coordinates(const glk_object *o, int64_t lex, int64_t x[GLK_MAX_DIM]) {
  for (uint32_t d = 0; d < GLK_MAX_DIM; d++) {
    int64_t extent = d < o->lattice.ndim ? o->lattice.local[d] : 1;
    x[d] = lex % extent;
    lex /= extent;
  }
}

int64_t lex_of(const glk_object *o, const int64_t x[GLK_MAX_DIM]) {
  int64_t lex = 0;
  for (uint32_t d = o->lattice.ndim; d-- > 0;) lex = lex * o->lattice.local[d] + x[d];
  return lex;
}

static int holds(const field *f, int64_t lex) {
  int64_t x[GLK_MAX_DIM];
  if (f->v->parity == GLK_BOTH) return 1;
  coordinates(f->o, lex, x);
  return parity_of(f->o, x) + 1 == f->v->parity;
}

/* Bytes from the plane to the first number of a site: the table of site orders in plugin.h. */
static int64_t site_offset(const field *f, int64_t lex) {
  const glk_lattice *l = &f->o->lattice;
  int64_t x[GLK_MAX_DIM], element = 0, lane = 0, step = 1, lane_step = 1;
  switch (f->v->site_order) {
    case GLK_SITE_TABLE: return f->v->site_table[lex] * f->v->stride_site;
    case GLK_SITE_EO:
      coordinates(f->o, lex, x);
      element = lex / 2 + (f->v->parity == GLK_BOTH && parity_of(f->o, x) ? f->o->sites / 2 : 0);
      return element * f->v->stride_site;
    default: break;
  }
  coordinates(f->o, lex, x);
  for (uint32_t d = 0; d < l->ndim; d++) {
    if (f->v->site_order == GLK_SITE_LEX) {
      element += step * (x[d] + f->v->halo[d]);
      step *= l->local[d] + 2 * (int64_t)f->v->halo[d];
    } else {
      int64_t half = f->v->site_order == GLK_SITE_BLOCK_EO && d == 0 ? 2 : 1;
      int64_t simd = f->v->simd[d] > 1 ? f->v->simd[d] : 1, rows = l->local[d] / half / simd;
      element += step * (x[d] / half % rows);
      lane += lane_step * (x[d] / half / rows);
      step *= rows;
      lane_step *= simd;
    }
  }
  return element * f->v->stride_site + lane * f->v->stride_lane;
}

char *address(const field *f, int64_t lex, int64_t mu, int64_t row, int64_t col, int64_t s, int64_t b) {
  char *plane = f->v->plane[f->v->nplanes > 1 ? mu : 0];
  return plane + site_offset(f, lex) + (f->v->nplanes > 1 ? 0 : mu * f->v->stride_mu) + row * f->v->stride_row +
         col * f->v->stride_col + s * f->v->stride_5 + b * f->v->stride_rhs;
}

cplx load(const field *f, const char *p) {
  if (f->scalar == 8) return *(const double *)p + I * *(const double *)(p + f->im);
  return *(const float *)p + I * *(const float *)(p + f->im);
}

void store(const field *f, char *p, cplx z) {
  if (f->v->flags & GLK_VIEW_ACCUMULATE) z += load(f, p);
  if (f->scalar == 8) {
    *(double *)p = creal(z);
    *(double *)(p + f->im) = cimag(z);
  } else {
    *(float *)p = (float)creal(z);
    *(float *)(p + f->im) = (float)cimag(z);
  }
}

/* Adds the reach of an index to [low, high]; 0 if a stride is impossible. */
static inline int reach(double *low, double *high, int64_t count, int64_t stride, int64_t scalar) {
  if (count <= 1) return 1;
  if (uneven(stride, scalar)) return 0;
  double span = (double)(count - 1) * (double)stride;
  if (span < 0) *low += span; else *high += span;
  return 1;
}

static int in_order(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Whether two sites of a table have the same entry; without memory to find out, too. */
static int repeats(const field *f) {
  int64_t *entries = malloc((size_t)f->o->sites * sizeof *entries), count = 0;
  if (!entries) return 1;
  for (int64_t lex = 0; lex < f->o->sites; lex++)
    if (holds(f, lex)) entries[count++] = f->v->site_table[lex];
  qsort(entries, (size_t)count, sizeof *entries, in_order);
  int found = 0;
  for (int64_t i = 1; i < count; i++) found |= entries[i] == entries[i - 1];
  free(entries);
  return found;
}

/* Rule R9: nothing of a view is believed before it is checked. NULL if it is fine, else what is wrong. */
static const char *examine(field *f, const glk_object *o, const glk_view *v, int output) {
  f->v = v;
  f->o = o;
  if (output && (v->flags & GLK_VIEW_CONST)) return "an output view says CONST";
  if (v->device_type != 0 && v->device_type != GLK_DEV_CPU) return "device_type: only CPU memory is served";
  if (v->scalar != GLK_F32 && v->scalar != GLK_F64) return "scalar: F32 and F64 are served";
  f->scalar = v->scalar == GLK_F64 ? 8 : 4;
  f->im = v->stride_reim ? v->stride_reim : f->scalar;
  int links = v->kind == GLK_GAUGE || v->kind == GLK_ALGEBRA;
  if (!links && v->kind != GLK_WILSON && v->kind != GLK_STAGGERED) return "kind: not served";
  if (v->kind == GLK_ALGEBRA && v->algebra_conv != GLK_ALG_F && v->algebra_conv != GLK_ALG_NEG_F)
    return "algebra_conv: F (1) and NEG_F (2) exist";
  f->nmu = links ? o->lattice.ndim : 1;
  f->nrow = links ? v->nrow : v->kind == GLK_WILSON ? v->nspin : 1;
  f->ncol = v->ncolor;
  f->n5 = v->dim5 > 1 ? v->dim5 : 1;
  f->nrhs = v->nrhs > 1 ? v->nrhs : 1;
  if (f->ncol < 1 || f->ncol > MAXN || f->nrow < 1 || f->nrow > MAXN || (links && f->nrow > f->ncol))
    return "ncolor, nrow or nspin: 1 to 4";
  if (links && f->nrow < f->ncol) {
    f->refusal = GLK_UNSUPPORTED;
    return "nrow: links with all their rows are served";
  }
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
    if (v->simd[d] < 0 || (simd > 1 && (!blocked || extent % simd))) return "simd: does not divide the extent";
    if (v->halo[d] < 0 || (v->halo[d] && v->site_order != GLK_SITE_LEX)) return "halo: only LEX has one";
    int64_t padded = (simd > 1 ? extent / simd : extent) + 2 * (int64_t)v->halo[d];
    /* Doubles are exact up to 2^53. */
    if ((double)padded * (double)places > 0x1p48) return "halo: more than 2^48 places with it";
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
      !reach(&low, &high, 2, f->im, f->scalar) || uneven(v->stride_site, f->scalar))
    return "a stride is no multiple of the number's size";
  high += (double)f->scalar;
  if (low < 0 || high > (double)v->plane_bytes) return "the strides lead out of plane_bytes";
  f->low = (int64_t)low;
  f->high = (int64_t)high;
  if (output) {
    double numbers = 2.0 * (double)(f->nrow * f->ncol * f->n5 * f->nrhs) * (v->nplanes > 1 ? 1 : (double)f->nmu);
    double held = v->parity == GLK_BOTH ? (double)o->sites : (double)(o->sites / 2);
    if (numbers * held * (double)f->scalar > high - low) return "the strides lead to a place of an output twice";
    if (v->site_order == GLK_SITE_TABLE && repeats(f)) return "site_table: two sites of an output have the same entry";
  }
  f->whole_links = v->kind == GLK_GAUGE && v->parity == GLK_BOTH && f->n5 == 1;
  return check_planes(f);
}

static const field *refused(field *f, const char *wrong) {
  f->refusal = GLK_INVALID_ARG;
  f->wrong = wrong;
  return f;
}

const field *open_anew(glk_object *o, const glk_view *view, int place) {
  known *last = &o->seen[place];
  field *f = &last->passing;
  if (!view) return refused(f, "a view is NULL");
  if (view->size < offsetof(glk_view, plane)) return refused(f, "a view's size is too small: set it to sizeof(glk_view)");
  f->refusal = GLK_INVALID_ARG;
  if (view->size < sizeof *view) {
    memset(&last->whole, 0, sizeof last->whole);
    memcpy(&last->whole, view, view->size);
    f->wrong = examine(f, o, &last->whole, place == OUTPUT);
    return f;
  }
  f->wrong = examine(f, o, view, place == OUTPUT);
  /* A table that may change is looked at again. */
  if (!f->wrong && (view->site_order != GLK_SITE_TABLE || view->flags & GLK_VIEW_TABLE_KEPT)) {
    last->view = *view;
    last->kept = *f;
  }
  return f;
}

/* Marks on the 4-byte words of a field's planes, to which all numbers are aligned. */
typedef struct {
  const char *first[GLK_MAX_PLANES];
  int64_t planes, bytes;          /* of each plane */
  unsigned char *words;
} marks;

/* Whether a number at p stands on a mark; puts its own with `set`. */
static int marked(marks *m, const char *p, int64_t scalar, int set) {
  int found = 0;
  for (int64_t i = 0; i < m->planes; i++)
    for (const char *word = p; word < p + scalar; word += 4) {
      int64_t offset = (int64_t)((uintptr_t)word - (uintptr_t)m->first[i]);
      if (offset < 0 || offset >= m->bytes) continue;
      unsigned char *mark = &m->words[(i * m->bytes + offset) / 4];
      found |= *mark;
      if (set) *mark = 1;
    }
  return found;
}

static int numbers_marked(marks *m, const field *f, int set) {
  int found = 0;
  for (int64_t b = 0; b < f->nrhs; b++)
    for (int64_t x = 0; x < f->o->sites; x++)
      if (holds(f, x))
        for (int64_t s = 0; s < f->n5; s++)
          for (int64_t mu = 0; mu < f->nmu; mu++)
            for (int64_t i = 0; i < f->nrow; i++)
              for (int64_t j = 0; j < f->ncol; j++) {
                const char *p = address(f, x, mu, i, j, s, b);
                found |= marked(m, p, f->scalar, set) | marked(m, p + f->im, f->scalar, set);
              }
  return found;
}

/* Whether bytes between the first number and the last of a plane of each are the same. */
static int planes_meet(const field *out, const field *in) {
  for (int64_t i = 0; i < planes_of(out); i++)
    for (int64_t j = 0; j < planes_of(in); j++)
      if (plane_meets(out, i, in, j)) return 1;
  return 0;
}

int numbers_apart(const field *out, const field *in) {
  if (!planes_meet(out, in)) return 1;
  marks m = { .planes = planes_of(out), .bytes = out->high - out->low };
  for (int64_t i = 0; i < m.planes; i++) m.first[i] = (const char *)out->v->plane[i] + out->low;
  m.words = calloc((size_t)(m.planes * m.bytes / 4), 1);
  if (!m.words) return 0;
  numbers_marked(&m, out, 1);
  int shared = numbers_marked(&m, in, 0);
  free(m.words);
  return !shared;
}

void scale(const field *from, const field *to, double factor, int64_t b) {
  for (int64_t x = 0; x < from->o->sites; x++)
    if (holds(from, x) && holds(to, x))
      for (int64_t s = 0; s < from->n5; s++)
        for (int64_t mu = 0; mu < from->nmu; mu++)
          for (int64_t i = 0; i < from->nrow; i++)
            for (int64_t j = 0; j < from->ncol; j++)
              store(to, address(to, x, mu, i, j, s, b), factor * load(from, address(from, x, mu, i, j, s, b)));
}

matrix link_at(const field *u, int64_t lex, int64_t mu, int64_t b) {
  matrix m = { { { 0 } } };
  for (int64_t i = 0; i < u->ncol; i++)
    for (int64_t j = 0; j < u->ncol; j++) m.e[i][j] = load(u, address(u, lex, mu, i, j, 0, b));
  return m;
}

matrix multiply(const matrix *a, const matrix *b, int64_t n) {
  matrix c = { { { 0 } } };
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++)
      for (int64_t k = 0; k < n; k++) c.e[i][j] += a->e[i][k] * b->e[k][j];
  return c;
}

matrix dagger_of(const matrix *a, int64_t n) {
  matrix c = { { { 0 } } };
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) c.e[i][j] = conj(a->e[j][i]);
  return c;
}
