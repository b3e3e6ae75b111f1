// gaugelink/gaugelink.hpp -- the library libgaugelink in C++17, header-only over gaugelink.h, which documents it.
//
// Handles are movable and free themselves; failures throw gaugelink::error. A class converts to its C handle (get()), so
// that the functions of gaugelink.h that have no wrapper here can be called.
#ifndef GAUGELINK_HPP
#define GAUGELINK_HPP
#include "gaugelink.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace gaugelink {

// What went wrong: what() says what, where and what to do.
class error : public std::runtime_error {
 public:
  error(glk_status code, const std::string& where, const std::string& message)
      : std::runtime_error(where + ": " + message), code_(code), where_(where) {}
  glk_status code() const noexcept { return code_; }
  const std::string& where() const noexcept { return where_; }

 private:
  glk_status code_;
  std::string where_;
};

// Callbacks of a context: kept as long as anything lives that may call them. What they throw goes no further: a log line
// is lost, and the call that asked for progress is cancelled.
struct callbacks {
  std::function<void(int level, const std::string& target, const std::string& message)> log;
  std::function<bool(const std::string& phase, std::uint64_t done, std::uint64_t total)> progress;  // true: cancel
};

namespace detail {
[[noreturn]] inline void raise(glk_status code, gaugelink_error* failure) {
  error thrown(code, gaugelink_error_where(failure), gaugelink_error_message(failure));
  gaugelink_error_free(failure);
  throw thrown;
}
// What gives one number takes one field.
inline const glk_view* single(const glk_view& view, const char* where) {
  if (view.nrhs > 1) {
    throw error(GLK_INVALID_ARG, where,
                "the view has " + std::to_string(view.nrhs) + " fields; call gaugelink.h with as many numbers");
  }
  return &view;
}
template <class Function, class... Arguments>
void call(Function function, Arguments... arguments) {
  gaugelink_error* failure = nullptr;
  if (glk_status code = function(arguments..., &failure)) raise(code, failure);
}
template <class T>
T sized() {
  T value;
  std::memset(&value, 0, sizeof value);
  value.size = sizeof value;
  return value;
}
// A handle that frees itself, and keeps the callbacks of its context until then.
template <class T, void (*Free)(T*)>
class handle {
 public:
  T* get() const noexcept { return pointer_.get(); }
  const std::shared_ptr<callbacks>& calls() const noexcept { return pointer_.get_deleter().calls; }

 protected:
  handle() = default;
  T** out() noexcept { return &raw_; }
  void keep(std::shared_ptr<callbacks> calls) noexcept {
    pointer_ = {std::exchange(raw_, nullptr), deleter{std::move(calls)}};
  }

 private:
  struct deleter {
    std::shared_ptr<callbacks> calls;  // here, so that they live while Free runs
    void operator()(T* p) const noexcept { Free(p); }
  };
  std::unique_ptr<T, deleter> pointer_;
  T* raw_ = nullptr;
};
}  // namespace detail

inline std::string version() { return gaugelink_version(); }

class context : public detail::handle<gaugelink_context, gaugelink_context_free> {
 public:
  // threads 0: all cores of the process.
  explicit context(unsigned threads = 0, callbacks given = {}) {
    auto kept = std::make_shared<callbacks>(std::move(given));
    auto options = detail::sized<gaugelink_context_options>();
    options.threads = threads;
    options.user = kept.get();
    if (kept->log) options.log = log_line;
    if (kept->progress) options.progress = progress_made;
    detail::call(gaugelink_context_new, &options, out());
    keep(std::move(kept));
  }

 private:
  static void log_line(void* user, int32_t level, const char* target, const char* message) noexcept {
    try {
      static_cast<callbacks*>(user)->log(level, target, message);
    } catch (...) {
    }
  }
  static int32_t progress_made(void* user, const char* phase, uint64_t done, uint64_t total) noexcept {
    try {
      return static_cast<callbacks*>(user)->progress(phase, done, total);
    } catch (...) {
      return 1;
    }
  }
};

