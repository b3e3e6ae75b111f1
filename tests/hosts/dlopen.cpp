// A host that knows nothing of Gaugelink but plugin.h: its own ILDG reader and writer, its own field order (QDP++'s:
// four planes, even sites first), plugins through dlopen. One "name value" a line on standard output.
//   dlopen FILE OUT  FLOW CONFIG  FORCE CONFIG  PRECOND CONFIG     (plugins by absolute path)
#include <gaugelink/plugin.h>

#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

static void show(const char* name, double value) { std::printf("%s %.17g\n", name, value); }
[[noreturn]] static void fail(const std::string& message) { throw std::runtime_error(message); }

// ---- ILDG: LIME records of 144 bytes of header and padded data, numbers big-endian ---------------------------------------
static std::uint64_t big(const unsigned char* p, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[i];
  return value;
}
static void put_big(unsigned char* p, std::uint64_t value, int bytes) {
  for (int i = bytes; i-- > 0; value >>= 8) p[i] = static_cast<unsigned char>(value);
}
static int element(const std::string& xml, const std::string& name) {
  auto at = xml.find("<" + name + ">");
  if (at == std::string::npos) fail("no <" + name + "> in ildg-format");
  return std::atoi(xml.c_str() + at + name.size() + 2);
}

struct field {                       // links of one configuration in double precision
  std::int64_t extent[4] = {};
  std::int64_t sites = 0;
  std::vector<double> plane[4];      // [mu][even sites, odd sites][3][3][re, im]

  void resize() {
    sites = extent[0] * extent[1] * extent[2] * extent[3];
    for (auto& p : plane) p.assign(static_cast<std::size_t>(sites) * 18, 0.0);
  }
  std::int64_t place(std::int64_t lex) const {
    std::int64_t rest = lex, parity = 0;
    for (std::int64_t l : extent) {
      parity += rest % l;
      rest /= l;
    }
    return parity % 2 * (sites / 2) + lex / 2;
  }
  double* site(int mu, std::int64_t lex) { return plane[mu].data() + 18 * place(lex); }
};

static field read_ildg(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string("cannot open ") + path);
  std::string format;
  field u;
  unsigned char header[144];
  while (file.read(reinterpret_cast<char*>(header), sizeof header)) {
    if (big(header, 4) != 0x456789ab) fail("no LIME record");
    std::uint64_t length = big(header + 8, 8);
    std::string type(reinterpret_cast<char*>(header) + 16), data(length, 0);
    if (type == "ildg-format" || type == "ildg-binary-data") {
      file.read(&data[0], static_cast<std::streamsize>(length));
      file.seekg(static_cast<std::streamoff>((8 - length % 8) % 8), std::ios::cur);
    } else {
      file.seekg(static_cast<std::streamoff>((length + 7) / 8 * 8), std::ios::cur);
    }
    if (type == "ildg-format") format = data;
    if (type != "ildg-binary-data") continue;
    const char* names[4] = {"lx", "ly", "lz", "lt"};
    for (int d = 0; d < 4; ++d) u.extent[d] = element(format, names[d]);
    u.resize();
    if (element(format, "precision") != 64 || length != 576 * static_cast<std::uint64_t>(u.sites)) fail("not SU(3), f64");
    auto p = reinterpret_cast<const unsigned char*>(data.data());
    for (std::int64_t lex = 0; lex < u.sites; ++lex)
      for (int mu = 0; mu < 4; ++mu)
        for (int c = 0; c < 18; ++c, p += 8) {
          std::uint64_t bits = big(p, 8);
          std::memcpy(u.site(mu, lex) + c, &bits, 8);
        }
    return u;
  }
  fail("no gauge field in the file");
}

static std::uint32_t crc32(const unsigned char* p, std::size_t n) {
  std::uint32_t crc = ~0u;
  for (; n-- > 0; ++p) {
    crc ^= *p;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

static void write_record(std::ofstream& file, const char* type, const std::string& data, bool first, bool last) {
  unsigned char header[144] = {};
  put_big(header, 0x456789ab, 4);
  put_big(header + 4, 1, 2);
  header[6] = static_cast<unsigned char>(first << 7 | last << 6);
  put_big(header + 8, data.size(), 8);
  std::strncpy(reinterpret_cast<char*>(header) + 16, type, 127);
  file.write(reinterpret_cast<char*>(header), sizeof header);
  file << data << std::string((8 - data.size() % 8) % 8, '\0');
}

static void write_ildg(const char* path, field& u) {
  char text[512];
  std::string payload(static_cast<std::size_t>(u.sites) * 576, 0);
  auto p = reinterpret_cast<unsigned char*>(&payload[0]);
  std::uint32_t suma = 0, sumb = 0;
  for (std::int64_t lex = 0; lex < u.sites; ++lex) {
    for (int mu = 0; mu < 4; ++mu)
      for (int c = 0; c < 18; ++c) {
        std::uint64_t bits;
        std::memcpy(&bits, u.site(mu, lex) + c, 8);
        put_big(p + (mu * 18 + c) * 8, bits, 8);
      }
    std::uint32_t crc = crc32(p, 576), a = lex % 29, b = lex % 31;
    suma ^= crc << a | (a ? crc >> (32 - a) : 0);
    sumb ^= crc << b | (b ? crc >> (32 - b) : 0);
    p += 576;
  }
  std::ofstream file(path, std::ios::binary);
  std::snprintf(text, sizeof text,
                "<?xml version=\"1.0\"?><ildgFormat><version>1.0</version><field>su3gauge</field><precision>64</precision>"
                "<lx>%d</lx><ly>%d</ly><lz>%d</lz><lt>%d</lt></ildgFormat>",
                static_cast<int>(u.extent[0]), static_cast<int>(u.extent[1]), static_cast<int>(u.extent[2]),
                static_cast<int>(u.extent[3]));
  write_record(file, "ildg-format", text, true, false);
  write_record(file, "ildg-data-lfn", "lfn://tests/hosts/dlopen", false, false);
  write_record(file, "ildg-binary-data", payload, false, false);
  std::snprintf(text, sizeof text,
                "<?xml version=\"1.0\"?><scidacChecksum><version>1.0</version><suma>%08x</suma><sumb>%08x</sumb>"
                "</scidacChecksum>",
                suma, sumb);
  write_record(file, "scidac-checksum", text, false, true);
  if (!file.flush()) fail("cannot write");
}

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

static double norm2(const field& f) {
  double sum = 0;
  for (const auto& plane : f.plane)
    for (double x : plane) sum += x * x;
  return sum;
}
static double difference(const field& a, const field& b) {
  double worst = 0;
  for (int mu = 0; mu < 4; ++mu)
    for (std::size_t i = 0; i < a.plane[mu].size(); ++i)
      worst = std::fmax(worst, std::fabs(a.plane[mu][i] - b.plane[mu][i]));
  return worst;
}

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
