/* gaugelink/gaugelink.h -- the library libgaugelink in C.
 *
 * Files of gauge fields and propagators, fields on a lattice, Wilson's action and Dirac operator, and plugins (plugin.h)
 * that propose gauge fields, estimate forces and precondition. C11, C++17 or later; in C++ gaugelink.hpp is nicer. Guide:
 * docs/c-api.md; signs, units and norms: docs/conventions.md.
 *
 *  - Functions that can fail return a status (GLK_OK = 0, the codes of plugin.h) and, where `error` is not NULL and they
 *    fail, put an error object there that the caller frees. Outputs are then unspecified but safe; handles stay usable.
 *  - Nothing prints, exits, aborts or unwinds. A bug inside is GLK_PANIC. No global state: a context holds it.
 *  - [any] may be called from any thread at any time. Calls that take a handle as const may run at once; a call that
 *    changes a handle must be the only one that uses it.
 *  - Handles are freed with their _free function, NULL being fine, in any order: what one needs of another it keeps.
 *  - Structs begin with `size` = sizeof; set it, missing fields count as zero. Strings are UTF-8 and NUL-terminated.
 *  - Fields of the library are in double precision; single precision in host memory is converted on its way. */
#ifndef GAUGELINK_H
#define GAUGELINK_H
#include "plugin.h"

#define GAUGELINK_API GLK_EXPORT
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version and errors ------------------------------------------------------------------------------------- */
/* "major.minor.patch" of the library. [any] */
GAUGELINK_API const char *gaugelink_version(void);

typedef struct gaugelink_error gaugelink_error;
GAUGELINK_API glk_status  gaugelink_error_code(const gaugelink_error *error);    /* GLK_OK for NULL */
GAUGELINK_API const char *gaugelink_error_message(const gaugelink_error *error); /* what is wrong and what to do */
GAUGELINK_API const char *gaugelink_error_where(const gaugelink_error *error);   /* function, or component of a plugin */
GAUGELINK_API void        gaugelink_error_free(gaugelink_error *error);

/* ---- Context: threads, messages, progress --------------------------------------------------------------------- */
typedef struct gaugelink_context gaugelink_context;
typedef struct gaugelink_context_options {
  uint32_t size;
  uint32_t threads;               /* for lattices and plugins, the caller included, at most 4096; 0 = all cores */
  void    *user;                  /* handed to the callbacks */
  /* Messages of plugins; any thread. level 0 trace, 1 debug, 2 info, 3 warning, 4 error. NULL: dropped */
  void    (*log)(void *user, int32_t level, const char *target, const char *message);
  /* From long calls of plugins, on the calling thread; nonzero = please cancel. total 0 = unknown. NULL: none */
  int32_t (*progress)(void *user, const char *phase, uint64_t done, uint64_t total);
} gaugelink_context_options;
/* options may be NULL: defaults. The callbacks must work as long as anything made with the context exists. They return
 * in the ordinary way: no exception and no longjmp leaves them, for there are frames of other languages above. */
GAUGELINK_API glk_status gaugelink_context_new(const gaugelink_context_options *options, gaugelink_context **out,
                                               gaugelink_error **error);
GAUGELINK_API void gaugelink_context_free(gaugelink_context *context);

/* ---- Lattice -------------------------------------------------------------------------------------------------- */
typedef struct gaugelink_lattice gaugelink_lattice;
/* 2 to 4 extents in the order x, y, z, t; periodic; one rank. */
GAUGELINK_API glk_status gaugelink_lattice_new(const gaugelink_context *context, uint32_t ndim, const int64_t *extents,
                                               gaugelink_lattice **out, gaugelink_error **error);
GAUGELINK_API void     gaugelink_lattice_free(gaugelink_lattice *lattice);
GAUGELINK_API uint32_t gaugelink_lattice_ndim(const gaugelink_lattice *lattice);             /* 0 for NULL */
GAUGELINK_API int64_t  gaugelink_lattice_extent(const gaugelink_lattice *lattice, uint32_t mu); /* 1 past the last */
GAUGELINK_API int64_t  gaugelink_lattice_volume(const gaugelink_lattice *lattice);

/* A view of dense memory of one's own: sites with x fastest, then [mu][row][column][re, im] (GLK_GAUGE, GLK_ALGEBRA) or
 * [spin][colour][re, im] (GLK_WILSON). scalar is GLK_F64 or GLK_F32. Change strides, site_order, ... for others. */
GAUGELINK_API glk_status gaugelink_view_dense(const gaugelink_lattice *lattice, int32_t kind, uint32_t ncolor,
                                              int32_t scalar, void *data, glk_view *out, gaugelink_error **error);