class lattice : public detail::handle<gaugelink_lattice, gaugelink_lattice_free> {
 public:
  lattice(const context& with, const std::vector<std::int64_t>& extents) {
    detail::call(gaugelink_lattice_new, with.get(), static_cast<uint32_t>(extents.size()), extents.data(), out());
    keep(with.calls());
  }
  unsigned ndim() const { return gaugelink_lattice_ndim(get()); }
  std::int64_t extent(unsigned mu) const { return gaugelink_lattice_extent(get(), mu); }
  std::int64_t volume() const { return gaugelink_lattice_volume(get()); }
};

// ---- Views of a host's memory. They own nothing. ----------------------------------------------------------------------
// Sites with x fastest, then [mu][row][column][re, im] or [spin][colour][re, im].
template <class Real>
glk_view dense_view(const lattice& on, std::int32_t kind, unsigned ncolor, Real* data) {
  static_assert(sizeof(Real) == 4 || sizeof(Real) == 8, "float or double");
  auto view = detail::sized<glk_view>();
  detail::call(gaugelink_view_dense, on.get(), kind, static_cast<uint32_t>(ncolor),
               static_cast<int32_t>(sizeof(Real) == 8 ? GLK_F64 : GLK_F32),
               const_cast<void*>(static_cast<const void*>(data)), &view);
  return view;
}
// Grid: complex numbers [outer site][mu or spin][...][lane]; simd as in grid->_simd_layout.
template <class Real>
glk_view grid_view(const lattice& on, std::int32_t kind, unsigned ncolor, Real* data, const std::vector<int>& simd) {
  if (simd.size() != on.ndim()) {
    throw error(GLK_INVALID_ARG, "grid_view",
                "simd has " + std::to_string(simd.size()) + " entries; give " + std::to_string(on.ndim()));
  }
  glk_view view = dense_view(on, kind, ncolor, data);
  std::int64_t lanes = 1;
  for (std::size_t mu = 0; mu < simd.size(); ++mu) {
    view.simd[mu] = simd[mu];
    lanes *= simd[mu];
  }
  view.site_order = GLK_SITE_BLOCK;
  for (std::int64_t* stride : {&view.stride_site, &view.stride_mu, &view.stride_row, &view.stride_col}) *stride *= lanes;
  view.stride_lane = 2 * static_cast<std::int64_t>(sizeof(Real));
  return view;
}
// QDP++: multi1d<LatticeColorMatrix>, planes[mu] = &u[mu].elem(0), even sites before odd ones (layout cb2).
template <class Real>
glk_view qdp_view(const lattice& on, std::int32_t kind, unsigned ncolor, const std::vector<Real*>& planes) {
  const unsigned most = kind == GLK_WILSON ? 1 : on.ndim();
  if (planes.size() != 1 && planes.size() != most) {
    throw error(GLK_INVALID_ARG, "qdp_view",
                "there are " + std::to_string(planes.size()) + " planes; give 1 or " + std::to_string(most));
  }
  glk_view view = dense_view(on, kind, ncolor, planes[0]);
  view.site_order = GLK_SITE_EO;
  view.nplanes = static_cast<uint32_t>(planes.size());
  for (std::size_t mu = 0; mu < planes.size(); ++mu) {
    view.plane[mu] = const_cast<void*>(static_cast<const void*>(planes[mu]));
  }
  if (planes.size() > 1) {
    view.stride_site = view.stride_mu;
    view.plane_bytes /= planes.size();
    view.stride_mu = 0;
  }
  return view;
}
// The column of a source spin and colour in a host's propagator, a matrix of colour matrices a site, [sink spin][source spin]
// [sink colour][source colour] as QDP++ and Grid have it: of is the view of GLK_WILSON made for the same memory.
inline glk_view propagator_column(glk_view of, unsigned spin, unsigned colour) {
  const std::int64_t n = of.ncolor, unit = of.stride_col;
  if (of.kind != GLK_WILSON || of.nspin != 4 || of.nplanes != 1 || spin >= 4 || colour >= n) {
    throw error(GLK_INVALID_ARG, "propagator_column",
                "spin " + std::to_string(spin) + ", colour " + std::to_string(colour) + " of a propagator of " +
                    std::to_string(n) + " colours; give a view of GLK_WILSON on one plane, spins 0 to 3 and its colours");
  }
  const std::int64_t first = (n * n * spin + colour) * unit;
  of.plane[0] = static_cast<char*>(of.plane[0]) + first;
  of.plane_bytes = static_cast<std::uint64_t>(4 * n) * of.plane_bytes - static_cast<std::uint64_t>(first);
  of.stride_col = n * unit;
  of.stride_row = 4 * n * n * unit;
  of.stride_site = 16 * n * n * unit;
  return of;
}

