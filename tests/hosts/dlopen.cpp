// A host that knows nothing of Gaugelink but plugin.h: its own ILDG reader and writer, its own field order (QDP++'s:
// four planes, even sites first), plugins through dlopen. One "name value" a line on standard output.
//   dlopen FILE OUT  FLOW CONFIG  FORCE CONFIG  PRECOND CONFIG     (plugins by absolute path)
#include <gaugelink/plugin.h>

#include <dlfcn.h>

#include "ildg.hpp"

static void show(const char* name, double value) { std::printf("%s %.17g\n", name, value); }

// ---- The host's side of plugin.h -------------------------------------------------------------------------------------------
template <class T>
static T sized() {
  T value;
  std::memset(&value, 0, sizeof value);
  value.size = sizeof value;
  return value;
}

static uint32_t threads(const glk_host*) { return 2; }
static const void* no_service(const glk_host*, const char*) { return nullptr; }
static void no_log(const glk_host*, int32_t, const glk_str*, const glk_str*) {}
static int32_t go_on(const glk_host*, const glk_str*, uint64_t, uint64_t) { return 0; }

static glk_host make_host() {
  auto host = sized<glk_host>();
  host.abi_minor = GLK_ABI_MINOR;
  host.name = {"dlopen", 6};
  host.version = {"1", 1};
  host.log = no_log;
  host.progress = go_on;
  host.threads = threads;
  host.get = no_service;
  return host;
}

static glk_view view_of(const field& like, std::int32_t kind, double* const planes[], int nplanes, std::size_t reals) {
  auto view = sized<glk_view>();
  bool spinor = kind == GLK_WILSON;
  view.kind = kind;
  view.scalar = GLK_F64;
  view.site_order = GLK_SITE_EO;
  view.device_type = GLK_DEV_CPU;
  view.nplanes = static_cast<uint32_t>(nplanes);
  view.gamma_basis = GLK_GAMMA_DEGRAND_ROSSI;
  view.algebra_conv = GLK_ALG_F;
  view.dim5 = 1;
  view.nrhs = 1;
  view.ncolor = 3;
  view.nspin = spinor ? 4 : 0;
  view.nrow = spinor ? 1 : 3;
  for (int i = 0; i < nplanes; ++i) view.plane[i] = planes[i];
  view.stride_site = static_cast<std::int64_t>(8 * reals);
  view.stride_row = 48;
  view.stride_col = 16;
  view.plane_bytes = static_cast<uint64_t>(like.sites) * 8 * reals;
  return view;
}
static glk_view view_of(field& u, std::int32_t kind) {
  double* planes[4] = {u.plane[0].data(), u.plane[1].data(), u.plane[2].data(), u.plane[3].data()};
  return view_of(u, kind, planes, 4, 18);
}
static glk_view view_of(const field& like, std::vector<double>& spinor) {
  double* planes[1] = {spinor.data()};
  return view_of(like, GLK_WILSON, planes, 1, 24);
}

struct answer : glk_error {
  answer() : glk_error(sized<glk_error>()) {}
};
static void check(glk_status status, const answer& error) {
  if (status != GLK_OK) fail(std::string(error.where) + ": " + error.message);
}

