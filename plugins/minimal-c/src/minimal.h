/* What the files of this plugin share: objects, errors, views of fields, small matrices, random numbers. */
#ifndef MINIMAL_H
#define MINIMAL_H
#include <complex.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gaugelink/plugin.h"

#define MAXN 4
#define STR(s) { s, sizeof(s) - 1 }

typedef double complex cplx;
typedef struct { cplx e[MAXN][MAXN]; } matrix;

/* ---- Views and objects ----------------------------------------------------------------------------------------
 * A view as this plugin uses it: where it stands, or a copy with missing bytes zero; the sizes of its index ranges. */
typedef struct {
  const glk_view *v;
  const glk_object *o;
  const char *wrong;              /* NULL if the view is fine */
  glk_status refusal;             /* of one that is not */
  int64_t scalar, im;             /* bytes of a number, bytes from real to imaginary part */
  int64_t low, high;              /* bytes of a plane, from its first number to the end of its last */
  int64_t nmu, nrow, ncol, n5, nrhs;
  int whole_links;                /* a link field of all sites */
} field;

/* The last view that was fine as this argument. Hosts lend fields of one layout call after call: a view that differs from
 * it in planes and generation alone is not examined again. What cannot be kept, or is not fine, lives through the call. */
typedef struct {
  glk_view view, whole;
  field    kept, passing;
} known;
enum { INPUT, SECOND, OUTPUT, ASKED, PLACES };

enum { FLOW, FORCE, PRECOND, PROPOSAL, KINDS };
struct glk_object {
  int         kind, ready;        /* ready: a preconditioner that was set up */
  uint64_t    generation;         /* of the links that it was set up for */
  double      beta, step, diagonal;
  glk_lattice lattice;
  int64_t     sites;
  double      seconds;            /* of the last call; 0 if it was too short to be timed */
  known       seen[PLACES];
};

/* The tables that get() gives, one in each file. */
extern const glk_flow identity_table;
extern const glk_force wilson_table;
extern const glk_precond jacobi_table;
extern const glk_proposal shake_table;

/* ---- Errors and the frame of a call ---------------------------------------------------------------------------*/
glk_status fail(glk_error *error, glk_status code, const char *where, const char *message);
double seconds_now(void);

static inline int on_cpu(const glk_exec *exec) {
  return !exec || !GLK_HAS(glk_exec, exec, device_type) || exec->device_type == 0 || exec->device_type == GLK_DEV_CPU;
}

/* On fewer sites a call takes less time than reading the clock twice. */
#define SITES_TIMED 16
#define NOT_TIMED (-1.0)

static inline double start_of(const glk_object *o) { return o && o->sites >= SITES_TIMED ? seconds_now() : NOT_TIMED; }

static inline glk_status finish(glk_object *o, double start) {
  o->seconds = start == NOT_TIMED ? 0 : seconds_now() - start;
  return GLK_OK;
}

/* Rule R2 for an answer: what the caller's struct has room for. A whole one is filled where it stands: built on the stack
 * and copied, it would cost as much as the rest of the call. */
#define GIVE(type, out, ...)                                        \
  do {                                                              \
    uint32_t room = (out)->size;                                    \
    if (room >= sizeof(type)) {                                     \
      *(out) = (type){ .size = room, __VA_ARGS__ };                 \
    } else {                                                        \
      type answer = { .size = room, __VA_ARGS__ };                  \
      memcpy(out, &answer, room);                                   \
    }                                                               \
  } while (0)
#define REQUIRE(condition, code, message) \
  if (!(condition)) return fail(error, code, __func__, message)
#define OBJECT(wanted) REQUIRE(o && o->kind == (wanted), GLK_INVALID_ARG, "the object is NULL or of another interface")
/* The head of every call that runs somewhere; finish() ends it. */
#define CALL(wanted)                                                                               \
  double start = start_of(o);                                                                      \
  OBJECT(wanted);                                                                                  \
  REQUIRE(on_cpu(exec), GLK_UNSUPPORTED, "exec.device_type: this plugin runs on the CPU only")
/* Opens the view of an argument that has this place among those seen; OUTPUT is written. */
#define OPEN(f, view, place)                     \
  const field *f = open_view(o, view, place);    \
  REQUIRE(!f->wrong, f->refusal, f->wrong)

/* Whether bytes are no multiple of a number's size, which is a power of two. Checks are most of what a call on a small
 * lattice costs, and a division most of a check: there is none where a mask or a comparison will do. */