// ---- Fields ------------------------------------------------------------------------------------------------------------
class gauge_field : public detail::handle<gaugelink_gauge, gaugelink_gauge_free> {
 public:
  explicit gauge_field(const lattice& on, unsigned ncolor = 3) {
    detail::call(gaugelink_gauge_new, on.get(), static_cast<uint32_t>(ncolor), out());
    keep(on.calls());
  }
  unsigned ncolor() const { return gaugelink_gauge_ncolor(get()); }
  void copy_from(const gauge_field& other) { detail::call(gaugelink_gauge_copy, get(), other.get()); }
  void randomise(double width, std::uint64_t seed) { detail::call(gaugelink_gauge_random, get(), width, seed); }
  void read(const glk_view& from) { detail::call(gaugelink_gauge_read_view, get(), &from); }
  void write(glk_view& to) const { detail::call(gaugelink_gauge_write_view, get(), &to); }
  // The links where they stand, to be read while the field lives and is not changed.
  glk_view view() const {
    auto view = detail::sized<glk_view>();
    detail::call(gaugelink_gauge_view, get(), &view);
    return view;
  }
  // work(glk_view&) may write the links in place.
  template <class Work>
  void edit(Work work) {
    auto view = detail::sized<glk_view>();
    detail::call(gaugelink_gauge_view_mut, get(), &view);
    work(view);
    detail::call(gaugelink_gauge_changed, get());
  }
  double plaquette() const {
    double average = 0;
    detail::call(gaugelink_gauge_plaquette, get(), &average, nullptr, nullptr);
    return average;
  }
  double link_trace() const { return number(gaugelink_gauge_link_trace); }
  double unitarity() const { return number(gaugelink_gauge_unitarity); }
  void reunitarise() { detail::call(gaugelink_gauge_reunitarise, get()); }
  double wilson_action(double beta) const {
    double action = 0;
    detail::call(gaugelink_wilson_action, get(), beta, &action);
    return action;
  }

 private:
  template <class Function>
  double number(Function function) const {
    double value = 0;
    detail::call(function, get(), &value);
    return value;
  }
};

class algebra_field : public detail::handle<gaugelink_algebra, gaugelink_algebra_free> {
 public:
  explicit algebra_field(const lattice& on, unsigned ncolor = 3) {
    detail::call(gaugelink_algebra_new, on.get(), static_cast<uint32_t>(ncolor), out());
    keep(on.calls());
  }
  void read(const glk_view& from) { detail::call(gaugelink_algebra_read_view, get(), &from); }
  void write(glk_view& to) const { detail::call(gaugelink_algebra_write_view, get(), &to); }
  double norm2() const {
    double value = 0;
    detail::call(gaugelink_algebra_norm2, get(), &value);
    return value;
  }
  double distance2(const algebra_field& other) const {
    double value = 0;
    detail::call(gaugelink_algebra_distance2, get(), other.get(), &value);
    return value;
  }
  void set_wilson_force(const gauge_field& u, double beta) {
    detail::call(gaugelink_wilson_force, u.get(), beta, get());
  }
};

// Phases / 2 pi at the edges in x, y, z, t: 0.5 is antiperiodic.
using phases = std::array<double, 4>;

