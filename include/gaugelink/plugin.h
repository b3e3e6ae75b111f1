/* gaugelink/plugin.h -- the plugin ABI, major 1.
 *
 * A host (a lattice QCD program) opens a plugin (a shared library) and finds one function in it,
 * glk_plugin_entry_v1. Through what that returns it creates objects that propose gauge fields (flow, proposal),
 * estimate forces (force) or precondition Dirac solvers (precond). Both sides need this header and nothing else.
 * C11, C++17 or later. "How to" with complete examples: docs/plugin-abi.md; conventions: docs/conventions.md.
 *
 * GROUND RULES
 *  R1  Only fixed-width integers, double, pointers and UTF-8 (ptr,len) strings cross; no C enum, bool, bit-field,
 *      long, struct by value, variadic, or type of C++ or Rust. Little-endian LP64 only.
 *  R2  Extensible structs begin with `size` = sizeof as the *filler* compiled it. The reader uses min(size, its own
 *      sizeof) and takes missing bytes as zero; zero always means default or unknown. Fields are only appended, and
 *      there is no implicit padding; any other change of layout needs a new entry symbol (_v2).
 *      Out-structs: the caller sets `size`, the callee writes at most that many bytes and leaves `size` alone.
 *      Structs without `size` (glk_str, glk_msg, glk_sink, glk_source) never change.
 *  R3  Nothing unwinds across a call. The callee catches panics and exceptions and answers GLK_PANIC; the object is
 *      then poisoned: every later call but destroy() answers GLK_POISONED. Callbacks obey the same rule.
 *  R4  Memory is freed by the side that made it. Views are borrowed for the call (with ASYNC: until the stream has
 *      passed it). What an entry, descriptor or vtable points to lives until the process ends.
 *  R5  Threads: [any] callable from any thread at any time, also concurrently; [obj] the host serialises calls on
 *      one object, any thread; [coll] = [obj], and every rank of the object's communicator calls in the same order;
 *      [main] counted, serialised by the host over all of the plugin, any thread. Callbacks marked [caller] may be
 *      invoked only on the thread that is inside a plugin call.
 *  R6  [coll] functions return the SAME status on all ranks: the callee agrees on failure before it returns.
 *  R7  Plugins are never unmapped: hosts open with RTLD_NOW|RTLD_LOCAL|RTLD_NODELETE and never dlclose.
 *  R8  A plugin installs no signal handlers, never calls exit, abort, MPI_Init or MPI_Finalize, never writes to stdout
 *      or stderr, never changes floating-point mode, OpenMP settings or environment, and restores the current device.
 *  R9  Arguments are checked before they are used: NULL, a `size` below the required fields, a code out of range, a
 *      plane too small for its strides each give a status and a sentence, never a crash. A NULL entry of a vtable
 *      and an entry that answers GLK_UNSUPPORTED mean the same: not offered. */
