// What the C ABI itself costs a host in C++: prints the nanoseconds of a call of stats, and of one of forward on one link.
//   overhead PLUGIN FLOW
#include <dlfcn.h>
#include <gaugelink/plugin.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>

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

// A link of U(1) on the lattice of one site.
static glk_view link_at(double* z) {
  auto view = sized<glk_view>();
  view.kind = GLK_GAUGE;
  view.scalar = GLK_F64;
  view.site_order = GLK_SITE_LEX;
  view.nplanes = view.ncolor = view.nrow = view.nrhs = 1;
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
  if (argc < 3) return fail("usage: overhead PLUGIN FLOW");
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
  glk_object* object = nullptr;
  const glk_str component = {argv[2], std::strlen(argv[2])};
  if (plugin->init && plugin->init(&host, &error)) return fail(error.message);
  if (plugin->create(&component, &create, &object, &error)) return fail(error.message);

  const auto* flow = static_cast<const glk_flow*>(plugin->get(GLK_FLOW_ID));
  if (!flow) return fail("no flow");
  double from[2] = {1, 0}, to[2] = {1, 0}, logdet = 0;
  const glk_view v = link_at(from);
  glk_view u = link_at(to);
  auto exec = sized<glk_exec>();
  exec.max_threads = 1;
  const double stats = fastest([&](glk_error* answer) {
    auto numbers = sized<glk_stats>();
    return plugin->stats(object, &numbers, answer);
  });
  const double forward =
      fastest([&](glk_error* answer) { return flow->forward(object, &exec, &v, &u, &logdet, answer); });
  std::printf("%.2f %.2f\n", stats, forward);
  plugin->destroy(object);
  if (plugin->fini) plugin->fini();
  return 0;
}