class spinor_field : public detail::handle<gaugelink_spinor, gaugelink_spinor_free> {
 public:
  explicit spinor_field(const lattice& on, unsigned ncolor = 3) {
    detail::call(gaugelink_spinor_new, on.get(), static_cast<uint32_t>(ncolor), out());
    keep(on.calls());
  }
  unsigned ncolor() const { return gaugelink_spinor_ncolor(get()); }
  void copy_from(const spinor_field& other) { detail::call(gaugelink_spinor_copy, get(), other.get()); }
  void read(const glk_view& from) { detail::call(gaugelink_spinor_read_view, get(), &from); }
  void write(glk_view& to) const { detail::call(gaugelink_spinor_write_view, get(), &to); }
  glk_view view() const {
    auto view = detail::sized<glk_view>();
    detail::call(gaugelink_spinor_view, get(), &view);
    return view;
  }
  template <class Work>
  void edit(Work work) {
    auto view = detail::sized<glk_view>();
    detail::call(gaugelink_spinor_view_mut, get(), &view);
    work(view);
    detail::call(gaugelink_spinor_changed, get());
  }
  void set_point(const std::array<std::int64_t, 4>& site, unsigned spin, unsigned colour) {
    detail::call(gaugelink_spinor_point, get(), site.data(), static_cast<uint32_t>(spin), static_cast<uint32_t>(colour));
  }
  void set_gaussian(std::uint64_t seed) { detail::call(gaugelink_spinor_gaussian, get(), seed); }
  // Between the spinors of tmLQCD and nissa, which spread the phases of the boundary over the lattice, and the library's.
  void from_tmlqcd(const phases& bc = {}) { detail::call(gaugelink_spinor_turn_tmlqcd, get(), bc.data(), std::int32_t{0}); }
  void to_tmlqcd(const phases& bc = {}) { detail::call(gaugelink_spinor_turn_tmlqcd, get(), bc.data(), std::int32_t{1}); }
  double norm2() const {
    double value = 0;
    detail::call(gaugelink_spinor_norm2, get(), &value);
    return value;
  }
};

// Columns of a propagator, source spin by source colour: number ncolor * spin + colour.
inline std::vector<spinor_field> propagator_columns(const lattice& on, unsigned ncolor = 3) {
  std::vector<spinor_field> all;
  for (unsigned i = 0; i < 4 * ncolor; ++i) all.emplace_back(on, ncolor);
  return all;
}

class precond;

// ---- Wilson fermions ---------------------------------------------------------------------------------------------------
// csw other than 0 adds the clover term.

class wilson_dirac {
 public:
  // u lives as long as this.
  wilson_dirac(const gauge_field& u, double mass, const phases& bc = {}, double csw = 0) : u_(&u), bc_(bc) {
    op_ = detail::sized<glk_dirac>();
    op_.op = csw == 0 ? GLK_DIRAC_WILSON : GLK_DIRAC_CLOVER;
    op_.mass = mass;
    op_.csw_r = op_.csw_t = csw;
  }
  const glk_dirac& description() const { return op_; }
  const phases& boundary() const { return bc_; }
  void apply(const spinor_field& in, spinor_field& out, bool dagger = false) const {
    glk_dirac op = op_;
    op.dagger = dagger;
    detail::call(gaugelink_dirac_apply, u_->get(), &op, bc_.data(), in.get(), out.get());
  }
  // D x = b from the given x.
  gaugelink_solve_report solve(spinor_field& x, const spinor_field& b, double tolerance = 1e-10,
                               std::int32_t solver = GAUGELINK_SOLVER_BICGSTAB) const {
    return solve(x, b, tolerance, solver, nullptr);
  }
  // Likewise by flexible GMRES; with was set up for u and this.
  gaugelink_solve_report solve(spinor_field& x, const spinor_field& b, precond& with, double tolerance = 1e-10) const;

 private:
  gaugelink_solve_report solve(spinor_field& x, const spinor_field& b, double tolerance, std::int32_t solver,
                               gaugelink_precond* with) const {
    auto options = detail::sized<gaugelink_solve_options>();
    options.solver = solver;
    options.tolerance = tolerance;
    options.precond = with;
    auto report = detail::sized<gaugelink_solve_report>();
    detail::call(gaugelink_dirac_solve, u_->get(), &op_, bc_.data(), x.get(), b.get(), &options, &report);
    return report;
  }

  const gauge_field* u_;
  phases bc_;
  glk_dirac op_;
};