#ifndef GLK_PLUGIN_H
#define GLK_PLUGIN_H
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#  define GLK_EXPORT __declspec(dllexport)
#else
#  define GLK_EXPORT __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
#  define GLK_ASSERT(c) static_assert(c, #c)
extern "C" {
#else
#  define GLK_ASSERT(c) _Static_assert(c, #c)
#endif

/* Does *p (of type t) reach to field f, as its filler compiled it? The only legal way to read appended fields. */
#define GLK_HAS(t, p, f) ((p)->size >= offsetof(t, f) + sizeof((p)->f))

#define GLK_ABI_MAJOR 1u          /* in the name of the entry symbol as well */
#define GLK_ABI_MINOR 0u          /* grows with appended fields, new codes, new interface ids */
#define GLK_MAX_DIM   6           /* directions 0..3 = x,y,z,t; x is fastest in every "lex" order */

/* ---- Status --------------------------------------------------------------------------------------------------
 * 0 is success; 1..16 are numbered as in absl and gRPC; from 64 on they are ours. Treat unknown ones as INTERNAL. */
typedef int32_t glk_status;
#define GLK_OK             0
#define GLK_CANCELLED      1      /* progress() asked for it */
#define GLK_INVALID_ARG    3
#define GLK_NOT_FOUND      5      /* no such component or file */
#define GLK_NO_MEMORY      8
#define GLK_PRECONDITION   9      /* wrong order of calls, e.g. apply before setup */
#define GLK_UNSUPPORTED   12      /* a valid request that this build, device or layout cannot serve */
#define GLK_INTERNAL      13
#define GLK_IO            15
#define GLK_NOT_CONVERGED 64      /* outputs hold the last iterate */
#define GLK_NONFINITE     65
#define GLK_DEVICE        66      /* CUDA or HIP failed; device_code holds the raw value */
#define GLK_COMM          67
#define GLK_PANIC         68
#define GLK_POISONED      69
#define GLK_NEED_COPY     70      /* this layout is not served in place: convert to another and call again */

/* Owned by the caller, usually on its stack; may be NULL. The callee fills it when it answers another status than
 * GLK_OK. Nothing in it is allocated or freed. */
typedef struct glk_error {
  uint32_t   size;
  glk_status code;
  int32_t    device_code;
  int32_t    rank;                /* the rank that failed first, -1 unknown */
  char       where[64];           /* component id or function, NUL-terminated UTF-8 */
  char       message[432];        /* what is wrong and what to do; NUL-terminated UTF-8, truncated */
} glk_error;

/* UTF-8, not NUL-terminated. A member of structs, or passed by pointer. len 0: empty, ptr may then be NULL. */
typedef struct glk_str {
  const char *ptr;
  uint64_t    len;
} glk_str;

/* ---- Device and execution ------------------------------------------------------------------------------------
 * Device numbers equal DLPack's DLDeviceType. */
#define GLK_DEV_CPU        1
#define GLK_DEV_CUDA       2
#define GLK_DEV_CUDA_HOST  3
#define GLK_DEV_ROCM      10
#define GLK_DEV_ROCM_HOST 11
#define GLK_DEV_CUDA_MGD  13
#define GLK_EXEC_ASYNC  (1u << 0) /* the call may return before the stream reaches it; default: complete on return */

/* Where a call runs. A NULL glk_exec means: CPU, as many threads as the host grants. */
typedef struct glk_exec {
  uint32_t size, flags;
  int32_t  device_type, device_id; /* id as the host's runtime numbers it (after *_VISIBLE_DEVICES); 0, 0 = CPU */
  void    *stream;                 /* cudaStream_t or hipStream_t of the PRIMARY context; NULL = legacy default */
  uint32_t max_threads, pad0;      /* CPU threads of this call, the caller included; 0 = ask host->threads */
} glk_exec;

/* ---- Lattice and communicator --------------------------------------------------------------------------------*/
#define GLK_COMM_SELF   0         /* one rank */
#define GLK_COMM_HOST   1         /* through glk_host_comm only (always offered; a plugin needs no MPI library) */
#define GLK_COMM_MPI_F  2         /* also comm_fint = MPI_Comm_c2f(comm), where plugin and host share one libmpi */
#define GLK_MPI_UNKNOWN 0
#define GLK_MPI_MPICH   1
#define GLK_MPI_OPENMPI 2
#define GLK_MPI_ABI     3         /* the standard ABI of MPI 5 */

/* The lattice that an object lives on. Arrays are indexed by direction; entries from ndim on are ignored. */
typedef struct glk_lattice {
  uint32_t size, ndim;
  int64_t  global[GLK_MAX_DIM];   /* extents of the whole lattice, in sites */
  int64_t  local[GLK_MAX_DIM];    /* extents of this rank's part */
  int64_t  origin[GLK_MAX_DIM];   /* global coordinates of the local site 0 */
  int32_t  procs[GLK_MAX_DIM], proc_coord[GLK_MAX_DIM];   /* the grid of ranks and this rank's place in it */
  int32_t  nbr_fwd[GLK_MAX_DIM], nbr_bwd[GLK_MAX_DIM];    /* neighbour ranks; never derived from proc_coord */
  double   bc_phase[GLK_MAX_DIM]; /* boundary phase of fermions / 2 pi: 0 periodic, 0.5 antiperiodic */
  int32_t  comm_kind, mpi_flavour, comm_fint, rank, nranks;
  int32_t  bc_in_links;           /* 1: the phases are already multiplied into the links */
} glk_lattice;

/* ---- Views of fields -----------------------------------------------------------------------------------------
 * A view describes memory that somebody else owns, so that fields of the host are used in place.
 *
 * Kind       numbers of a site           row, col of stride_row and stride_col
 * GAUGE      [mu][row][col], complex     the matrix U_mu(x), which leads from x to x+mu; ncolor = N of U(1), SU(N)
 * ALGEBRA    [mu][row][col], complex     an anti-Hermitian matrix, traceless for N > 1; see algebra_conv
 * WILSON     [row][col], complex         row = spin (nspin = 4, or 2 in two dimensions), col = colour
 * STAGGERED  [col], complex              col = colour
 * SCALAR     one real number             nrow = ncolor = 1; stride_reim is not used
 * nrow is the number of matrix rows stored: ncolor, or fewer where the rest follows from unitarity.
 *
 * The real part of an element begins, in bytes from plane[nplanes > 1 ? mu : 0], at
 *     E * stride_site + lane * stride_lane + (nplanes > 1 ? 0 : mu * stride_mu) + row * stride_row
 *       + col * stride_col + s * stride_5 + b * stride_rhs,       s < dim5 (fifth dimension), b < nrhs (batch)
 * and the imaginary part follows stride_reim bytes later (0: directly after the real part).
 * E and lane follow from the local coordinates x_d of the site. With local extents L_d, lex = x + Lx(y + Ly(z + ..)):
 * LEX        E = lex. With a halo of h_d sites on each side: x_d + h_d in place of x_d, L_d + 2 h_d in place of L_d.
 * EO         E = p * (V/2) + floor(lex / 2), p the parity, V the number of local sites; L_0 is even. A view of one
 *            parity drops the term with p: its plane begins with that parity's first site.
 * BLOCK      lane_d = x_d / r_d and o_d = x_d mod r_d with r_d = L_d / simd_d; E and lane number o and lane_d in lex
 *            order (x fastest, extents r_d and simd_d). Grid.
 * BLOCK_EO   as BLOCK with x/2 and Lx/2 in place of x and Lx, one parity only. Grid, red-black.
 * TABLE      E = site_table[lex]: any other order. A view of one parity reads only the entries of that parity.
 *            An output has none of them twice. Without VIEW_TABLE_KEPT, plugins look at every entry at each call.
 * LEX and BLOCK views hold all sites. simd other than 1 goes only with BLOCK orders, halo only with LEX. */
#define GLK_GAUGE     1
#define GLK_ALGEBRA   2
#define GLK_WILSON    3
#define GLK_STAGGERED 4
#define GLK_SCALAR    5
#define GLK_F16  1
#define GLK_BF16 2
#define GLK_F32  3
#define GLK_F64  4
#define GLK_SITE_LEX      1
#define GLK_SITE_EO       2       /* QDP++ cb2, QUDA, MILC */
#define GLK_SITE_BLOCK    3       /* Grid */
#define GLK_SITE_BLOCK_EO 4       /* Grid, red-black */
#define GLK_SITE_TABLE    5
#define GLK_BOTH 0
#define GLK_EVEN 1                /* parity = (sum of GLOBAL coordinates) & 1 */
#define GLK_ODD  2
#define GLK_GAMMA_DEGRAND_ROSSI 1 /* Grid, Chroma; gamma5 = gx gy gz gt = diag(+,+,-,-); QUDA's has the other sign */
#define GLK_GAMMA_CHIRAL        2
#define GLK_GAMMA_UKQCD         3
/* F = sum_a i T_a dS/de at U -> exp(i e T_a) U with Hermitian T_a, tr T_a T_b = 1/2 (U(1): T = 1). It is the sum over a
 * of T'_a dS/de at exp(e T'_a) U with anti-Hermitian T'_a as well. Wilson action: F = beta/(2N) Ta(U staple).
 * Grid: Action::deriv = F (its factor HMC_MOMENTUM_DENOMINATOR is the host's business). Chroma: dsdq = -F. */
#define GLK_ALG_F     1
#define GLK_ALG_NEG_F 2
#define GLK_VIEW_CONST      (1u << 0) /* must not be written */
#define GLK_VIEW_ACCUMULATE (1u << 1) /* the output is added to what is there */
#define GLK_VIEW_TABLE_KEPT (1u << 2) /* while an object lives that was lent site_table, its entries do not change, and no
                                         other table comes to stand there: plugins look at each of them once */
#define GLK_MAX_PLANES 8
typedef struct glk_view {
  uint32_t size, flags;
  int32_t  kind, scalar, site_order, parity;
  int32_t  device_type, device_id; /* where the planes are; 0, 0 = CPU */
  uint32_t nplanes;                /* 1, or one for each direction (QDP++ multi1d<LatticeColorMatrix>) */
  int32_t  gamma_basis, algebra_conv, dim5;               /* dim5 = Ls of spinors; 0 or 1 = none */
  uint32_t nspin, ncolor, nrow, nrhs;                     /* nrhs: fields in the batch, stride_rhs apart; 0 = 1 */
  void    *plane[GLK_MAX_PLANES];
  uint64_t plane_bytes;            /* bytes that may be addressed from each plane pointer on */
  int64_t  stride_site, stride_mu, stride_row, stride_col, stride_5, stride_rhs;   /* bytes */
  int64_t  stride_lane;            /* bytes between SIMD lanes; used by BLOCK orders */
  int64_t  stride_reim;            /* bytes from real to imaginary part; 0 = one scalar */
  int32_t  simd[GLK_MAX_DIM];      /* Grid's simd_layout; 0 = 1 */
  int32_t  halo[GLK_MAX_DIM];      /* sites of padding on each side */
  const int64_t *site_table;       /* TABLE only; V entries in host memory */
  uint64_t generation;             /* the owner changes it with the contents, so plugins may cache; 0 = never */
} glk_view;

/* ---- Randomness: counter based, no hidden state -----------------------------------------------------------------
 * Draw n of a site depends on key, epoch, call, batch entry b and the GLOBAL lex number of the site alone. The algorithm
 * names this addressing. Which numbers stand at an address is the plugin's own affair: it repeats them, but another plugin
 * has others. */
#define GLK_RNG_CHACHA20 1        /* a cipher of the ChaCha family keyed by (key, epoch, call, b), stream = site, word = n */
typedef struct glk_rng {
  uint32_t size, algorithm;
  uint8_t  key[32];
  uint64_t epoch, call;           /* number of the trajectory; number of the call within it */
} glk_rng;

/* ---- Services of the host -----------------------------------------------------------------------------------
 * A plugin asks host->get(id) for what it can use; NULL means absent. The host outlives every object. */
typedef struct glk_host glk_host;

#define GLK_HOST_COMM_ID     "glk.host.comm/1"
#define GLK_HOST_MEM_ID      "glk.host.mem/1"
#define GLK_HOST_PARALLEL_ID "glk.host.parallel/1"

/* One face of a halo exchange. The plugin packs; the host only moves bytes. */
typedef struct glk_msg {
  int32_t     dim, dir;           /* send to the neighbour in direction dim, dir = +1 or -1; receive from opposite */
  const void *send;
  void       *recv;
  uint64_t    bytes;
} glk_msg;
typedef struct glk_host_comm {
  uint32_t size, flags;           /* bit 0: device pointers are accepted (verified); else stage on the CPU */
  /* [caller] Nonblocking; exec gives residence and stream order, *ticket is for wait. */
  glk_status (*exchange)(const glk_host *, const glk_exec *, const glk_msg *, uint64_t n, uint64_t *ticket);
  glk_status (*wait)(const glk_host *, uint64_t ticket);
  glk_status (*sum_f64)(const glk_host *, double *inout, uint64_t n);       /* order of ranks is fixed */
  glk_status (*max_i32)(const glk_host *, int32_t *inout, uint64_t n);      /* to agree on a status (R6) */
  glk_status (*bcast)(const glk_host *, void *buf, uint64_t bytes, int32_t root);
  glk_status (*barrier)(const glk_host *);
} glk_host_comm;
/* Scratch memory from the host's pool. */
typedef struct glk_host_mem {
  uint32_t size, flags;
  glk_status (*alloc)(const glk_host *, const glk_exec *, uint64_t bytes, uint64_t align, void **out); /* [caller] */
  void       (*free)(const glk_host *, const glk_exec *, void *ptr);
} glk_host_mem;
/* The host's own threads (OpenMP), for hosts that pin theirs and spin. */
typedef struct glk_host_parallel {
  uint32_t size, nthreads;
  /* [caller] body(ctx, i, n) once for every i < n, n at most nthreads; returns when all have returned. */
  glk_status (*run)(const glk_host *, void (*body)(void *ctx, uint32_t thread, uint32_t nthreads), void *ctx);
} glk_host_parallel;
struct glk_host {
  uint32_t size, abi_minor;
  void    *ctx;                   /* the host's own */
  glk_str  name, version;
  /* [any] level 0 trace, 1 debug, 2 info, 3 warning, 4 error. */
  void       (*log)(const glk_host *, int32_t level, const glk_str *target, const glk_str *msg);
  /* [caller] At least every few seconds in long calls; nonzero = please cancel. total 0 = unknown. */
  int32_t    (*progress)(const glk_host *, const glk_str *phase, uint64_t done, uint64_t total);
  uint32_t   (*threads)(const glk_host *);                                  /* [any] CPU budget per rank */
  const void*(*get)(const glk_host *, const char *service_id);              /* [any] NULL if absent */
};

/* ---- Plugin -------------------------------------------------------------------------------------------------*/
#define GLK_CAP_DETERMINISTIC  (1ull << 0)  /* bitwise repeatable: same grid of ranks, same device, any threads */
#define GLK_CAP_GRID_INVARIANT (1ull << 1)  /* bitwise independent of the grid of ranks */
#define GLK_CAP_STATELESS      (1ull << 2)  /* results depend on arguments alone: safe for reversible trajectories */
#define GLK_CAP_LINEAR         (1ull << 3)  /* preconditioner: a fixed linear map (else use a flexible solver) */
#define GLK_CAP_HERMITIAN      (1ull << 4)  /* preconditioner: <a, K b> = <K a, b> */
#define GLK_CAP_EXACT_DENSITY  (1ull << 5)  /* flow: log densities are exact, not estimated */
#define GLK_CAP_CONSERVATIVE   (1ull << 6)  /* force: the exact gradient of action() */
#define GLK_CAP_EQUIVARIANT    (1ull << 7)  /* commutes with gauge transformations */
#define GLK_CAP_ASYNC          (1ull << 8)
#define GLK_CAP_MULTI_RANK     (1ull << 9)

/* What a plugin offers, readable before init(). */
typedef struct glk_component {
  uint32_t size, pad0;
  glk_str  id;                    /* "org.example.stout-flow" */
  glk_str  interface_id;          /* GLK_FLOW_ID, ... or an id of one's own (reverse DNS) */
  glk_str  version, summary, citation, license;
  glk_str  config_schema;         /* JSON Schema of glk_create.config; empty: no keys */
  uint64_t caps;                  /* GLK_CAP_* */
  uint64_t devices, scalars, site_orders;   /* sets of the codes above, bit (1 << code) */
} glk_component;

#define GLK_CONFIG_TOML 1
#define GLK_CONFIG_JSON 2
#define GLK_CREATE_DETERMINISTIC  (1u << 0) /* refuse unless the object will be DETERMINISTIC */
#define GLK_CREATE_GRID_INVARIANT (1u << 1)
typedef struct glk_create {
  uint32_t size, flags;
  const glk_host    *host;        /* lives until the object is destroyed */
  const glk_lattice *lattice;     /* read during the call */
  const glk_exec    *exec;        /* NULL: CPU */
  int32_t  config_format, pad0;
  glk_str  config;                /* unknown keys are errors; empty: defaults */
  glk_str  base_dir;              /* relative paths in config begin here */
} glk_create;

typedef struct glk_object glk_object;

#define GLK_QUERY_NO        0
#define GLK_QUERY_COPY      1     /* served through an internal copy */
#define GLK_QUERY_ZERO_COPY 2
/* Asked before first use: can this view be served in place? */
typedef struct glk_query {
  uint32_t size, result;
  uint64_t scratch_bytes;
  double   est_seconds;
} glk_query;
/* Of the last call on the object. */
typedef struct glk_stats {
  uint32_t size, iters;
  double   seconds, flops, residual, bytes_comm;
  uint64_t bytes_copied;          /* bytes of fields copied because a layout was not served in place */
} glk_stats;
/* Bytes out and in; the return value is the number moved, 0 at the end of a source, negative on failure. */
typedef struct glk_sink {
  void *ctx;
  int64_t (*write)(void *ctx, const void *p, uint64_t n);
} glk_sink;
typedef struct glk_source {
  void *ctx;
  int64_t (*read)(void *ctx, void *p, uint64_t n);
} glk_source;

/* Static and constant. */
typedef struct glk_plugin {
  uint32_t size, abi_major, abi_minor, ncomponents;
  glk_str  id, version, build_info;         /* build_info: compiler, CUDA or HIP, revision, features */
  const glk_component *const *components;   /* scanning costs nothing: no init() needed */
  glk_status (*init)(const glk_host *, glk_error *);                        /* [main] each matched by a fini */
  void       (*fini)(void);                                                 /* [main] last: joins all threads; no unmap */
  glk_status (*create)(const glk_str *component_id, const glk_create *, glk_object **, glk_error *);   /* [coll] */
  void       (*destroy)(glk_object *);                                      /* [coll] NULL ok; before MPI_Finalize */
  const void*(*get)(const char *interface_id);                              /* [any] vtable or NULL */
  glk_status (*query)(glk_object *, const glk_view *, glk_query *, glk_error *);                /* [obj] */
  glk_status (*stats)(glk_object *, glk_stats *, glk_error *);              /* [obj] */
  glk_status (*save)(glk_object *, const glk_sink *, glk_error *);          /* [coll] state; NULL if STATELESS */
  glk_status (*load)(glk_object *, const glk_source *, glk_error *);        /* [coll] */
} glk_plugin;

/* THE entry point: pure, no side effects, no threads, no device, no MPI. NULL = this host is too old or too new. */
GLK_EXPORT const glk_plugin *glk_plugin_entry_v1(uint32_t host_abi_minor);
typedef const glk_plugin *(*glk_plugin_entry_fn)(uint32_t host_abi_minor);
#define GLK_ENTRY_SYMBOL "glk_plugin_entry_v1"

/* ---- Interfaces: the vtables that plugin->get() returns -------------------------------------------------------
 * Every function takes an object that create() made for a component of this interface_id. All are [coll].
 * An output view shares no number with an input, not even as the very same view, and each of its own numbers has a place
 * of its own: else INVALID_ARG. Views may be interleaved: bytes between the numbers of one are free for the other. */
#define GLK_FLOW_ID     "glk.flow/1"
#define GLK_FORCE_ID    "glk.force/1"
#define GLK_PRECOND_ID  "glk.precond/1"
#define GLK_PROPOSAL_ID "glk.proposal/1"

/* A flow is an invertible map U = f(V) of gauge fields with the prior p of V. Densities refer to the Haar measure
 * (normalised to 1), and log q(U) = log p(V) - log |det df/dV|. log_q and logdet: nrhs numbers each. Sums over the
 * lattice are global: every rank gets the same number. */
typedef struct glk_flow {
  uint32_t size, pad0;
  glk_status (*sample)(glk_object *, const glk_exec *, const glk_rng *, glk_view *U, double *log_q, glk_error *);
  glk_status (*forward)(glk_object *, const glk_exec *, const glk_view *V, glk_view *U, double *logdet, glk_error *);
  /* logdet is that of the inverse map: minus that of forward at V. */
  glk_status (*inverse)(glk_object *, const glk_exec *, const glk_view *U, glk_view *V, double *logdet, glk_error *);
  glk_status (*log_density)(glk_object *, const glk_exec *, const glk_view *U, double *log_q, glk_error *);
  /* HMC through the map: given F_U = dS/dU at U = f(V), F_V = d(S(f(V)) - logdet(V))/dV. */
  glk_status (*pullback)(glk_object *, const glk_exec *, const glk_view *V, const glk_view *F_U, glk_view *F_V,
                         glk_error *);
} glk_flow;

#define GLK_DIRAC_WILSON    1
#define GLK_DIRAC_CLOVER    2
#define GLK_DIRAC_MOBIUS    3
#define GLK_DIRAC_STAGGERED 4
#define GLK_DIRAC_FULL          0
#define GLK_DIRAC_SYMMETRIC_EO  1
#define GLK_DIRAC_ASYMMETRIC_EO 2
#define GLK_DIRAC_BY_MASS  0      /* M = 4 + mass - hop/2 */
#define GLK_DIRAC_BY_KAPPA 1      /* M = 1 - kappa hop */
/* What M is, so that one preconditioner serves many hosts. */
typedef struct glk_dirac {
  uint32_t size;
  int32_t  op;
  double   mass, csw_r, csw_t, xi0, nu, b5, c5, m5;
  int32_t  precond_form, dagger;
  int32_t  parity, normalisation; /* parity: of the sites that an even-odd form lives on */
} glk_dirac;

/* S and its force. A force sees what the host owns: aux are pseudofermions of the operators in dirac (same order),
 * NULL and 0 if none is needed. S: one number for each field of the batch. F receives scale * force. */
typedef struct glk_force {
  uint32_t size, naux_required;
  glk_status (*refresh)(glk_object *, const glk_exec *, const glk_view *U, const glk_rng *, glk_error *);
  glk_status (*action)(glk_object *, const glk_exec *, const glk_view *U, const glk_view *const *aux,
                       const glk_dirac *const *dirac, uint64_t naux, double *S, glk_error *);
  glk_status (*force)(glk_object *, const glk_exec *, const glk_view *U, const glk_view *const *aux,
                      const glk_dirac *const *dirac, uint64_t naux, double scale, glk_view *F, glk_error *);
} glk_force;

/* Stochastic and generalised proposals (stochastic flows, replica exchange, defect repair, joint maps of links and
 * pseudofermions): (U, aux) -> (U', aux') with log_weight[nrhs] for the accept step. The weight belongs to the path:
 * the caller keeps it with the current state and never computes it anew. It knows nothing of the action S that is
 * sampled: U' is taken with probability min(1, exp(-S(U') + log_weight' + S(U) - log_weight)), and then log_weight'
 * belongs to it. 0 for proposals that are as likely as the way back; -log q(U') for those that do not depend on U. A
 * state that was not proposed has no weight, so the first proposal of a chain is taken. */
typedef struct glk_proposal {
  uint32_t size, pad0;
  glk_status (*propose)(glk_object *, const glk_exec *, const glk_rng *, const glk_view *U, const glk_view *const *aux,
                        uint64_t naux, glk_view *U_new, glk_view *const *aux_new, double *log_weight, glk_error *);
} glk_proposal;

#define GLK_SETUP_RESET   0       /* a new set-up for this gauge field (generation) and operator */
#define GLK_SETUP_REFRESH 1       /* keep learned weights, rebuild what depends on U */
#define GLK_SETUP_UPDATE  2       /* a cheap update after a small change of U */
#define GLK_SETUP_REUSE   3       /* apply() with another generation than set up with is PRECONDITION, never silent */
/* out = M in, or M^dagger in; lent by the host. */
typedef glk_status (*glk_apply_fn)(void *ctx, const glk_exec *, const glk_view *in, glk_view *out, int32_t dagger);
/* z ~= M^-1 r, or M^-dagger r. nrhs > 1 in the views is a batch. U of setup() must stay valid and unchanged until the
 * next setup() or destroy(): a preconditioner may read links in place. */
typedef struct glk_precond {
  uint32_t size, pad0;
  glk_status (*setup)(glk_object *, const glk_exec *, const glk_view *U, const glk_dirac *, int32_t mode,
                      glk_apply_fn host_M, void *host_M_ctx, glk_error *);   /* host_M may be NULL; [caller] */
  glk_status (*apply)(glk_object *, const glk_exec *, const glk_view *r, glk_view *z, int32_t dagger, glk_error *);
  glk_status (*cost)(glk_object *, double *flops, double *bytes, double *dirac_equivalents, glk_error *);
  glk_status (*self_test)(glk_object *, const glk_exec *, const glk_sink *report, glk_error *);
} glk_precond;

/* ---- Layout freeze: offsets never move, sizes never shrink --------------------------------------------------
 * Every offset is asserted in the bindings generated from this header; here are the sizes and the landmarks. */
GLK_ASSERT(sizeof(void *) == 8);
GLK_ASSERT(sizeof(glk_str) == 16 && sizeof(glk_msg) == 32 && sizeof(glk_sink) == 16 && sizeof(glk_source) == 16);
GLK_ASSERT(sizeof(glk_error) == 512 && offsetof(glk_error, where) == 16 && offsetof(glk_error, message) == 80);
GLK_ASSERT(sizeof(glk_exec) == 32 && offsetof(glk_exec, stream) == 16);
GLK_ASSERT(sizeof(glk_lattice) == 320 && offsetof(glk_lattice, procs) == 152 && offsetof(glk_lattice, rank) == 308);
GLK_ASSERT(sizeof(glk_view) == 264 && offsetof(glk_view, plane) == 64 && offsetof(glk_view, stride_site) == 136);
GLK_ASSERT(offsetof(glk_view, simd) == 200 && offsetof(glk_view, generation) == 256);
GLK_ASSERT(sizeof(glk_rng) == 56 && offsetof(glk_rng, epoch) == 40);
GLK_ASSERT(sizeof(glk_host_comm) == 56 && sizeof(glk_host_mem) == 24 && sizeof(glk_host_parallel) == 16);
GLK_ASSERT(sizeof(glk_host) == 80 && offsetof(glk_host, log) == 48);
GLK_ASSERT(sizeof(glk_component) == 152 && offsetof(glk_component, caps) == 120);
GLK_ASSERT(sizeof(glk_create) == 72 && offsetof(glk_create, config) == 40);
GLK_ASSERT(sizeof(glk_query) == 24 && sizeof(glk_stats) == 48 && offsetof(glk_stats, bytes_copied) == 40);
GLK_ASSERT(sizeof(glk_plugin) == 144 && offsetof(glk_plugin, init) == 72);
GLK_ASSERT(sizeof(glk_flow) == 48 && sizeof(glk_force) == 32);
GLK_ASSERT(sizeof(glk_proposal) == 16 && sizeof(glk_precond) == 40);
GLK_ASSERT(sizeof(glk_dirac) == 88 && offsetof(glk_dirac, precond_form) == 72);

#ifdef __cplusplus
}
#endif
#endif