/* ---- Gauge field: U_mu(x) leads from x to x+mu -------------------------------------------------------------------- */
typedef struct gaugelink_gauge gaugelink_gauge;
/* Unit links of U(1) (ncolor 1), SU(2), SU(3). */
GAUGELINK_API glk_status gaugelink_gauge_new(const gaugelink_lattice *lattice, uint32_t ncolor, gaugelink_gauge **out,
                                             gaugelink_error **error);
GAUGELINK_API void     gaugelink_gauge_free(gaugelink_gauge *gauge);
GAUGELINK_API uint32_t gaugelink_gauge_ncolor(const gaugelink_gauge *gauge);
GAUGELINK_API glk_status gaugelink_gauge_copy(gaugelink_gauge *to, const gaugelink_gauge *from, gaugelink_error **error);
/* exp of Gaussian algebra elements of this width: 0 = unit links, a few = close to Haar. Same seed, same bits. */
GAUGELINK_API glk_status gaugelink_gauge_random(gaugelink_gauge *gauge, double width, uint64_t seed,
                                                gaugelink_error **error);
/* Copies from or to a host's memory in any layout of plugin.h. Links that are not unitary are taken as they are: see
 * gaugelink_gauge_unitarity. */
GAUGELINK_API glk_status gaugelink_gauge_read_view(gaugelink_gauge *gauge, const glk_view *from, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_gauge_write_view(const gaugelink_gauge *gauge, glk_view *to, gaugelink_error **error);
/* The field where it stands, without a copy; to be read, as long as the field lives. `generation` changes with the
 * contents. */
GAUGELINK_API glk_status gaugelink_gauge_view(const gaugelink_gauge *gauge, glk_view *out, gaugelink_error **error);
/* The same to be written; call _changed when done, before any other use. */
GAUGELINK_API glk_status gaugelink_gauge_view_mut(gaugelink_gauge *gauge, glk_view *out, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_gauge_changed(gaugelink_gauge *gauge, gaugelink_error **error);
/* Averages of Re tr P / N over all planes, those without and those with the time direction; NULL is not wanted. There
 * is no spatial one in two dimensions: NaN. */
GAUGELINK_API glk_status gaugelink_gauge_plaquette(const gaugelink_gauge *gauge, double *average, double *spatial,
                                                   double *temporal, gaugelink_error **error);
/* Re tr U / N averaged over all links: tells gauges apart. */
GAUGELINK_API glk_status gaugelink_gauge_link_trace(const gaugelink_gauge *gauge, double *out, gaugelink_error **error);
/* Largest |U U^+ - 1| (Frobenius) of all links; infinite where one is not finite. */
GAUGELINK_API glk_status gaugelink_gauge_unitarity(const gaugelink_gauge *gauge, double *out, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_gauge_reunitarise(gaugelink_gauge *gauge, gaugelink_error **error);

/* ---- Spinor field: 4 spins times ncolor, DeGrand-Rossi basis, four dimensions ------------------------------------- */
typedef struct gaugelink_spinor gaugelink_spinor;
GAUGELINK_API glk_status gaugelink_spinor_new(const gaugelink_lattice *lattice, uint32_t ncolor, gaugelink_spinor **out,
                                              gaugelink_error **error);
GAUGELINK_API void       gaugelink_spinor_free(gaugelink_spinor *spinor);
GAUGELINK_API uint32_t   gaugelink_spinor_ncolor(const gaugelink_spinor *spinor);  /* 0 for NULL */
GAUGELINK_API glk_status gaugelink_spinor_copy(gaugelink_spinor *to, const gaugelink_spinor *from,
                                               gaugelink_error **error);
/* As for gauge fields. */
GAUGELINK_API glk_status gaugelink_spinor_read_view(gaugelink_spinor *spinor, const glk_view *from,
                                                    gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_spinor_write_view(const gaugelink_spinor *spinor, glk_view *to,
                                                     gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_spinor_view(const gaugelink_spinor *spinor, glk_view *out, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_spinor_view_mut(gaugelink_spinor *spinor, glk_view *out, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_spinor_changed(gaugelink_spinor *spinor, gaugelink_error **error);
/* Zero but for 1 at one site, spin and colour. */
GAUGELINK_API glk_status gaugelink_spinor_point(gaugelink_spinor *spinor, const int64_t *site, uint32_t spin,
                                                uint32_t colour, gaugelink_error **error);
/* <|eta|^2> = 1 for each complex number. Same seed, same bits. */
GAUGELINK_API glk_status gaugelink_spinor_gaussian(gaugelink_spinor *spinor, uint64_t seed, gaugelink_error **error);
/* From tmLQCD's and nissa's spinors to the library's, or back where back is not 0: the basis of the gammas, and the phases
 * of the boundary, which they spread evenly over the sites of a direction and the library has at the edge. phases: of
 * x, y, z, t over 2 pi, 0.5 is antiperiodic; NULL = periodic. */
GAUGELINK_API glk_status gaugelink_spinor_turn_tmlqcd(gaugelink_spinor *spinor, const double *phases, int32_t back,
                                                      gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_spinor_norm2(const gaugelink_spinor *spinor, double *out, gaugelink_error **error);

/* ---- Algebra field: forces and momenta, F = sum_a F^a T_a with anti-Hermitian T_a, tr T_a T_b = -1/2 (U(1): T = i) ---- */
typedef struct gaugelink_algebra gaugelink_algebra;
GAUGELINK_API glk_status gaugelink_algebra_new(const gaugelink_lattice *lattice, uint32_t ncolor,
                                               gaugelink_algebra **out, gaugelink_error **error);
GAUGELINK_API void       gaugelink_algebra_free(gaugelink_algebra *algebra);
/* Matrices outside, coordinates inside; the sign is the view's algebra_conv. Reading projects on the algebra. */
GAUGELINK_API glk_status gaugelink_algebra_read_view(gaugelink_algebra *algebra, const glk_view *from,
                                                     gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_algebra_write_view(const gaugelink_algebra *algebra, glk_view *to,
                                                      gaugelink_error **error);
/* Sum of (F^a)^2 over sites, directions and a: 2 sum tr F^+F for SU(N). */
GAUGELINK_API glk_status gaugelink_algebra_norm2(const gaugelink_algebra *algebra, double *out, gaugelink_error **error);
/* Sum of (F^a - G^a)^2. */
GAUGELINK_API glk_status gaugelink_algebra_distance2(const gaugelink_algebra *f, const gaugelink_algebra *g, double *out,
                                                     gaugelink_error **error);

/* ---- Files of gauge fields: ILDG, SciDAC, NERSC, MILC, openQCD, DDalphaAMG, HiRep (docs/formats.md) ------------------ */
#define GAUGELINK_CHECKSUM_NONE 0 /* the file states none */
#define GAUGELINK_CHECKSUM_OK   1
#define GAUGELINK_CHECKSUM_BAD  2
typedef struct gaugelink_file gaugelink_file;
typedef struct gaugelink_open_options {
  uint32_t size, ncolor;          /* ncolor and extents: for files that do not say what they hold, or say it wrongly; */
  int64_t  extents[4];            /* x, y, z, t; all 0 = as the file says */
  const char *format;             /* "ildg", "scidac", "nersc", "milc", "openqcd", "ddalphaamg", "hirep"; NULL: detected */
  uint32_t ignore_checksum;       /* 1: _read and _read_view give the links though the checksum is wrong; _verify tells */
  uint32_t payload;               /* which gauge field of a file that holds several, counted from 0 */
} gaugelink_open_options;
/* Opens a gauge field of a file and reads what it says of itself, not the field. options may be NULL. One header is
 * openQCD's and DDalphaAMG's: without a format all links are read, and the stated plaquette decides. */
GAUGELINK_API glk_status gaugelink_file_open(const gaugelink_context *context, const char *path,
                                             const gaugelink_open_options *options, gaugelink_file **out,
                                             gaugelink_error **error);
GAUGELINK_API void gaugelink_file_free(gaugelink_file *file);
typedef struct gaugelink_file_info {
  uint32_t size, ndim;            /* ndim: without trailing extents of 1 */
  int64_t  extents[4];            /* x, y, z, t */
  uint32_t ncolor, precision;     /* precision: 32 or 64 bits */
  uint32_t rows;                  /* that are stored of each link: ncolor, or fewer where the others follow from them */
  uint32_t warnings;              /* what was odd: gaugelink_file_warning(file, 0 ..) */
  double   plaquette, link_trace; /* as the file states them, Re tr / N; NaN if it does not */
  uint64_t payload_bytes;
  const char *format;             /* its name; these three live as long as the file handle */
  const char *lfn;                /* logical file name (ILDG) or NULL */
  const char *checksum;           /* that the file states, as its format prints it, or NULL */
} gaugelink_file_info;
GAUGELINK_API glk_status  gaugelink_file_get_info(const gaugelink_file *file, gaugelink_file_info *out,
                                                  gaugelink_error **error);
GAUGELINK_API const char *gaugelink_file_warning(const gaugelink_file *file, uint32_t index); /* NULL past the last */
typedef struct gaugelink_file_check {
  uint32_t size;
  int32_t  checksum;              /* GAUGELINK_CHECKSUM_* */
  uint32_t sums[2];               /* of the bytes read: suma, sumb; NERSC's sum and 0; MILC's sum29, sum31 */
  double   plaquette, link_trace, unitarity;
} gaugelink_file_check;
/* Reads every byte and every link of U(1), SU(2) or SU(3). Oddities are reported, not errors. */
GAUGELINK_API glk_status gaugelink_file_verify(const gaugelink_file *file, gaugelink_file_check *out,
                                               gaugelink_error **error);
/* Reads the field; GLK_IO for a checksum mismatch that is not to be ignored, GLK_NONFINITE for links that are no numbers. */
GAUGELINK_API glk_status gaugelink_file_read(const gaugelink_file *file, gaugelink_gauge *into, gaugelink_error **error);
typedef struct gaugelink_file_part {
  uint32_t size, cover;           /* cover: which units count for the box */
  uint32_t sums[2];               /* as in gaugelink_file_check, over the box's units */
  uint64_t units;                 /* how many count for the box: its sites; openQCD: its odd sites */
} gaugelink_file_part;
/* Reads the links of a box straight into a host's memory, and of the file only the bytes that hold them: an MPI rank reads
 * its own part. The box begins at origin (x, y, z, t; NULL = 0) and has the extents of lattice; a lattice of fewer
 * dimensions is a slice. to: a view of GLK_GAUGE on that lattice, f32 or f64; even and odd are those of the file's
 * lattice. SU(4) can be read as well. A box that is the whole file is verified as by _read. The bytes of another cannot be
 * verified alone: part, which may be NULL, gets its share of the checksum. */
GAUGELINK_API glk_status gaugelink_file_read_view(const gaugelink_file *file, const gaugelink_lattice *lattice,
                                                  const int64_t origin[4], glk_view *to, gaugelink_file_part *part,
                                                  gaugelink_error **error);
/* Verifies a file by the parts of boxes that cover its lattice once, gathered from all ranks in any order: GLK_IO for a
 * checksum mismatch, GLK_INVALID_ARG where boxes are missing or there twice. A file that states no checksum passes. */
GAUGELINK_API glk_status gaugelink_file_check_parts(const gaugelink_file *file, const gaugelink_file_part *parts,
                                                    uint32_t count, gaugelink_error **error);
typedef struct gaugelink_write_options {
  uint32_t size, precision;       /* 32 or 64; 0 = 64. Formats that have the other only refuse */
  uint32_t rows, pad0;            /* 2: two rows of SU(3) links (NERSC); 0 = all */
  const char *format;             /* as for opening, or "grid": ILDG that Grid's strict reader accepts; NULL: "ildg" */
  const char *lfn;                /* for ILDG, without control characters; NULL: one made from the file's name */
  const char *provenance;         /* text of the host, for the record gaugelink-provenance (ILDG, SciDAC); NULL: none */
} gaugelink_write_options;
/* Writes a file with the checksum and averages that its format states. It appears only when complete; an old one is intact
 * until then. options may be NULL. GLK_IO, with the reason, for links that the format cannot hold, that are no finite numbers
 * in its precision, or all zero, and for a path at which there is no regular file. Symbolic links are followed. */
GAUGELINK_API glk_status gaugelink_file_write(const gaugelink_gauge *gauge, const char *path,
                                              const gaugelink_write_options *options, gaugelink_error **error);
/* The same from a host's memory, by way of a field of the library. */
GAUGELINK_API glk_status gaugelink_file_write_view(const gaugelink_lattice *lattice, const glk_view *from,
                                                   const char *path, const gaugelink_write_options *options,
                                                   gaugelink_error **error);

/* ---- Files of spinor fields and propagators: SciDAC (docs/formats.md) -------------------------------------------------
 * Files of QIO, QDP++ and Chroma, QDP/C, Grid, CPS, tmLQCD, nissa: records of Dirac fermions, or of propagators as matrices
 * of spin and colour, each of which counts as its 4 ncolor columns, source spin by source colour, the colour fastest. f32
 * and f64, single files and volumes. Numbers are read as they are stored: see gamma_basis below. */
typedef struct gaugelink_spinor_file gaugelink_spinor_file;
typedef struct gaugelink_spinor_open_options {
  uint32_t size;
  uint32_t ignore_checksum;       /* 1: the numbers are read though the checksum is wrong; _verify tells */
  int64_t  extents[4];            /* x, y, z, t, for files that do not say them; all 0 = as the file says */
} gaugelink_spinor_open_options;
/* Opens a file and reads what it says of itself, not the fields. options may be NULL. GLK_IO for a file without such fields. */
GAUGELINK_API glk_status gaugelink_spinor_file_open(const gaugelink_context *context, const char *path,
                                                    const gaugelink_spinor_open_options *options,
                                                    gaugelink_spinor_file **out, gaugelink_error **error);
GAUGELINK_API void gaugelink_spinor_file_free(gaugelink_spinor_file *file);
typedef struct gaugelink_spinor_file_info {
  uint32_t size, spinors;         /* spinors: how many fields there are, each column of a propagator being one */
  int64_t  extents[4];            /* x, y, z, t */
  uint32_t volumes, warnings;     /* warnings: what was odd: gaugelink_spinor_file_warning(file, 0 ..) */
  const char *xml;                /* the user's text on the file, or NULL; it lives as long as the file handle */
} gaugelink_spinor_file_info;
GAUGELINK_API glk_status  gaugelink_spinor_file_get_info(const gaugelink_spinor_file *file,
                                                         gaugelink_spinor_file_info *out, gaugelink_error **error);
GAUGELINK_API const char *gaugelink_spinor_file_warning(const gaugelink_spinor_file *file, uint32_t index);
typedef struct gaugelink_spinor_info {
  uint32_t size, ncolor;
  uint32_t nspin, precision;      /* precision: 32 or 64 bits */
  int32_t  source_spin, source_colour;   /* of a propagator's column; -1 where the file does not say */
  uint32_t record;                /* which logical record of the file it is in; others hold sources, say */
  int32_t  gamma_basis;           /* GLK_GAMMA_DEGRAND_ROSSI, the library's, for USQCD's formats, QDP++, Grid; 0 = not told:
                                     that of tmLQCD and nissa is another: gaugelink_spinor_turn_tmlqcd */
  const char *datatype;           /* as the record says, e.g. "USQCD_D3_DiracFermion"; these live as long as the file handle */
  const char *checksum;           /* that the file states for the record, suma/sumb, or NULL */
  const char *xml;                /* the user's text on the record, or NULL */
} gaugelink_spinor_info;
/* Of the spinor fields 0 .. spinors - 1, in the order of the file. */
GAUGELINK_API glk_status gaugelink_spinor_file_describe(const gaugelink_spinor_file *file, uint32_t index,
                                                        gaugelink_spinor_info *out, gaugelink_error **error);
/* Where a record of a scalar source is not 0, if that is one site: found becomes 1 and site has it, else 0. Reads that
 * record. */
GAUGELINK_API glk_status gaugelink_spinor_file_source(const gaugelink_spinor_file *file, int64_t site[4], int32_t *found,
                                                      gaugelink_error **error);
typedef struct gaugelink_spinor_check {
  uint32_t size;
  int32_t  checksum;              /* GAUGELINK_CHECKSUM_* */
  uint32_t sums[2];               /* of the bytes read: suma, sumb */
} gaugelink_spinor_check;
/* Reads every byte of the record that holds a field. A wrong checksum is reported, not an error. */
GAUGELINK_API glk_status gaugelink_spinor_file_verify(const gaugelink_spinor_file *file, uint32_t index,
                                                      gaugelink_spinor_check *out, gaugelink_error **error);
/* Reads one field; GLK_IO for a checksum mismatch that is not to be ignored, GLK_NONFINITE for numbers that are none. */
GAUGELINK_API glk_status gaugelink_spinor_file_read(const gaugelink_spinor_file *file, uint32_t index,
                                                    gaugelink_spinor *into, gaugelink_error **error);
/* The same into a host's memory, by way of a field of the library: a view of GLK_WILSON on the lattice, f32 or f64. */
GAUGELINK_API glk_status gaugelink_spinor_file_read_view(const gaugelink_spinor_file *file, uint32_t index,
                                                         const gaugelink_lattice *lattice, glk_view *to,
                                                         gaugelink_error **error);
/* Reads a whole propagator, as records that tell their source spin and colour or as one of matrices, in one pass:
 * columns[ncolor * spin + colour], count = 4 ncolor of them, no two the same. Fails as _read does. */
GAUGELINK_API glk_status gaugelink_spinor_file_read_propagator(const gaugelink_spinor_file *file,
                                                               gaugelink_spinor *const *columns, uint32_t count,
                                                               gaugelink_error **error);
typedef struct gaugelink_spinor_write_options {
  uint32_t size, precision;       /* 32 or 64; 0 = 64 */
  const char *info;               /* text of the host on where the fields come from, no control characters; NULL: none */
  const char *format;             /* of propagators: "usqcd", a record for each column, or "qdp++", one of matrices; NULL: "usqcd" */
} gaugelink_spinor_write_options;
/* Writes fields of one lattice and ncolor, in any number, as records USQCD_D3_DiracFermion (F for 32 bits) of a SciDAC
 * file. It appears only when complete; an old one is intact until then. options may be NULL. GLK_IO, with the reason, for
 * numbers that are not finite in its precision, and for a path at which there is no regular file. The fields are not
 * changed. */
GAUGELINK_API glk_status gaugelink_spinor_file_write(gaugelink_spinor *const *spinors, uint32_t count, const char *path,
                                                     const gaugelink_spinor_write_options *options,
                                                     gaugelink_error **error);
/* Likewise the propagator of a point source, 1 at the site source (x, y, z, t), from columns[ncolor * spin + colour], count =
 * 4 ncolor: USQCD's USQCD_DiracFermion_ScalarSource_TwelveSink, or, with format "qdp++", a LatticePropagator, which is what
 * Chroma's readQprop reads. That says nothing of the source, which may be NULL and of any kind; info is the record's XML then,
 * well-formed (NULL: an empty <Propagator>), and there has to be memory for a second propagator. Equal columns make equal
 * files but for the dates in them. */
GAUGELINK_API glk_status gaugelink_propagator_write(gaugelink_spinor *const *columns, uint32_t count,
                                                    const int64_t source[4], const char *path,
                                                    const gaugelink_spinor_write_options *options,
                                                    gaugelink_error **error);

/* ---- Wilson's gauge action: S = beta sum (1 - Re tr P / N); F as GLK_ALG_F ------------------------------------------ */
GAUGELINK_API glk_status gaugelink_wilson_action(const gaugelink_gauge *gauge, double beta, double *out,
                                                 gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_wilson_force(const gaugelink_gauge *gauge, double beta, gaugelink_algebra *out,
                                                gaugelink_error **error);

/* ---- Wilson's Dirac operator: D = m + 4 - hop/2, and the clover term ------------------------------------------------ */
/* op: op = GLK_DIRAC_WILSON, or GLK_DIRAC_CLOVER with csw_r = csw_t, whose term each call computes; GLK_DIRAC_FULL; dagger 1 applies D^+; GLK_DIRAC_BY_KAPPA divides by m + 4.
 * bc_phase: phases / 2 pi at the edges in x, y, z, t, 0.5 = antiperiodic; NULL = periodic. */
GAUGELINK_API glk_status gaugelink_dirac_apply(const gaugelink_gauge *gauge, const glk_dirac *op, const double bc_phase[4],
                                               const gaugelink_spinor *in, gaugelink_spinor *out,
                                               gaugelink_error **error);
#define GAUGELINK_SOLVER_BICGSTAB 0 /* on the even-odd form where the extents are even */
#define GAUGELINK_SOLVER_CG       1 /* on the normal equations, likewise */
#define GAUGELINK_SOLVER_GMRES    2 /* on D itself, restarted after 30 iterations; flexible with a preconditioner */
typedef struct gaugelink_solve_options {
  uint32_t size;
  int32_t  solver;                /* GAUGELINK_SOLVER_* */
  double   tolerance;             /* |b - D x| / |b| of the system iterated on; 0 = 1e-10 */
  uint32_t max_iterations, pad0;  /* 0 = 10000 */
  struct gaugelink_precond *precond;  /* for GMRES: set up for the same links and op, used by no other call; NULL = none */
} gaugelink_solve_options;
typedef struct gaugelink_solve_report {
  uint32_t size, iterations;
  double   residual;              /* |b - D x| / |b| from the solution */
  double   seconds, flops;
} gaugelink_solve_report;
/* D x = b (D^+ x = b with dagger) from the given x; GLK_NOT_CONVERGED leaves the last iterate in x and fills report.
 * options and report may be NULL. */
GAUGELINK_API glk_status gaugelink_dirac_solve(const gaugelink_gauge *gauge, const glk_dirac *op, const double bc_phase[4],
                                               gaugelink_spinor *x, const gaugelink_spinor *b,
                                               const gaugelink_solve_options *options, gaugelink_solve_report *report,
                                               gaugelink_error **error);

/* ---- Plugins ------------------------------------------------------------------------------------------------------
 * Objects are used by one call at a time. The functions without _view take fields of the library, which plugins see in
 * place (algebra fields are converted); those with _view pass views of the host's own memory on, so nothing of the
 * field's size is copied where the plugin serves the layout (see plugin.h; _stats says how many bytes were copied).
 * Outputs never overlap inputs. config is TOML, NULL = defaults; base_dir resolves relative paths in it, NULL = none;
 * component NULL = the plugin's first of this interface. seed and number make the random numbers of one draw. */
typedef struct gaugelink_plugin gaugelink_plugin;
/* name: a path, a file name or the middle of libglk_NAME.so. Searched are gaugelink/plugins beside the library, the
 * program's folder and its deps, lib/gaugelink/plugins beside that folder, GAUGELINK_PLUGIN_PATH. */
GAUGELINK_API glk_status  gaugelink_plugin_open(const gaugelink_context *context, const char *name,
                                                gaugelink_plugin **out, gaugelink_error **error);
GAUGELINK_API void        gaugelink_plugin_free(gaugelink_plugin *plugin);  /* objects made from it live on */
GAUGELINK_API const char *gaugelink_plugin_path(const gaugelink_plugin *plugin);
GAUGELINK_API uint32_t    gaugelink_plugin_components(const gaugelink_plugin *plugin);
typedef struct gaugelink_component {                     /* strings live as long as the plugin handle */
  uint32_t size, pad0;
  const char *id, *interface_id, *version, *summary, *citation, *license, *config_schema;
  uint64_t caps;                  /* GLK_CAP_* */
} gaugelink_component;
GAUGELINK_API glk_status gaugelink_plugin_component(const gaugelink_plugin *plugin, uint32_t index,
                                                    gaugelink_component *out, gaugelink_error **error);

/* Flow: U = f(V), log q(U) with respect to the Haar measure, log |det|. In _view functions log_q and logdet have room
 * for nrhs numbers. */
typedef struct gaugelink_flow gaugelink_flow;
GAUGELINK_API glk_status gaugelink_flow_new(const gaugelink_plugin *plugin, const gaugelink_lattice *lattice,
                                            const char *component, const char *config, const char *base_dir,
                                            gaugelink_flow **out, gaugelink_error **error);
GAUGELINK_API void       gaugelink_flow_free(gaugelink_flow *flow);
GAUGELINK_API glk_status gaugelink_flow_sample(gaugelink_flow *flow, uint64_t seed, uint64_t number, gaugelink_gauge *u,
                                               double *log_q, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_forward(gaugelink_flow *flow, const gaugelink_gauge *v, gaugelink_gauge *u,
                                                double *logdet, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_inverse(gaugelink_flow *flow, const gaugelink_gauge *u, gaugelink_gauge *v,
                                                double *logdet, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_log_density(gaugelink_flow *flow, const gaugelink_gauge *u, double *log_q,
                                                    gaugelink_error **error);
/* From F_U = dS/dU at U = f(V): F_V = d(S(f(V)) - logdet)/dV. */
GAUGELINK_API glk_status gaugelink_flow_pullback(gaugelink_flow *flow, const gaugelink_gauge *v,
                                                 const gaugelink_algebra *f_u, gaugelink_algebra *f_v,
                                                 gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_sample_view(gaugelink_flow *flow, const glk_rng *rng, glk_view *u, double *log_q,
                                                    gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_forward_view(gaugelink_flow *flow, const glk_view *v, glk_view *u, double *logdet,
                                                     gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_inverse_view(gaugelink_flow *flow, const glk_view *u, glk_view *v, double *logdet,
                                                     gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_log_density_view(gaugelink_flow *flow, const glk_view *u, double *log_q,
                                                         gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_pullback_view(gaugelink_flow *flow, const glk_view *v, const glk_view *f_u,
                                                      glk_view *f_v, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_flow_stats(gaugelink_flow *flow, glk_stats *out, gaugelink_error **error);

/* Force: S and scale * force, those without pseudofermions. */
typedef struct gaugelink_force gaugelink_force;
GAUGELINK_API glk_status gaugelink_force_new(const gaugelink_plugin *plugin, const gaugelink_lattice *lattice,
                                             const char *component, const char *config, const char *base_dir,
                                             gaugelink_force **out, gaugelink_error **error);
GAUGELINK_API void       gaugelink_force_free(gaugelink_force *force);
/* At the start of a trajectory. */
GAUGELINK_API glk_status gaugelink_force_refresh(gaugelink_force *force, const gaugelink_gauge *u, uint64_t seed,
                                                 uint64_t number, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_force_action(gaugelink_force *force, const gaugelink_gauge *u, double *s,
                                                gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_force_force(gaugelink_force *force, const gaugelink_gauge *u, double scale,
                                               gaugelink_algebra *f, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_force_refresh_view(gaugelink_force *force, const glk_view *u, const glk_rng *rng,
                                                      gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_force_action_view(gaugelink_force *force, const glk_view *u, double *s,
                                                     gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_force_force_view(gaugelink_force *force, const glk_view *u, double scale, glk_view *f,
                                                    gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_force_stats(gaugelink_force *force, glk_stats *out, gaugelink_error **error);

/* Preconditioner: z ~= D^-1 r. bc_phase as for gaugelink_dirac_apply. _setup keeps a copy of the links; those of
 * _setup_view stay where and as they are until the next setup or until the object is freed. After a setup that failed,
 * only another one is possible (GLK_PRECONDITION). mode: GLK_SETUP_*; function: the host's own D, may be NULL. */
typedef struct gaugelink_precond gaugelink_precond;
GAUGELINK_API glk_status gaugelink_precond_new(const gaugelink_plugin *plugin, const gaugelink_lattice *lattice,
                                               const char *component, const char *config, const char *base_dir,
                                               const double bc_phase[4], gaugelink_precond **out,
                                               gaugelink_error **error);
GAUGELINK_API void       gaugelink_precond_free(gaugelink_precond *precond);
GAUGELINK_API glk_status gaugelink_precond_setup(gaugelink_precond *precond, const gaugelink_gauge *u,
                                                 const glk_dirac *op, int32_t mode, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_precond_apply(gaugelink_precond *precond, const gaugelink_spinor *r,
                                                 gaugelink_spinor *z, int32_t dagger, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_precond_setup_view(gaugelink_precond *precond, const glk_view *u, const glk_dirac *op,
                                                      int32_t mode, glk_apply_fn function, void *context,
                                                      gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_precond_apply_view(gaugelink_precond *precond, const glk_view *r, glk_view *z,
                                                      int32_t dagger, gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_precond_stats(gaugelink_precond *precond, glk_stats *out, gaugelink_error **error);

/* Proposal: U -> U' with the log weight of the accept step; keep it with the state, never compute it anew. */
typedef struct gaugelink_proposal gaugelink_proposal;
GAUGELINK_API glk_status gaugelink_proposal_new(const gaugelink_plugin *plugin, const gaugelink_lattice *lattice,
                                                const char *component, const char *config, const char *base_dir,
                                                gaugelink_proposal **out, gaugelink_error **error);
GAUGELINK_API void       gaugelink_proposal_free(gaugelink_proposal *proposal);
GAUGELINK_API glk_status gaugelink_proposal_propose(gaugelink_proposal *proposal, uint64_t seed, uint64_t number,
                                                    const gaugelink_gauge *u, gaugelink_gauge *u_new, double *log_weight,
                                                    gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_proposal_propose_view(gaugelink_proposal *proposal, const glk_rng *rng,
                                                         const glk_view *u, glk_view *u_new, double *log_weight,
                                                         gaugelink_error **error);
/* The accept step: taken becomes 1 with probability min(1, exp(-delta_h)), else 0; always 0 for NaN. With delta_h =
 * S(U') - log_weight' - (S(U) - log_weight) it follows a proposal, whose seed and number serve here, too: the draws are
 * others. log_weight is minus infinity for links that were not proposed. [any] */
GAUGELINK_API glk_status gaugelink_accept(uint64_t seed, uint64_t number, double delta_h, int32_t *taken,
                                          gaugelink_error **error);
GAUGELINK_API glk_status gaugelink_proposal_stats(gaugelink_proposal *proposal, glk_stats *out, gaugelink_error **error);

/* ---- Layout freeze -------------------------------------------------------------------------------------------------- */
GLK_ASSERT(sizeof(gaugelink_context_options) == 32 && sizeof(gaugelink_open_options) == 56);
GLK_ASSERT(sizeof(gaugelink_file_info) == 104 && sizeof(gaugelink_file_check) == 40);
GLK_ASSERT(sizeof(gaugelink_file_part) == 24 && sizeof(gaugelink_write_options) == 40);
GLK_ASSERT(sizeof(gaugelink_spinor_open_options) == 40 && sizeof(gaugelink_spinor_file_info) == 56);
GLK_ASSERT(sizeof(gaugelink_spinor_info) == 56 && offsetof(gaugelink_spinor_info, datatype) == 32);
GLK_ASSERT(sizeof(gaugelink_spinor_check) == 16 && sizeof(gaugelink_spinor_write_options) == 24);
GLK_ASSERT(sizeof(gaugelink_solve_options) == 32 && sizeof(gaugelink_solve_report) == 32);
GLK_ASSERT(sizeof(gaugelink_component) == 72 && offsetof(gaugelink_component, caps) == 64);
GLK_ASSERT(offsetof(gaugelink_file_info, plaquette) == 56 && offsetof(gaugelink_file_check, plaquette) == 16);

#ifdef __cplusplus
}
#endif
#endif