// A plugin's object of one interface. Plugins are never closed.
template <class Table>
class object {
 public:
  object(const char* path, const char* interface_id, const char* config, const field& u, const glk_host& host) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) fail(dlerror());
    auto entry = reinterpret_cast<glk_plugin_entry_fn>(dlsym(library, GLK_ENTRY_SYMBOL));
    plugin_ = entry ? entry(GLK_ABI_MINOR) : nullptr;
    if (!plugin_ || plugin_->abi_major != GLK_ABI_MAJOR) fail(std::string(path) + " is no plugin of this ABI");
    table_ = static_cast<const Table*>(plugin_->get(interface_id));
    const glk_component* component = nullptr;
    for (uint32_t i = 0; i < plugin_->ncomponents && !component; ++i) {
      const glk_str& id = plugin_->components[i]->interface_id;
      if (std::string(id.ptr, id.len) == interface_id) component = plugin_->components[i];
    }
    if (!table_ || !component) fail(std::string(path) + " offers no " + interface_id);
    auto lattice = sized<glk_lattice>();
    lattice.ndim = 4;
    lattice.nranks = 1;
    for (int d = 0; d < 4; ++d) {
      lattice.global[d] = lattice.local[d] = u.extent[d];
      lattice.procs[d] = 1;
    }
    auto create = sized<glk_create>();
    create.host = &host;
    create.lattice = &lattice;
    create.config_format = GLK_CONFIG_TOML;
    create.config = {config, std::strlen(config)};
    answer error;
    if (plugin_->init) check(plugin_->init(&host, &error), error);  // what a plugin does not need it leaves NULL
    check(plugin_->create(&component->id, &create, &object_, &error), error);
  }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() {
    plugin_->destroy(object_);
    if (plugin_->fini) plugin_->fini();
  }
  // Calls a function of the table with the object, the default execution and an error struct.
  template <class Function, class... Arguments>
  void call(Function function, Arguments... arguments) {
    answer error;
    if (!(table_->*function)) fail("a function is not offered");
    check((table_->*function)(object_, nullptr, arguments..., &error), error);
  }
  template <class Function, class... Arguments>
  glk_status status(Function function, Arguments... arguments) {
    answer error;
    return table_->*function ? (table_->*function)(object_, nullptr, arguments..., &error) : GLK_UNSUPPORTED;
  }
  // How a view would be served.
  double query(glk_view view) {
    auto query = sized<glk_query>();
    answer error;
    check(plugin_->query(object_, &view, &query, &error), error);
    return query.result;
  }
  // What setting state aside and taking it back answers.
  glk_status save_and_load() {
    glk_sink sink = {nullptr, [](void*, const void*, uint64_t n) { return static_cast<std::int64_t>(n); }};
    glk_source source = {nullptr, [](void*, void*, uint64_t) { return std::int64_t{0}; }};
    answer error;
    glk_status saved = plugin_->save ? plugin_->save(object_, &sink, &error) : GLK_UNSUPPORTED;
    glk_status loaded = plugin_->load ? plugin_->load(object_, &source, &error) : GLK_UNSUPPORTED;
    return saved == loaded ? saved : GLK_INTERNAL;
  }
  static bool offered(const char* path, const char* interface_id) {
    auto entry = reinterpret_cast<glk_plugin_entry_fn>(dlsym(dlopen(path, RTLD_NOW | RTLD_NODELETE), GLK_ENTRY_SYMBOL));
    const glk_plugin* plugin = entry(GLK_ABI_MINOR);
    for (uint32_t i = 0; i < plugin->ncomponents; ++i) {
      const glk_str& id = plugin->components[i]->interface_id;
      if (std::string(id.ptr, id.len) == interface_id) return true;
    }
    return false;
  }
  const Table& table() const { return *table_; }
  glk_object* raw() const { return object_; }
  std::uint64_t bytes_copied() {
    auto stats = sized<glk_stats>();
    if (!plugin_->stats) return 0;
    answer error;
    check(plugin_->stats(object_, &stats, &error), error);
    return stats.bytes_copied;
  }

 private:
  const glk_plugin* plugin_ = nullptr;
  const Table* table_ = nullptr;
  glk_object* object_ = nullptr;
};

static void show_site(const char* name, field& f) {
  for (int mu = 0; mu < 4; ++mu) {
    const double* site = f.site(mu, 1 + f.extent[0] * (2 + f.extent[1] * (3 + f.extent[2] * 1)));
    for (int c = 0; c < 18; ++c) std::printf("%s_%d %.17g\n", name, 18 * mu + c, site[c]);
  }
}

