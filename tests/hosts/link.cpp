// A host that links libgaugelink: reads an ILDG file, uses every capability of plugins on fields of the library and on
// its own memory in the orders of Grid and QDP++, writes ILDG. One "name value" a line on standard output.
//   link FILE OUT  FLOW CONFIG  FORCE CONFIG  PRECOND CONFIG
#include <gaugelink/gaugelink.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace gl = gaugelink;

static void show(const char* name, double value) { std::printf("%s %.17g\n", name, value); }

// The largest difference of two fields in dense order.
static double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::fmax(worst, std::fabs(a[i] - b[i]));
  return worst;
}

static double norm2(const std::vector<double>& a) {
  double sum = 0;
  for (double x : a) sum += x * x;
  return sum;
}

// Calls that have to fail: status and sentence.
template <class Work>
static void refused(const char* name, Work work) {
  try {
    work();
    std::printf("%s not refused\n", name);
  } catch (const gl::error& error) {
    std::printf("%s %d %s\n", name, error.code(), error.what());
  }
}

struct host {
  gl::context context{2};
  std::vector<std::int64_t> extents;
  std::size_t sites = 1;

  std::vector<double> field(std::size_t numbers) const { return std::vector<double>(sites * numbers); }
};

static void forces(const host& h, const gl::lattice& lattice, const gl::gauge_field& u, gl::force& force) {
  gl::algebra_field own(lattice), wilson(lattice);
  force(u, own);
  wilson.set_wilson_force(u, 6);
  show("force_action", force.action(u));
  show("force_norm2", own.norm2());
  show("force_from_wilson", std::sqrt(own.distance2(wilson) / wilson.norm2()));
  show("force_bytes_copied", static_cast<double>(force.stats().bytes_copied));

  auto expected = h.field(72), links = h.field(72), found = h.field(72), back = h.field(72);
  auto dense = gl::dense_view(lattice, GLK_ALGEBRA, 3, expected.data());
  own.write(dense);
  // Grid's memory: the host's own pointers go to the plugin.
  std::vector<int> simd{1, 1, 2, 2};
  auto grid_u = gl::grid_view(lattice, GLK_GAUGE, 3, links.data(), simd);
  auto grid_f = gl::grid_view(lattice, GLK_ALGEBRA, 3, found.data(), simd);
  u.write(grid_u);
  force(grid_u, grid_f);
  gl::algebra_field again(lattice);
  again.read(grid_f);
  auto back_view = gl::dense_view(lattice, GLK_ALGEBRA, 3, back.data());
  again.write(back_view);
  show("force_grid_difference", difference(expected, back));
  show("force_grid_bytes_copied", static_cast<double>(force.stats().bytes_copied));
  // QDP++'s: four allocations, and Chroma's sign.
  std::vector<double*> planes_u, planes_f;
  for (std::size_t mu = 0; mu < 4; ++mu) {
    planes_u.push_back(links.data() + mu * h.sites * 18);
    planes_f.push_back(found.data() + mu * h.sites * 18);
  }
  auto qdp_u = gl::qdp_view(lattice, GLK_GAUGE, 3, planes_u);
  auto qdp_f = gl::qdp_view(lattice, GLK_ALGEBRA, 3, planes_f);
  qdp_f.algebra_conv = GLK_ALG_NEG_F;
  u.write(qdp_u);
  force(qdp_u, qdp_f);
  again.read(qdp_f);
  again.write(back_view);
  show("force_qdp_difference", difference(expected, back));
  qdp_f.plane_bytes -= 8;
  refused("lying_size", [&] { force(qdp_u, qdp_f); });
}

static void flows(const host& h, const gl::lattice& lattice, const gl::gauge_field& u, gl::flow& flow) {
  gl::gauge_field v(lattice), w(lattice), drawn(lattice);
  double logdet = flow.forward(u, v);
  show("flow_plaquette", v.plaquette());
  show("flow_logdet", logdet);
  show("flow_bytes_copied", static_cast<double>(flow.stats().bytes_copied));
  show("flow_logdet_sum", logdet + flow.inverse(v, w));
  auto first = h.field(72), second = h.field(72);
  auto a = gl::dense_view(lattice, GLK_GAUGE, 3, first.data()), b = gl::dense_view(lattice, GLK_GAUGE, 3, second.data());
  u.write(a);
  w.write(b);
  show("flow_inverse_difference", difference(first, second));
  // On views of the host's memory.
  show("flow_view_logdet", flow.forward(a, b));
  w.read(b);
  show("flow_view_plaquette", w.plaquette());
  gl::algebra_field f_u(lattice), f_v(lattice);
  f_u.set_wilson_force(v, 6);
  flow.pullback(u, f_u, f_v);
  show("flow_pullback_norm2", f_v.norm2());
  try {
    show("flow_log_q", flow.sample(7, 0, drawn));
    show("flow_sample_plaquette", drawn.plaquette());
  } catch (const gl::error& error) {
    std::printf("flow_sample_refused %d\n", error.code());
  }
}