// ---- Files of gauge fields ---------------------------------------------------------------------------------------------
// Any format; its checksum is verified when all of it is read.
class gauge_file : public detail::handle<gaugelink_file, gaugelink_file_free> {
 public:
  // format: "ildg", "nersc", ...; empty: detected. The options (their size set) have its shape, where the file does not say
  // it, which of several fields is meant, and whether a wrong checksum is ignored.
  gauge_file(const context& with, const std::string& path, const std::string& format = "")
      : gauge_file(with, path, format, detail::sized<gaugelink_open_options>()) {}
  gauge_file(const context& with, const std::string& path, const std::string& format, gaugelink_open_options options) {
    if (!format.empty()) options.format = format.c_str();
    detail::call(gaugelink_file_open, with.get(), path.c_str(), &options, out());
    keep(with.calls());
  }
  // Its strings live as long as the file.
  gaugelink_file_info info() const {
    auto info = detail::sized<gaugelink_file_info>();
    detail::call(gaugelink_file_get_info, get(), &info);
    return info;
  }
  std::string format() const { return info().format; }
  // Extents without trailing ones: what a lattice of the file's field has.
  std::vector<std::int64_t> extents() const {
    auto about = info();
    return {about.extents, about.extents + about.ndim};
  }
  std::vector<std::string> warnings() const {
    std::vector<std::string> all;
    while (const char* text = gaugelink_file_warning(get(), static_cast<uint32_t>(all.size()))) all.emplace_back(text);
    return all;
  }
  gaugelink_file_check verify() const {
    auto check = detail::sized<gaugelink_file_check>();
    detail::call(gaugelink_file_verify, get(), &check);
    return check;
  }
  void read(gauge_field& into) const { detail::call(gaugelink_file_read, get(), into.get()); }
  // The box that begins at origin and has the extents of on, into memory of one's own; the result is for check().
  gaugelink_file_part read(glk_view& to, const lattice& on, const std::array<std::int64_t, 4>& origin = {}) const {
    auto part = detail::sized<gaugelink_file_part>();
    detail::call(gaugelink_file_read_view, get(), on.get(), origin.data(), &to, &part);
    return part;
  }
  // Throws where the boxes of all ranks together have another checksum than the file states, or are not all of it.
  void check(const std::vector<gaugelink_file_part>& parts) const {
    detail::call(gaugelink_file_check_parts, get(), parts.data(), static_cast<uint32_t>(parts.size()));
  }
};

// How a file is written.
struct file_setting {
  std::string provenance{};
  std::string format = "ildg";  // or "grid": ILDG that Grid's strict reader accepts
  unsigned precision = 64;
  unsigned rows = 0;            // 2: two rows of SU(3) links (NERSC)
  std::string lfn{};            // empty: one made from the file's name
  gaugelink_write_options options() const {
    auto options = detail::sized<gaugelink_write_options>();
    options.precision = precision;
    options.rows = rows;
    options.format = format.c_str();
    options.lfn = lfn.empty() ? nullptr : lfn.c_str();
    options.provenance = provenance.c_str();
    return options;
  }
};

inline void write_file(const gauge_field& u, const std::string& path, const file_setting& with = {}) {
  auto options = with.options();
  detail::call(gaugelink_file_write, u.get(), path.c_str(), &options);
}
// From memory of one's own.
inline void write_file(const glk_view& u, const lattice& on, const std::string& path, const file_setting& with = {}) {
  auto options = with.options();
  detail::call(gaugelink_file_write_view, on.get(), &u, path.c_str(), &options);
}

// ---- Files of spinor fields and propagators ----------------------------------------------------------------------------
namespace detail {
inline std::vector<gaugelink_spinor*> handles(const std::vector<spinor_field>& fields) {
  std::vector<gaugelink_spinor*> all;
  for (const spinor_field& field : fields) all.push_back(field.get());
  return all;
}
}  // namespace detail