static void forces(object<glk_force>& force, field& v) {
  field f = v;
  glk_view v_view = view_of(v, GLK_GAUGE), f_view = view_of(f, GLK_ALGEBRA);
  double action = 0;
  force.call(&glk_force::action, &v_view, nullptr, nullptr, uint64_t{0}, &action);
  force.call(&glk_force::force, &v_view, nullptr, nullptr, uint64_t{0}, 1.0, &f_view);
  show("force_action", action);
  show("force_matrix_norm2", norm2(f));
  show("force_bytes_copied", static_cast<double>(force.bytes_copied()));
  auto rng = sized<glk_rng>();
  rng.algorithm = GLK_RNG_CHACHA20;
  show("force_refresh", force.status(&glk_force::refresh, &v_view, &rng));
  show("force_save_and_load", force.save_and_load());
  show("force_query", force.query(v_view));
  show_site("force", f);
  glk_view lying = v_view;
  lying.plane_bytes -= 8;
  show("lying_size", force.status(&glk_force::action, &lying, nullptr, nullptr, uint64_t{0}, &action));
  show("no_view", force.status(&glk_force::action, nullptr, nullptr, nullptr, uint64_t{0}, &action));
}

// Gives U = f(V).
static field flows(object<glk_flow>& flow, object<glk_force>& force, field& v) {
  field u = v, w = v, f_u = v, f_v = v, jacobian = v, zero;
  std::memcpy(zero.extent, v.extent, sizeof zero.extent);
  zero.resize();
  glk_view v_view = view_of(v, GLK_GAUGE), u_view = view_of(u, GLK_GAUGE), w_view = view_of(w, GLK_GAUGE);
  double there = 0, back = 0, density = 0, action = 0, log_q = 0;
  flow.call(&glk_flow::forward, &v_view, &u_view, &there);
  flow.call(&glk_flow::inverse, &u_view, &w_view, &back);
  show("flow_bytes_copied", static_cast<double>(flow.bytes_copied()));
  show("flow_log_density_status", flow.status(&glk_flow::log_density, &u_view, &density));
  show("flow_log_density", density);
  show("flow_logdet", there);
  show("flow_inverse_logdet", back);
  show("flow_inverse_difference", difference(v, w));
  show_site("flow_link", u);
  // The force of the action of U with respect to V, with and without that of the log det alone.
  glk_view f_u_view = view_of(f_u, GLK_ALGEBRA), f_v_view = view_of(f_v, GLK_ALGEBRA);
  glk_view zero_view = view_of(zero, GLK_ALGEBRA), jacobian_view = view_of(jacobian, GLK_ALGEBRA);
  force.call(&glk_force::action, &u_view, nullptr, nullptr, uint64_t{0}, &action);
  force.call(&glk_force::force, &u_view, nullptr, nullptr, uint64_t{0}, 1.0, &f_u_view);
  flow.call(&glk_flow::pullback, &v_view, &f_u_view, &f_v_view);
  flow.call(&glk_flow::pullback, &v_view, &zero_view, &jacobian_view);
  show_site("flow_force", f_v);
  show("flow_action", action);
  show("flow_jacobian_matrix_norm2", norm2(jacobian));
  for (int mu = 0; mu < 4; ++mu)
    for (std::size_t i = 0; i < f_v.plane[mu].size(); ++i) f_v.plane[mu][i] -= jacobian.plane[mu][i];
  show("flow_action_force_matrix_norm2", norm2(f_v));
  auto rng = sized<glk_rng>();
  rng.algorithm = GLK_RNG_CHACHA20;
  show("flow_sample_status", flow.status(&glk_flow::sample, &rng, &w_view, &log_q));
  show("flow_log_q", log_q);
  flow.status(&glk_flow::log_density, &w_view, &density);
  show("flow_log_q_of_draw", density);
  return u;
}

