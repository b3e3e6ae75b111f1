// What the C ABI itself costs a host in C++: prints the nanoseconds of a call of stats.
//   overhead PLUGIN COMPONENT
#include <dlfcn.h>
#include <gaugelink/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

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

int main(int argc, char** argv) {
  if (argc < 3) return fail("usage: overhead PLUGIN COMPONENT");
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
  lattice.ndim = 2;
  lattice.nranks = 1;
  for (int d = 0; d < 2; ++d) {
    lattice.global[d] = lattice.local[d] = 4;
    lattice.procs[d] = 1;
  }
  auto create = sized<glk_create>();
  create.host = &host;
  create.lattice = &lattice;
  create.config_format = GLK_CONFIG_TOML;
  auto error = sized<glk_error>();
  glk_object* object = nullptr;
  const glk_str component = {argv[2], std::strlen(argv[2])};
  if (plugin->init && plugin->init(&host, &error)) return fail(error.message);
  if (plugin->create(&component, &create, &object, &error)) return fail(error.message);

  constexpr int calls = 20000;
  double fastest = 1e300;  // other programs on the machine only ever add
  for (int batch = 0; batch < 100; ++batch) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) {
      glk_error answer;  // of which a plugin reads the size alone
      answer.size = sizeof answer;
      auto stats = sized<glk_stats>();
      if (plugin->stats(object, &stats, &answer)) return fail("stats failed");
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    fastest = std::min(fastest, time.count() / calls);
  }
  std::printf("%.2f\n", fastest);
  plugin->destroy(object);
  if (plugin->fini) plugin->fini();
  return 0;
}