// D psi of Grid's test spinor, in all forms of the operator.
static void operators(const host& h, const gl::lattice& lattice, const gl::gauge_field& u) {
  auto numbers = h.field(24);
  for (std::size_t k = 0; k < numbers.size() / 2; ++k) {
    numbers[2 * k] = std::cos(0.1 * static_cast<double>(k));
    numbers[2 * k + 1] = std::sin(0.37 * static_cast<double>(k));
  }
  gl::spinor_field psi(lattice), image(lattice), x(lattice);
  psi.read(gl::dense_view(lattice, GLK_WILSON, 3, numbers.data()));
  gl::wilson_dirac periodic(u, 0.1), antiperiodic(u, 0.1, {0, 0, 0, 0.5});
  periodic.apply(psi, image);
  show("dpsi_periodic", image.norm2());
  periodic.apply(psi, image, true);
  show("ddagpsi_periodic", image.norm2());
  antiperiodic.apply(psi, image);
  show("dpsi_antiperiodic", image.norm2());
  antiperiodic.solve(x, psi, 1e-12, GAUGELINK_SOLVER_CG);
  show("inverse_antiperiodic", x.norm2());
  // M = D^+ / (m + 4): solve, and apply again.
  glk_dirac op = periodic.description();
  op.dagger = 1;
  op.normalisation = GLK_DIRAC_BY_KAPPA;
  gl::detail::call(gaugelink_dirac_apply, u.get(), &op, nullptr, psi.get(), image.get());
  show("kappa_ddagpsi_periodic", image.norm2());
  gl::detail::call(gaugelink_dirac_solve, u.get(), &op, nullptr, x.get(), image.get(), nullptr, nullptr);
  auto back = h.field(24);
  auto view = gl::dense_view(lattice, GLK_WILSON, 3, back.data());
  x.write(view);
  show("kappa_dagger_solve_difference", difference(numbers, back));
}

static void preconditioners(const host& h, const gl::lattice& lattice, const gl::gauge_field& u, gl::precond& precond) {
  gl::wilson_dirac dirac(u, 0.1);
  gl::spinor_field b(lattice), x(lattice), z(lattice);
  b.set_point({1, 0, 2, 3}, 2, 1);
  auto report = dirac.solve(x, b);
  show("solve_iterations", report.iterations);
  show("solve_residual", report.residual);
  show("solve_norm2", x.norm2());
  dirac.apply(x, z);
  show("solve_check", z.norm2());
  refused("apply_before_setup", [&] { precond(b, z); });
  precond.setup(u, dirac.description());
  precond(b, z);
  show("precond_norm2", z.norm2());
  show("precond_bytes_copied", static_cast<double>(precond.stats().bytes_copied));
  auto links = h.field(72), r = h.field(24), answer = h.field(24), expected = h.field(24);
  auto u_view = gl::dense_view(lattice, GLK_GAUGE, 3, links.data());
  auto r_view = gl::dense_view(lattice, GLK_WILSON, 3, r.data());
  auto z_view = gl::dense_view(lattice, GLK_WILSON, 3, answer.data());
  auto e_view = gl::dense_view(lattice, GLK_WILSON, 3, expected.data());
  u.write(u_view);
  b.write(r_view);
  z.write(e_view);
  precond.setup(u_view, dirac.description());
  precond(r_view, z_view);
  show("precond_view_difference", difference(answer, expected));
  show("precond_view_norm2", norm2(answer));
}

static int run(char** argument) {
  host h;
  gl::ildg_file file(h.context, argument[1]);
  auto info = file.info();
  h.extents = file.extents();
  gl::lattice lattice(h.context, h.extents);
  h.sites = static_cast<std::size_t>(lattice.volume());
  show("stated_plaquette", info.plaquette);
  auto check = file.verify();
  show("checksum", check.checksum);
  std::printf("suma %08x\nsumb %08x\n", check.suma, check.sumb);
  gl::gauge_field u(lattice);
  file.read(u);
  show("plaquette", u.plaquette());
  show("link_trace", u.link_trace());
  show("unitarity", u.unitarity());
  show("wilson_action", u.wilson_action(6));

  gl::plugin flow_plugin(h.context, argument[3]), force_plugin(h.context, argument[5]);
  gl::plugin precond_plugin(h.context, argument[7]);
  for (const auto& component : flow_plugin.components()) std::printf("component %s\n", component.id);
  gl::flow flow(flow_plugin, lattice, {argument[4]});
  gl::force force(force_plugin, lattice, {argument[6]});
  gl::precond precond(precond_plugin, lattice, {argument[8]});
  forces(h, lattice, u, force);
  flows(h, lattice, u, flow);
  operators(h, lattice, u);
  preconditioners(h, lattice, u, precond);

  gl::write_ildg(u, argument[2], "tests/hosts/link");
  gl::ildg_file written(h.context, argument[2]);
  show("written_checksum", written.verify().checksum);
  show("written_plaquette", written.verify().plaquette);
  refused("missing_plugin", [&] { gl::plugin(h.context, "no-such-plugin"); });
  refused("unknown_key", [&] { gl::force(force_plugin, lattice, {"nonsense = 1"}); });
  refused("missing_file", [&] { gl::ildg_file(h.context, "no-such-file"); });
  refused("other_lattice", [&] {
    gl::gauge_field other(gl::lattice(h.context, {4, 4}));
    file.read(other);
  });
  return 0;
}

int main(int count, char** argument) {
  if (count != 9) {
    std::fprintf(stderr, "link FILE OUT FLOW CONFIG FORCE CONFIG PRECOND CONFIG\n");
    return 2;
  }
  try {
    return run(argument);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
