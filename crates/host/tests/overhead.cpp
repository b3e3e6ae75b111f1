// What the C ABI itself costs a host in C++: prints the nanoseconds of a call of each function of a plugin whose functions
// do nothing.
//   overhead PLUGIN
#include <dlfcn.h>
#include <gaugelink/plugin.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

template <class T>
static T sized() {
  T value{};
  value.size = sizeof value;
  return value;
}

static uint32_t threads(const glk_host*) { return 1; }
static const void* no_service(const glk_host*, const char*) { return nullptr; }
static void no_log(const glk_host*, int32_t, const glk_str*, const glk_str*) {}
static int32_t go_on(const glk_host*, const glk_str*, uint64_t, uint64_t) { return 0; }

static int fail(const char* what) {
  std::printf("%s\n", what);
  return 1;
}

// The field of one number, a link of U(1) or a spinor, on the lattice of one site.
static glk_view number_at(double* z, int32_t kind) {
  auto view = sized<glk_view>();
  view.kind = kind;
  view.scalar = GLK_F64;
  view.site_order = GLK_SITE_LEX;
  view.nplanes = view.ncolor = view.nrow = view.nrhs = 1;
  view.nspin = kind == GLK_WILSON ? 1 : 0;
  view.plane[0] = z;
  view.plane_bytes = view.stride_site = view.stride_mu = view.stride_row = view.stride_col = 2 * sizeof(double);
  view.stride_reim = sizeof(double);
  return view;
}

// Nanoseconds of a call in the fastest of many batches, as other programs on the machine only ever add; negative where one
// failed.
template <class Call>
static double fastest(Call call) {
  constexpr int calls = 20000;
  double least = std::numeric_limits<double>::infinity();
  for (int batch = 0; batch < 100; ++batch) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) {
      glk_error answer;  // of which a plugin reads the size alone
      answer.size = sizeof answer;
      if (call(&answer)) return -1;
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    if (time.count() / calls < least) least = time.count() / calls;
  }
  return least;
}

int main(int argc, char** argv) {
  if (argc < 2) return fail("usage: overhead PLUGIN");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) return fail(dlerror());
  auto entry = reinterpret_cast<glk_plugin_entry_fn>(dlsym(library, GLK_ENTRY_SYMBOL));
  const glk_plugin* plugin = entry ? entry(GLK_ABI_MINOR) : nullptr;
  if (!plugin || !plugin->stats) return fail("no plugin, or none with stats");

  auto host = sized<glk_host>();
  host.abi_minor = GLK_ABI_MINOR;
  host.name = {"overhead", 8};
  host.version = {"1", 1};
  host.log = no_log;
  host.progress = go_on;
  host.threads = threads;
  host.get = no_service;
  auto lattice = sized<glk_lattice>();
  lattice.ndim = 1;
  lattice.nranks = 1;
  lattice.global[0] = lattice.local[0] = lattice.procs[0] = 1;
  auto create = sized<glk_create>();
  create.host = &host;
  create.lattice = &lattice;
  create.config_format = GLK_CONFIG_TOML;
  auto error = sized<glk_error>();
  if (plugin->init && plugin->init(&host, &error)) return fail(error.message);
  const auto object = [&](const std::string& kind) {
    const std::string id = "org.gaugelink.idle." + kind;
    const glk_str component = {id.data(), id.size()};
    glk_object* made = nullptr;
    if (plugin->create(&component, &create, &made, &error)) std::exit(fail(error.message));
    return made;
  };
  const auto* flow = static_cast<const glk_flow*>(plugin->get(GLK_FLOW_ID));
  const auto* force = static_cast<const glk_force*>(plugin->get(GLK_FORCE_ID));
  const auto* proposal = static_cast<const glk_proposal*>(plugin->get(GLK_PROPOSAL_ID));
  const auto* precond = static_cast<const glk_precond*>(plugin->get(GLK_PRECOND_ID));
  if (!flow || !force || !proposal || !precond) return fail("an interface is missing");
  glk_object *const of_flow = object("flow"), *const of_force = object("force"), *const of_proposal = object("proposal"),
                    *const of_precond = object("precond");

  double from[2] = {1, 0}, to[2] = {1, 0}, number = 0;
  const glk_view v = number_at(from, GLK_GAUGE), r = number_at(from, GLK_WILSON);
  glk_view u = number_at(to, GLK_GAUGE), f = number_at(to, GLK_ALGEBRA), z = number_at(to, GLK_WILSON);
  f.algebra_conv = GLK_ALG_F;
  auto exec = sized<glk_exec>();
  exec.max_threads = 1;
  auto rng = sized<glk_rng>();
  rng.algorithm = GLK_RNG_CHACHA20;
  auto dirac = sized<glk_dirac>();
  dirac.op = GLK_DIRAC_WILSON;
  if (precond->setup(of_precond, &exec, &v, &dirac, GLK_SETUP_RESET, nullptr, nullptr, &error))
    return fail(error.message);
  const auto show = [](const char* function, double ns) { std::printf("%s %.2f\n", function, ns); };
  show("stats", fastest([&](glk_error* answer) {
         auto numbers = sized<glk_stats>();
         return plugin->stats(of_flow, &numbers, answer);
       }));
  show("query", fastest([&](glk_error* answer) {
         auto numbers = sized<glk_query>();
         return plugin->query(of_flow, &v, &numbers, answer);
       }));
  show("forward",
       fastest([&](glk_error* answer) { return flow->forward(of_flow, &exec, &v, &u, &number, answer); }));
  show("force", fastest([&](glk_error* answer) {
         return force->force(of_force, &exec, &v, nullptr, nullptr, 0, 1, &f, answer);
       }));
  show("propose", fastest([&](glk_error* answer) {
         return proposal->propose(of_proposal, &exec, &rng, &v, nullptr, 0, &u, nullptr, &number, answer);
       }));
  show("apply", fastest([&](glk_error* answer) { return precond->apply(of_precond, &exec, &r, &z, 0, answer); }));
  for (glk_object* made : {of_flow, of_force, of_proposal, of_precond}) plugin->destroy(made);
  if (plugin->fini) plugin->fini();
  return 0;
}