// SciDAC files of any code; checksums are verified by reading. A column of a propagator is a field, whether it has a record of
// its own or is part of one of matrices.
class spinor_file : public detail::handle<gaugelink_spinor_file, gaugelink_spinor_file_free> {
 public:
  spinor_file(const context& with, const std::string& path, bool ignore_checksum = false)
      : spinor_file(with, path, ignoring(ignore_checksum)) {}
  // The options (their size set) have the extents, where the file does not say them.
  spinor_file(const context& with, const std::string& path, const gaugelink_spinor_open_options& options) {
    detail::call(gaugelink_spinor_file_open, with.get(), path.c_str(), &options, out());
    keep(with.calls());
  }
  // Strings of these live as long as the file.
  gaugelink_spinor_file_info info() const {
    auto info = detail::sized<gaugelink_spinor_file_info>();
    detail::call(gaugelink_spinor_file_get_info, get(), &info);
    return info;
  }
  gaugelink_spinor_info operator[](std::size_t index) const {
    auto info = detail::sized<gaugelink_spinor_info>();
    detail::call(gaugelink_spinor_file_describe, get(), number(index), &info);
    return info;
  }
  std::size_t size() const { return info().spinors; }
  // What a lattice of the file's fields has.
  std::vector<std::int64_t> extents() const {
    auto about = info();
    return {about.extents, about.extents + 4};
  }
  std::vector<std::string> warnings() const {
    std::vector<std::string> all;
    while (const char* text = gaugelink_spinor_file_warning(get(), number(all.size()))) all.emplace_back(text);
    return all;
  }
  // The site of a point source, where the file has a record of it.
  std::optional<std::array<std::int64_t, 4>> source() const {
    std::array<std::int64_t, 4> site{};
    std::int32_t found = 0;
    detail::call(gaugelink_spinor_file_source, get(), site.data(), &found);
    return found ? std::make_optional(site) : std::nullopt;
  }
  gaugelink_spinor_check verify(std::size_t index) const {
    auto check = detail::sized<gaugelink_spinor_check>();
    detail::call(gaugelink_spinor_file_verify, get(), number(index), &check);
    return check;
  }
  void read(std::size_t index, spinor_field& into) const {
    detail::call(gaugelink_spinor_file_read, get(), number(index), into.get());
  }
  // Into memory of one's own.
  void read(std::size_t index, glk_view& to, const lattice& on) const {
    detail::call(gaugelink_spinor_file_read_view, get(), number(index), on.get(), &to);
  }
  // All columns of a propagator, in one pass.
  void read_propagator(std::vector<spinor_field>& into) const {
    auto all = detail::handles(into);
    detail::call(gaugelink_spinor_file_read_propagator, get(), all.data(), number(all.size()));
  }
  std::vector<spinor_field> propagator(const lattice& on) const {
    auto all = propagator_columns(on, (*this)[0].ncolor);
    read_propagator(all);
    return all;
  }

 private:
  static uint32_t number(std::size_t index) {
    return index < UINT32_MAX ? static_cast<uint32_t>(index) : UINT32_MAX;
  }
  static gaugelink_spinor_open_options ignoring(bool checksum) {
    auto options = detail::sized<gaugelink_spinor_open_options>();
    options.ignore_checksum = checksum;
    return options;
  }
};

// How spinor fields are written.
struct spinor_setting {
  std::string info{};            // where they come from: action, mass, configuration; for "qdp++" the record's XML
  unsigned precision = 64;
  std::string format = "usqcd";  // or "qdp++": a propagator as one record of matrices, which Chroma reads
  gaugelink_spinor_write_options options() const {
    auto options = detail::sized<gaugelink_spinor_write_options>();
    options.precision = precision;
    options.info = info.c_str();
    options.format = format.c_str();
    return options;
  }
};

inline void write_spinor(const spinor_field& psi, const std::string& path, const spinor_setting& with = {}) {
  auto options = with.options();
  gaugelink_spinor* one = psi.get();
  detail::call(gaugelink_spinor_file_write, &one, 1u, path.c_str(), &options);
}
inline void write_spinors(const std::vector<spinor_field>& fields, const std::string& path,
                          const spinor_setting& with = {}) {
  auto options = with.options();
  auto all = detail::handles(fields);
  detail::call(gaugelink_spinor_file_write, all.data(), static_cast<uint32_t>(all.size()), path.c_str(), &options);
}
// The propagator of a point source; the format "qdp++" has no place for the source, which may be of any kind.
inline void write_propagator(const std::vector<spinor_field>& columns, const std::array<std::int64_t, 4>& source,
                             const std::string& path, const spinor_setting& with = {}) {
  auto options = with.options();
  auto all = detail::handles(columns);
  detail::call(gaugelink_propagator_write, all.data(), static_cast<uint32_t>(all.size()), source.data(), path.c_str(),
               &options);
}

// ---- Plugins -----------------------------------------------------------------------------------------------------------
class plugin : public detail::handle<gaugelink_plugin, gaugelink_plugin_free> {
 public:
  // A path, or the middle of libglk_NAME.so.
  plugin(const context& with, const std::string& name) {
    detail::call(gaugelink_plugin_open, with.get(), name.c_str(), out());
    keep(with.calls());
  }
  std::string path() const { return gaugelink_plugin_path(get()); }
  // The strings live as long as the plugin.
  std::vector<gaugelink_component> components() const {
    std::vector<gaugelink_component> all(gaugelink_plugin_components(get()), detail::sized<gaugelink_component>());
    for (std::size_t i = 0; i < all.size(); ++i) {
      detail::call(gaugelink_plugin_component, get(), static_cast<uint32_t>(i), &all[i]);
    }
    return all;
  }
};