static inline int uneven(int64_t bytes, int64_t scalar) { return (bytes & (scalar - 1)) != 0; }

static inline int64_t planes_of(const field *f) { return f->v->nplanes > 1 ? f->v->nplanes : 1; }

static inline const char *check_planes(const field *f) {
  for (int64_t i = 0; i < planes_of(f); i++)
    if (!f->v->plane[i] || uneven((int64_t)(uintptr_t)f->v->plane[i], f->scalar)) return "a plane is NULL or misaligned";
  return NULL;
}

/* Word i of 8 bytes behind byte `from` of a view. */
static inline uint64_t word(const glk_view *v, size_t from, size_t i) {
  uint64_t x;
  memcpy(&x, (const char *)v + from + i * sizeof x, sizeof x);
  return x;
}

/* Bit by bit, but for planes and generation. Eight words stand before the planes, twice eight behind them. No branch comes
 * before the last of them, so that compilers compare on vectors: half the time of memcmp. */
static inline int same_layout(const glk_view *a, const glk_view *b) {
  const size_t half = offsetof(glk_view, plane), bounds = offsetof(glk_view, plane_bytes), places = bounds + half;
  GLK_ASSERT(offsetof(glk_view, plane) == 64 && offsetof(glk_view, generation) == offsetof(glk_view, plane_bytes) + 128);
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; i++)
    bits |= (word(a, 0, i) ^ word(b, 0, i)) | (word(a, bounds, i) ^ word(b, bounds, i)) |
            (word(a, places, i) ^ word(b, places, i));
  return !bits;
}

/* A view of another layout than the last one of its argument. */
const field *open_anew(glk_object *o, const glk_view *view, int place);

static inline const field *open_view(glk_object *o, const glk_view *view, int place) {
  known *last = &o->seen[place];
  if (!view || view->size < sizeof *view || !same_layout(view, &last->view)) return open_anew(o, view, place);
  last->kept.v = view;
  last->kept.wrong = check_planes(&last->kept);
  return &last->kept;
}

/* Whether the two hold the same numbers of the same sites. */
static inline int alike(const field *a, const field *b) {
  return a->nmu == b->nmu && a->nrow == b->nrow && a->ncol == b->ncol && a->n5 == b->n5 && a->nrhs == b->nrhs &&
         a->v->parity == b->v->parity;
}

/* Whether a plane of each shares bytes between the first number and the last. */
static inline int plane_meets(const field *a, int64_t i, const field *b, int64_t j) {
  uintptr_t p = (uintptr_t)a->v->plane[i], q = (uintptr_t)b->v->plane[j];
  return p + (uintptr_t)a->low < q + (uintptr_t)b->high && q + (uintptr_t)b->low < p + (uintptr_t)a->high;
}

/* Of fields with several planes, and of those whose planes meet: number by number, as they may be interleaved. */
int numbers_apart(const field *out, const field *in);

/* Whether an output shares no number with an input, as plugin.h has it. Almost always the planes are apart. */
static inline int apart(const field *out, const field *in) {
  return (out->v->nplanes <= 1 && in->v->nplanes <= 1 && !plane_meets(out, 0, in, 0)) || numbers_apart(out, in);
}
#define APART(out, in) \
  REQUIRE(apart(out, in), GLK_INVALID_ARG, "an output shares numbers with an input: give it memory of its own")
void coordinates(const glk_object *o, int64_t lex, int64_t x[GLK_MAX_DIM]);
int64_t lex_of(const glk_object *o, const int64_t x[GLK_MAX_DIM]);
char *address(const field *f, int64_t lex, int64_t mu, int64_t row, int64_t col, int64_t s, int64_t b);
cplx load(const field *f, const char *p);
void store(const field *f, char *p, cplx z);
/* to = factor * from of field b of the batch, element by element, whatever the two layouts are. */
void scale(const field *from, const field *to, double factor, int64_t b);

/* ---- Matrices of n rows and columns ---------------------------------------------------------------------------*/
matrix link_at(const field *u, int64_t lex, int64_t mu, int64_t b);
matrix multiply(const matrix *a, const matrix *b, int64_t n);
matrix dagger_of(const matrix *a, int64_t n);

/* ---- Random numbers -------------------------------------------------------------------------------------------*/
#define BLOCK_NUMBERS 8
/* Numbers 8 block to 8 block + 7 of a site, uniform in (-1, 1) and as often x as -x. */
void random_block(const glk_rng *rng, uint64_t field, uint64_t site, uint32_t block, double out[BLOCK_NUMBERS]);
#endif
