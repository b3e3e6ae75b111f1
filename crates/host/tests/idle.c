/* As the plugin idle, in C: functions that do nothing, so that what a call of them takes is what the boundary takes. */
#include <gaugelink/plugin.h>
#include <string.h>

#define STR(s) { s, sizeof(s) - 1 }
#define COMPONENT(name, interface)                                                                                    \
  { sizeof(glk_component), 0, STR("org.gaugelink.idle." name), STR(interface), STR("1.0"), STR("Does nothing at all"), \
    STR(""), STR("MIT OR Apache-2.0"), STR(""), GLK_CAP_DETERMINISTIC | GLK_CAP_STATELESS, 1ull << GLK_DEV_CPU,       \
    (1ull << GLK_F32) | (1ull << GLK_F64), 1ull << GLK_SITE_LEX }

struct glk_object { int unused; };
static glk_object object;

static glk_status forward(glk_object *o, const glk_exec *exec, const glk_view *v, glk_view *u, double *logdet,
                          glk_error *error) {
  (void)o, (void)exec, (void)v, (void)u, (void)logdet, (void)error;
  return GLK_OK;
}
static glk_status force(glk_object *o, const glk_exec *exec, const glk_view *u, const glk_view *const *aux,
                        const glk_dirac *const *dirac, uint64_t naux, double scale, glk_view *f, glk_error *error) {
  (void)o, (void)exec, (void)u, (void)aux, (void)dirac, (void)naux, (void)scale, (void)f, (void)error;
  return GLK_OK;
}
static glk_status setup(glk_object *o, const glk_exec *exec, const glk_view *u, const glk_dirac *dirac, int32_t mode,
                        glk_apply_fn host_m, void *ctx, glk_error *error) {
  (void)o, (void)exec, (void)u, (void)dirac, (void)mode, (void)host_m, (void)ctx, (void)error;
  return GLK_OK;
}
static glk_status apply(glk_object *o, const glk_exec *exec, const glk_view *r, glk_view *z, int32_t dagger,
                        glk_error *error) {
  (void)o, (void)exec, (void)r, (void)z, (void)dagger, (void)error;
  return GLK_OK;
}
static glk_status propose(glk_object *o, const glk_exec *exec, const glk_rng *rng, const glk_view *u,
                          const glk_view *const *aux, uint64_t naux, glk_view *u_new, glk_view *const *aux_new,
                          double *log_weight, glk_error *error) {
  (void)o, (void)exec, (void)rng, (void)u, (void)aux, (void)naux, (void)u_new, (void)aux_new, (void)log_weight, (void)error;
  return GLK_OK;
}
static const glk_flow flow_table = { sizeof(glk_flow), 0, 0, forward, forward, 0, 0 };
static const glk_force force_table = { sizeof(glk_force), 0, 0, 0, force };
static const glk_precond precond_table = { sizeof(glk_precond), 0, setup, apply, 0, 0 };
static const glk_proposal proposal_table = { sizeof(glk_proposal), 0, propose };

static const glk_component flow = COMPONENT("flow", GLK_FLOW_ID), drive = COMPONENT("force", GLK_FORCE_ID),
                           precond = COMPONENT("precond", GLK_PRECOND_ID),
                           proposal = COMPONENT("proposal", GLK_PROPOSAL_ID);
static const glk_component *const components[] = { &flow, &drive, &precond, &proposal };

static glk_status create(const glk_str *id, const glk_create *request, glk_object **out, glk_error *error) {
  (void)id, (void)request, (void)error;
  *out = &object;
  return GLK_OK;
}
static void destroy(glk_object *o) { (void)o; }
static const void *get(const char *id) {
  if (!strcmp(id, GLK_FLOW_ID)) return &flow_table;
  if (!strcmp(id, GLK_FORCE_ID)) return &force_table;
  if (!strcmp(id, GLK_PRECOND_ID)) return &precond_table;
  return strcmp(id, GLK_PROPOSAL_ID) ? 0 : &proposal_table;
}
static glk_status query(glk_object *o, const glk_view *view, glk_query *out, glk_error *error) {
  (void)o, (void)view, (void)error;
  out->result = GLK_QUERY_ZERO_COPY;
  return GLK_OK;
}
static glk_status stats(glk_object *o, glk_stats *out, glk_error *error) {
  (void)o, (void)out, (void)error;
  return GLK_OK;
}

static const glk_plugin plugin = { sizeof(glk_plugin), GLK_ABI_MAJOR, GLK_ABI_MINOR, 4, STR("org.gaugelink.idle"),
  STR("1.0"), STR("C11"), components, 0, 0, create, destroy, get, query, stats, 0, 0 };

const glk_plugin *glk_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