// What objects are made of: TOML text, the component's id (empty: the first that fits), a folder for relative paths.
struct setting {
  std::string config{};
  std::string component{};
  std::string base_dir{};
  const char* component_or_null() const { return component.empty() ? nullptr : component.c_str(); }
};

class flow : public detail::handle<gaugelink_flow, gaugelink_flow_free> {
 public:
  flow(const plugin& of, const lattice& on, const setting& with = {}) {
    detail::call(gaugelink_flow_new, of.get(), on.get(), with.component_or_null(), with.config.c_str(),
                 with.base_dir.c_str(), out());
    keep(of.calls());
  }
  // Draws U; returns log q(U).
  double sample(std::uint64_t seed, std::uint64_t number, gauge_field& u) {
    return number_of(gaugelink_flow_sample, seed, number, u.get());
  }
  // U = f(V); returns log |det|.
  double forward(const gauge_field& v, gauge_field& u) { return number_of(gaugelink_flow_forward, v.get(), u.get()); }
  double inverse(const gauge_field& u, gauge_field& v) { return number_of(gaugelink_flow_inverse, u.get(), v.get()); }
  double log_density(const gauge_field& u) { return number_of(gaugelink_flow_log_density, u.get()); }
  void pullback(const gauge_field& v, const algebra_field& f_u, algebra_field& f_v) {
    detail::call(gaugelink_flow_pullback, get(), v.get(), f_u.get(), f_v.get());
  }
  // The same on views of one's own memory, one field each.
  double forward(const glk_view& v, glk_view& u) {
    return number_of(gaugelink_flow_forward_view, detail::single(v, "forward"), &u);
  }
  double inverse(const glk_view& u, glk_view& v) {
    return number_of(gaugelink_flow_inverse_view, detail::single(u, "inverse"), &v);
  }
  double log_density(const glk_view& u) {
    return number_of(gaugelink_flow_log_density_view, detail::single(u, "log_density"));
  }
  double sample(const glk_rng& rng, glk_view& u) {
    detail::single(u, "sample");
    return number_of(gaugelink_flow_sample_view, &rng, &u);
  }
  void pullback(const glk_view& v, const glk_view& f_u, glk_view& f_v) {
    detail::call(gaugelink_flow_pullback_view, get(), &v, &f_u, &f_v);
  }
  glk_stats stats() const {
    auto stats = detail::sized<glk_stats>();
    detail::call(gaugelink_flow_stats, get(), &stats);
    return stats;
  }

 private:
  template <class Function, class... Arguments>
  double number_of(Function function, Arguments... arguments) {
    double value = 0;
    detail::call(function, get(), arguments..., &value);
    return value;
  }
};

class force : public detail::handle<gaugelink_force, gaugelink_force_free> {
 public:
  force(const plugin& of, const lattice& on, const setting& with = {}) {
    detail::call(gaugelink_force_new, of.get(), on.get(), with.component_or_null(), with.config.c_str(),
                 with.base_dir.c_str(), out());
    keep(of.calls());
  }
  void refresh(const gauge_field& u, std::uint64_t seed, std::uint64_t number) {
    detail::call(gaugelink_force_refresh, get(), u.get(), seed, number);
  }
  double action(const gauge_field& u) {
    double value = 0;
    detail::call(gaugelink_force_action, get(), u.get(), &value);
    return value;
  }
  void operator()(const gauge_field& u, algebra_field& f, double scale = 1) {
    detail::call(gaugelink_force_force, get(), u.get(), scale, f.get());
  }
  double action(const glk_view& u) {
    double value = 0;
    detail::call(gaugelink_force_action_view, get(), detail::single(u, "action"), &value);
    return value;
  }
  void operator()(const glk_view& u, glk_view& f, double scale = 1) {
    detail::call(gaugelink_force_force_view, get(), &u, scale, &f);
  }
  glk_stats stats() const {
    auto stats = detail::sized<glk_stats>();
    detail::call(gaugelink_force_stats, get(), &stats);
    return stats;
  }
};