// M psi of Grid's test spinor, colour in spin in site: psi = cos(0.1 k) + i sin(0.37 k), k = c + 3 (s + 4 lex).
static void preconditioners(object<glk_precond>& precond, field& u) {
  std::vector<double> r(static_cast<std::size_t>(u.sites) * 24), z(r.size());
  for (std::int64_t lex = 0; lex < u.sites; ++lex)
    for (int c = 0; c < 12; ++c) {
      double* number = r.data() + 24 * u.place(lex) + 2 * c;
      number[0] = std::cos(0.1 * static_cast<double>(c + 12 * lex));
      number[1] = std::sin(0.37 * static_cast<double>(c + 12 * lex));
    }
  glk_view u_view = view_of(u, GLK_GAUGE), r_view = view_of(u, r), z_view = view_of(u, z);
  show("apply_before_setup", precond.status(&glk_precond::apply, &r_view, &z_view, 0));
  auto dirac = sized<glk_dirac>();
  dirac.op = GLK_DIRAC_WILSON;
  dirac.mass = 0.1;
  precond.call(&glk_precond::setup, &u_view, &dirac, GLK_SETUP_RESET, nullptr, nullptr);
  precond.call(&glk_precond::apply, &r_view, &z_view, 0);
  show("precond_bytes_copied", static_cast<double>(precond.bytes_copied()));
  double real = 0, imaginary = 0, norm = 0;
  for (std::size_t i = 0; i < r.size(); i += 2) {
    real += r[i] * z[i] + r[i + 1] * z[i + 1];
    imaginary += r[i] * z[i + 1] - r[i + 1] * z[i];
    norm += z[i] * z[i] + z[i + 1] * z[i + 1];
  }
  show("precond_psi_Mpsi_re", real);
  show("precond_psi_Mpsi_im", imaginary);
  show("precond_norm2", norm);
  show("precond_query", precond.query(r_view));
  double flops = 0, bytes = 0, share = 0;
  answer error;
  check(precond.table().cost(precond.raw(), &flops, &bytes, &share, &error), error);
  show("precond_flops", flops);
  show("precond_dirac_equivalents", share);
  std::string report;
  glk_sink sink = {&report, [](void* to, const void* from, uint64_t n) {
                     static_cast<std::string*>(to)->append(static_cast<const char*>(from), n);
                     return static_cast<std::int64_t>(n);
                   }};
  show("precond_self_test", precond.status(&glk_precond::self_test, &sink));
  show("precond_report", static_cast<double>(report.size()));
}

// U' of one call, of the same again, and of the next.
static void proposals(const char* path, field& v, const glk_host& host) {
  bool offered = object<glk_proposal>::offered(path, GLK_PROPOSAL_ID);
  show("proposal_offered", offered);
  if (!offered) return;
  object<glk_proposal> proposal(path, GLK_PROPOSAL_ID, "step = 0.1", v, host);
  field moved[3] = {v, v, v};
  double weight[3] = {1, 1, 1};
  glk_view v_view = view_of(v, GLK_GAUGE);
  for (int i = 0; i < 3; ++i) {
    auto rng = sized<glk_rng>();
    rng.algorithm = GLK_RNG_CHACHA20;
    rng.call = i == 2;
    glk_view to = view_of(moved[i], GLK_GAUGE);
    proposal.call(&glk_proposal::propose, &rng, &v_view, nullptr, uint64_t{0}, &to, nullptr, &weight[i]);
  }
  show("proposal_log_weight", weight[0]);
  show("proposal_bytes_copied", static_cast<double>(proposal.bytes_copied()));
  show("proposal_again", difference(moved[0], moved[1]));
  show("proposal_next", difference(moved[0], moved[2]));
  show("proposal_move", difference(moved[0], v));
  // Unitary matrices: each has the norm 3.
  show("proposal_norm2", norm2(moved[0]) / static_cast<double>(12 * v.sites));
}

static int run(char** argument) {
  field v = read_ildg(argument[1]);
  glk_host host = make_host();
  object<glk_force> force(argument[5], GLK_FORCE_ID, argument[6], v, host);
  object<glk_flow> flow(argument[3], GLK_FLOW_ID, argument[4], v, host);
  object<glk_precond> precond(argument[7], GLK_PRECOND_ID, argument[8], v, host);
  forces(force, v);
  field u = flows(flow, force, v);
  preconditioners(precond, v);
  proposals(argument[3], v, host);
  write_ildg(argument[2], u);
  return 0;
}

int main(int count, char** argument) {
  if (count != 9) {
    std::fprintf(stderr, "dlopen FILE OUT FLOW CONFIG FORCE CONFIG PRECOND CONFIG\n");
    return 2;
  }
  try {
    return run(argument);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
