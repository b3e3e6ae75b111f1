/* A Gaugelink plugin in C, to copy from. It offers
 *   org.gaugelink.minimal.identity   a flow, in flow.c
 *   org.gaugelink.minimal.wilson     a force, in force.c
 *   org.gaugelink.minimal.jacobi     a preconditioner, in precond.c
 *   org.gaugelink.minimal.shake      a proposal, in proposal.c
 * for U(N), N <= 4, in place, in the site orders of plugin.h, in f32 and f64, on one rank and one thread.
 * Conventions: docs/conventions.md. */
#define _GNU_SOURCE               /* strtod_l: a host may have set a locale with a decimal comma */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "minimal.h"

/* Link fields hold both parities, so BLOCK_EO is for spinors. */
#define WHOLE_ORDERS (1ull << GLK_SITE_LEX | 1ull << GLK_SITE_EO | 1ull << GLK_SITE_BLOCK | 1ull << GLK_SITE_TABLE)
#define COMPONENT(name, interface, summary, schema, orders, caps)                                                  \
  { sizeof(glk_component), 0, STR(name), STR(interface), STR("1.0"), STR(summary), STR("docs/plugin-abi.md"),      \
    STR("MIT OR Apache-2.0"), STR(schema), GLK_CAP_DETERMINISTIC | GLK_CAP_STATELESS | GLK_CAP_EQUIVARIANT | (caps), \
    1ull << GLK_DEV_CPU, (1ull << GLK_F32) | (1ull << GLK_F64), orders }
static const glk_component identity = COMPONENT("org.gaugelink.minimal.identity", GLK_FLOW_ID, "The identity map", "",
                                                WHOLE_ORDERS, GLK_CAP_EXACT_DENSITY);
static const glk_component wilson =
  COMPONENT("org.gaugelink.minimal.wilson", GLK_FORCE_ID, "Wilson's plaquette action and its force",
            "{\"type\":\"object\",\"properties\":{\"beta\":{\"type\":\"number\",\"default\":1}}}",
            WHOLE_ORDERS, GLK_CAP_CONSERVATIVE);
static const glk_component jacobi =
  COMPONENT("org.gaugelink.minimal.jacobi", GLK_PRECOND_ID, "Division by the diagonal of Wilson's operator", "",
            WHOLE_ORDERS | 1ull << GLK_SITE_BLOCK_EO, GLK_CAP_LINEAR | GLK_CAP_HERMITIAN);
/* Not equivariant: how a link moves does not turn with the gauge. */
static const glk_component shake = {
  sizeof(glk_component), 0, STR("org.gaugelink.minimal.shake"), STR(GLK_PROPOSAL_ID), STR("1.0"),
  STR("Every link times a random one near unity, weight 1"), STR("docs/plugin-abi.md"), STR("MIT OR Apache-2.0"),
  STR("{\"type\":\"object\",\"properties\":{\"step\":{\"type\":\"number\",\"default\":0.2}}}"),
  GLK_CAP_DETERMINISTIC | GLK_CAP_STATELESS, 1ull << GLK_DEV_CPU, (1ull << GLK_F32) | (1ull << GLK_F64), WHOLE_ORDERS
};
/* In the order of the enum. */
static const glk_component *const components[KINDS] = { &identity, &wilson, &jacobi, &shake };

static glk_status init(const glk_host *host, glk_error *error) {
  REQUIRE(host, GLK_INVALID_ARG, "host is NULL");
  return GLK_OK;
}
static void fini(void) {}

/* ---- Configuration: "key = NUMBER", or {"key": NUMBER} ---------------------------------------------------------*/
static const char *blanks(const char *p) { return p + strspn(p, " \t\r\n"); }

/* Decimal digits alone: no hexadecimal, no infinity, no NaN, and a point in every locale. NULL if it is no number. */
static const char *number(const char *p, double *value) {
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!plain) return NULL;
  char *end;
  *value = strtod_l(p, &end, plain);
  freelocale(plain);
  return end > p && (size_t)(end - p) == strspn(p, "+-.0123456789eE") && isfinite(*value) ? end : NULL;
}

static int one_key(const char *p, int json, const char *key, double *value) {
  size_t length = strlen(key);
  p = blanks(p);
  if (json) {
    if (*p != '{') return 0;
    p = blanks(p + 1);
    if (*p++ != '"') return 0;
  }
  if (strncmp(p, key, length)) return 0;
  p += length;
  if (json && *p++ != '"') return 0;
  p = blanks(p);
  if (*p != (json ? ':' : '=')) return 0;
  p = number(blanks(p + 1), value);
  if (!p) return 0;
  p = blanks(p);
  if (json && *p++ != '}') return 0;
  return !*blanks(p);
}