class precond : public detail::handle<gaugelink_precond, gaugelink_precond_free> {
 public:
  precond(const plugin& of, const lattice& on, const setting& with = {}, const phases& bc = {}) {
    detail::call(gaugelink_precond_new, of.get(), on.get(), with.component_or_null(), with.config.c_str(),
                 with.base_dir.c_str(), bc.data(), out());
    keep(of.calls());
  }
  // u is copied: it may be freed or changed before the next setup.
  void setup(const gauge_field& u, const glk_dirac& op, std::int32_t mode = GLK_SETUP_RESET) {
    detail::call(gaugelink_precond_setup, get(), u.get(), &op, mode);
  }
  // z ~= D^-1 r.
  void operator()(const spinor_field& r, spinor_field& z, bool dagger = false) {
    detail::call(gaugelink_precond_apply, get(), r.get(), z.get(), static_cast<int32_t>(dagger));
  }
  void setup(const glk_view& u, const glk_dirac& op, std::int32_t mode = GLK_SETUP_RESET) {
    detail::call(gaugelink_precond_setup_view, get(), &u, &op, mode, nullptr, nullptr);
  }
  void operator()(const glk_view& r, glk_view& z, bool dagger = false) {
    detail::call(gaugelink_precond_apply_view, get(), &r, &z, static_cast<int32_t>(dagger));
  }
  glk_stats stats() const {
    auto stats = detail::sized<glk_stats>();
    detail::call(gaugelink_precond_stats, get(), &stats);
    return stats;
  }
};

inline gaugelink_solve_report wilson_dirac::solve(spinor_field& x, const spinor_field& b, precond& with,
                                                  double tolerance) const {
  return solve(x, b, tolerance, GAUGELINK_SOLVER_GMRES, with.get());
}

class proposal : public detail::handle<gaugelink_proposal, gaugelink_proposal_free> {
 public:
  proposal(const plugin& of, const lattice& on, const setting& with = {}) {
    detail::call(gaugelink_proposal_new, of.get(), on.get(), with.component_or_null(), with.config.c_str(),
                 with.base_dir.c_str(), out());
    keep(of.calls());
  }
  // Returns the log weight for the accept step.
  double propose(std::uint64_t seed, std::uint64_t number, const gauge_field& u, gauge_field& u_new) {
    double value = 0;
    detail::call(gaugelink_proposal_propose, get(), seed, number, u.get(), u_new.get(), &value);
    return value;
  }
  double propose(const glk_rng& rng, const glk_view& u, glk_view& u_new) {
    double value = 0;
    detail::call(gaugelink_proposal_propose_view, get(), &rng, detail::single(u, "propose"), &u_new, &value);
    return value;
  }
  glk_stats stats() const {
    auto stats = detail::sized<glk_stats>();
    detail::call(gaugelink_proposal_stats, get(), &stats);
    return stats;
  }
};

// Whether a change by delta_h is taken: with probability min(1, exp(-delta_h)).
inline bool accept(std::uint64_t seed, std::uint64_t number, double delta_h) {
  std::int32_t taken = 0;
  detail::call(gaugelink_accept, seed, number, delta_h, &taken);
  return taken;
}

// A Markov chain of proposals: its links, and the log weight that belongs to them.
class proposal_chain {
 public:
  // Begins with u, or goes on from it with its log weight; links that were not proposed have none, and what is proposed
  // first is taken. by lives as long as this.
  proposal_chain(proposal& by, const lattice& on, gauge_field u,
                 double log_weight = -std::numeric_limits<double>::infinity())
      : by_(&by), u_(std::move(u)), next_(on, u_.ncolor()), log_weight_(log_weight) {}
  const gauge_field& links() const noexcept { return u_; }
  double log_weight() const noexcept { return log_weight_; }
  // One proposal for exp(-action(links)); true where it was taken.
  template <class Action>
  bool update(std::uint64_t seed, std::uint64_t number, Action&& action) {
    double weight = by_->propose(seed, number, u_, next_);
    double delta_h = action(std::as_const(next_)) - weight - action(std::as_const(u_)) + log_weight_;
    if (!accept(seed, number, delta_h)) return false;
    std::swap(u_, next_);
    log_weight_ = weight;
    return true;
  }

 private:
  proposal* by_;
  gauge_field u_, next_;
  double log_weight_;
};

}  // namespace gaugelink
#endif