static const char *configure(glk_object *o, const glk_str *config, int32_t format) {
  char text[128];
  if (!config->len) return NULL;
  if (config->len >= sizeof text || !config->ptr) return "config is too long or NULL";
  if (format != GLK_CONFIG_TOML && format != GLK_CONFIG_JSON) return "config_format: TOML (1) and JSON (2) exist";
  memcpy(text, config->ptr, config->len);
  text[config->len] = 0;
  if (o->kind != FORCE && o->kind != PROPOSAL) return "config: this component has no keys";
  const char *key = o->kind == FORCE ? "beta" : "step";
  double *value = o->kind == FORCE ? &o->beta : &o->step;
  if (strlen(text) != config->len || !one_key(text, format == GLK_CONFIG_JSON, key, value))
    return o->kind == FORCE ? "config: the one key is beta, a finite number" : "config: the one key is step, a number";
  if (!(o->step > 0 && o->step <= 1)) return "config: step is above 0 and at most 1";
  return NULL;
}

/* ---- Objects ----------------------------------------------------------------------------------------------------*/
static glk_status create(const glk_str *id, const glk_create *request, glk_object **out, glk_error *error) {
  REQUIRE(id && id->ptr && out, GLK_INVALID_ARG, "component_id or the place for the object is NULL");
  *out = NULL;
  REQUIRE(request && GLK_HAS(glk_create, request, config), GLK_INVALID_ARG, "create is NULL or its size too small");
  const glk_lattice *lattice = request->lattice;
  REQUIRE(request->host && lattice, GLK_INVALID_ARG, "host or lattice is NULL");
  REQUIRE(on_cpu(request->exec), GLK_UNSUPPORTED, "exec.device_type: this plugin runs on the CPU only");
  glk_object o = { .beta = 1, .step = 0.2, .kind = -1, .sites = 1 };
  for (int i = 0; i < KINDS; i++)
    if (components[i]->id.len == id->len && !memcmp(components[i]->id.ptr, id->ptr, id->len)) o.kind = i;
  REQUIRE(o.kind >= 0, GLK_NOT_FOUND,
          "no such component; there are org.gaugelink.minimal.{identity,wilson,jacobi,shake}");
  memcpy(&o.lattice, lattice, lattice->size < sizeof o.lattice ? lattice->size : sizeof o.lattice);
  REQUIRE(o.lattice.ndim >= 1 && o.lattice.ndim <= GLK_MAX_DIM, GLK_INVALID_ARG, "lattice.ndim: 1 to 6");
  REQUIRE(o.lattice.nranks <= 1, GLK_UNSUPPORTED, "lattice.nranks: one rank only");
  for (uint32_t d = 0; d < o.lattice.ndim; d++) {
    int64_t extent = o.lattice.local[d];
    REQUIRE(extent >= 1 && extent <= (1 << 30) && o.sites <= (1ll << 40) / extent, GLK_INVALID_ARG,
            "lattice.local: extents are positive, and their product below 2^40");
    o.sites *= extent;
  }
  const char *wrong = configure(&o, &request->config, request->config_format);
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
  if (!strcmp(id, GLK_FLOW_ID)) return &identity_table;
  if (!strcmp(id, GLK_FORCE_ID)) return &wilson_table;
  if (!strcmp(id, GLK_PRECOND_ID)) return &jacobi_table;
  if (!strcmp(id, GLK_PROPOSAL_ID)) return &shake_table;
  return NULL;
}

static glk_status query(glk_object *o, const glk_view *view, glk_query *out, glk_error *error) {
  REQUIRE(o && out && GLK_HAS(glk_query, out, result), GLK_INVALID_ARG, "object or query is NULL or too small");
  OPEN(f, view, ASKED);
  GIVE(glk_query, out, .result = GLK_QUERY_ZERO_COPY);
  return GLK_OK;
}

/* Operations are not counted, and nothing is ever copied. */
static glk_status stats(glk_object *o, glk_stats *out, glk_error *error) {
  REQUIRE(o && out && out->size >= sizeof out->size, GLK_INVALID_ARG, "object or stats is NULL or too small");
  GIVE(glk_stats, out, .seconds = o->seconds);
  return GLK_OK;
}

static const glk_plugin plugin = {
  sizeof(glk_plugin), GLK_ABI_MAJOR, GLK_ABI_MINOR, KINDS, STR("org.gaugelink.minimal"), STR("1.0"), STR("C11"),
  components, init, fini, create, destroy, get, query, stats, NULL, NULL
};

const glk_plugin *glk_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;           /* a minor version changes nothing that this plugin uses */
  return &plugin;
}
