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

// Where a tool watches every access to memory, all is done that is done otherwise, but less often: a short chain, and
// solves that end after a few iterations.
static const bool WATCHED = std::getenv("GAUGELINK_WATCHED");
static const std::uint64_t UPDATES = WATCHED ? 50 : 8000;
static const double LIGHT = WATCHED ? 2 : -0.7;  // a mass near the critical one of the tests' configuration
static double tolerance(double wanted) { return WATCHED ? 1e-2 : wanted; }

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

// The matrices of site (1, 2, 3, 1) of a field in dense order.
static void show_site(const char* name, const gl::lattice& lattice, const std::vector<double>& a) {
  auto site = 1 + lattice.extent(0) * (2 + lattice.extent(1) * (3 + lattice.extent(2)));
  for (std::size_t i = 0; i < 72; ++i) {
    std::printf("%s_%zu %.17g\n", name, i, a[72 * static_cast<std::size_t>(site) + i]);
  }
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
  show("force_bytes_copied", static_cast<double>(force.stats().bytes_copied));
  wilson.set_wilson_force(u, 6);
  show("force_action", force.action(u));
  show("force_norm2", own.norm2());
  show("force_from_wilson", std::sqrt(own.distance2(wilson) / wilson.norm2()));

  auto expected = h.field(72), links = h.field(72), found = h.field(72), back = h.field(72);
  auto dense = gl::dense_view(lattice, GLK_ALGEBRA, 3, expected.data());
  own.write(dense);
  show_site("force", lattice, expected);
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

static void flows(const host& h, const gl::lattice& lattice, const gl::gauge_field& v, gl::flow& flow) {
  gl::gauge_field u(lattice), w(lattice), drawn(lattice);
  double logdet = flow.forward(v, u);
  show("flow_plaquette", u.plaquette());
  show("flow_link_trace", u.link_trace());
  show("flow_logdet", logdet);
  show("flow_bytes_copied", static_cast<double>(flow.stats().bytes_copied));
  show("flow_inverse_logdet", flow.inverse(u, w));
  auto first = h.field(72), second = h.field(72), third = h.field(72), fourth = h.field(72);
  auto a = gl::dense_view(lattice, GLK_GAUGE, 3, first.data()), b = gl::dense_view(lattice, GLK_GAUGE, 3, second.data());
  v.write(a);
  w.write(b);
  show("flow_inverse_difference", difference(first, second));
  // The force of an action of U with respect to V, with and without that of the log det alone.
  gl::algebra_field f_u(lattice), f_v(lattice), zero(lattice), jacobian(lattice);
  f_u.set_wilson_force(u, 6);
  flow.pullback(v, f_u, f_v);
  flow.pullback(v, zero, jacobian);
  show("flow_action", u.wilson_action(6));
  show("flow_jacobian_norm2", jacobian.norm2());
  show("flow_action_force_norm2", f_v.distance2(jacobian));
  // On views of the host's memory.
  show("flow_view_logdet", flow.forward(a, b));
  w.read(b);
  show("flow_view_plaquette", w.plaquette());
  show_site("flow_link", lattice, second);
  auto c = gl::dense_view(lattice, GLK_GAUGE, 3, third.data());
  show("flow_view_inverse_logdet", flow.inverse(b, c));
  show("flow_view_inverse_difference", difference(first, third));
  for (auto* view : {&b, &c}) view->kind = GLK_ALGEBRA;
  auto d = gl::dense_view(lattice, GLK_ALGEBRA, 3, fourth.data());
  f_u.write(b);
  f_v.write(c);
  show_site("flow_force", lattice, third);
  flow.pullback(a, b, d);
  show("flow_view_pullback_difference", difference(third, fourth));
  // What a flow need not offer.
  try {
    show("flow_log_density", flow.log_density(u));
    u.write(a);
    show("flow_view_log_density", flow.log_density(a));
    show("flow_log_q", flow.sample(7, 0, drawn));
    show("flow_log_q_of_draw", flow.log_density(drawn));
  } catch (const gl::error& error) {
    std::printf("flow_density_refused %d\n", error.code());
  }
}

// Grid's test spinor.
static std::vector<double> test_spinor(const host& h) {
  auto numbers = h.field(24);
  for (std::size_t k = 0; k < numbers.size() / 2; ++k) {
    numbers[2 * k] = std::cos(0.1 * static_cast<double>(k));
    numbers[2 * k + 1] = std::sin(0.37 * static_cast<double>(k));
  }
  return numbers;
}

// D psi, in all forms of the operator.
static void operators(const host& h, const gl::lattice& lattice, const gl::gauge_field& u) {
  auto numbers = test_spinor(h);
  gl::spinor_field psi(lattice), image(lattice), x(lattice);
  psi.read(gl::dense_view(lattice, GLK_WILSON, 3, numbers.data()));
  gl::wilson_dirac periodic(u, 0.1), antiperiodic(u, 0.1, {0, 0, 0, 0.5});
  periodic.apply(psi, image);
  show("dpsi_periodic", image.norm2());
  periodic.apply(psi, image, true);
  show("ddagpsi_periodic", image.norm2());
  antiperiodic.apply(psi, image);
  show("dpsi_antiperiodic", image.norm2());
  antiperiodic.solve(x, psi, tolerance(1e-12), GAUGELINK_SOLVER_CG);
  show("inverse_antiperiodic", x.norm2());
  // M = D^+ / (m + 4): solve, and apply again.
  glk_dirac op = periodic.description();
  op.dagger = 1;
  op.normalisation = GLK_DIRAC_BY_KAPPA;
  gl::detail::call(gaugelink_dirac_apply, u.get(), &op, nullptr, psi.get(), image.get());
  show("kappa_ddagpsi_periodic", image.norm2());
  auto options = gl::detail::sized<gaugelink_solve_options>();
  options.tolerance = tolerance(0);
  gl::detail::call(gaugelink_dirac_solve, u.get(), &op, nullptr, x.get(), image.get(), WATCHED ? &options : nullptr, nullptr);
  auto back = h.field(24);
  auto view = gl::dense_view(lattice, GLK_WILSON, 3, back.data());
  x.write(view);
  show("kappa_dagger_solve_difference", difference(numbers, back));
}

// M psi in dense order: a0 + a1 sum (T + T-) + a2 sum gamma (T - T-) with the hops T of D = m + 4 - sum (T + T-) / 2 +
// sum gamma (T - T-) / 2 and of its adjoint; the plugin in C has a0 = 1 / (m + 4) alone.
static std::vector<double> formula(const host& h, const gl::lattice& lattice, const gl::wilson_dirac& dirac,
                                   const gl::spinor_field& psi, const char* config) {
  double diagonal = dirac.description().mass + 4, a0 = 1 / diagonal, a1 = 0, a2 = 0;
  std::sscanf(config, "a = [%lf, %lf, %lf]", &a0, &a1, &a2);
  gl::spinor_field image(lattice);
  auto sum = h.field(24), d = h.field(24), adjoint = h.field(24);
  auto view = gl::dense_view(lattice, GLK_WILSON, 3, d.data());
  auto adjoint_view = gl::dense_view(lattice, GLK_WILSON, 3, adjoint.data());
  auto psi_view = gl::dense_view(lattice, GLK_WILSON, 3, sum.data());
  dirac.apply(psi, image);
  image.write(view);
  dirac.apply(psi, image, true);
  image.write(adjoint_view);
  psi.write(psi_view);
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] = a0 * sum[i] + a1 * (2 * diagonal * sum[i] - d[i] - adjoint[i]) + a2 * (d[i] - adjoint[i]);
  }
  return sum;
}

static void preconditioners(const host& h, const gl::lattice& lattice, const gl::gauge_field& u, gl::precond& precond,
                            const char* config) {
  gl::wilson_dirac dirac(u, 0.1);
  gl::spinor_field b(lattice), x(lattice), z(lattice);
  b.set_point({1, 0, 2, 3}, 2, 1);
  auto report = dirac.solve(x, b, tolerance(1e-10));
  show("solve_iterations", report.iterations);
  show("solve_residual", report.residual);
  show("solve_norm2", x.norm2());
  dirac.apply(x, z);
  show("solve_check", z.norm2());
  refused("apply_before_setup", [&] { precond(b, z); });
  refused("solve_before_setup", [&] { dirac.solve(z, b, precond); });
  precond.setup(u, dirac.description());
  auto links = h.field(72), r = test_spinor(h), answer = h.field(24), views = h.field(24);
  auto r_view = gl::dense_view(lattice, GLK_WILSON, 3, r.data());
  auto z_view = gl::dense_view(lattice, GLK_WILSON, 3, answer.data());
  b.read(r_view);
  precond(b, z);
  show("precond_norm2", z.norm2());
  show("precond_bytes_copied", static_cast<double>(precond.stats().bytes_copied));
  z.write(z_view);
  show("precond_formula_difference", difference(answer, formula(h, lattice, dirac, b, config)));
  auto u_view = gl::dense_view(lattice, GLK_GAUGE, 3, links.data());
  auto view = gl::dense_view(lattice, GLK_WILSON, 3, views.data());
  u.write(u_view);
  precond.setup(u_view, dirac.description());
  precond(r_view, view);
  show("precond_view_difference", difference(answer, views));
  show("precond_view_norm2", norm2(views));
  {
    gl::gauge_field soon_gone(lattice);
    soon_gone.copy_from(u);
    precond.setup(soon_gone, dirac.description());
  }
  // Memory that was freed is used again.
  gl::gauge_field unit(lattice), more(lattice);
  precond(b, z);
  z.write(view);
  show("precond_kept_difference", difference(answer, views));
}

// Light quarks: GMRES with and without the preconditioner, and conjugate gradients.
static void solves(const host& h, const gl::lattice& lattice, const gl::gauge_field& u, gl::precond& precond) {
  gl::wilson_dirac dirac(u, LIGHT);
  gl::spinor_field b(lattice), x(lattice), expected(lattice);
  auto numbers = h.field(24), cg = h.field(24);
  auto view = gl::dense_view(lattice, GLK_WILSON, 3, numbers.data());
  auto cg_view = gl::dense_view(lattice, GLK_WILSON, 3, cg.data());
  b.set_point({1, 0, 2, 3}, 2, 1);
  dirac.solve(expected, b, tolerance(1e-12), GAUGELINK_SOLVER_CG);
  expected.write(cg_view);
  show("gmres_iterations", dirac.solve(x, b, tolerance(1e-10), GAUGELINK_SOLVER_GMRES).iterations);
  precond.setup(u, dirac.description());
  gl::spinor_field y(lattice);
  auto report = dirac.solve(y, b, precond, tolerance(1e-10));
  show("fgmres_iterations", report.iterations);
  show("fgmres_residual", report.residual);
  show("fgmres_bytes_copied", static_cast<double>(precond.stats().bytes_copied));
  y.write(view);
  show("fgmres_difference", difference(numbers, cg));
  // D^+ x = D^+ D^-1 b with a preconditioner of D^+: x is D^-1 b.
  auto adjoint = dirac.description();
  adjoint.dagger = 1;
  precond.setup(u, adjoint);
  dirac.apply(expected, b, true);
  auto options = gl::detail::sized<gaugelink_solve_options>();
  options.solver = GAUGELINK_SOLVER_GMRES;
  options.precond = precond.get();
  options.tolerance = tolerance(0);
  gl::spinor_field w(lattice);
  gl::detail::call(gaugelink_dirac_solve, u.get(), &adjoint, nullptr, w.get(), b.get(), &options, &report);
  show("fgmres_dagger_iterations", report.iterations);
  w.write(view);
  show("fgmres_dagger_difference", difference(numbers, cg));
  options.solver = GAUGELINK_SOLVER_CG;
  refused("cg_with_precond", [&] {
    gl::detail::call(gaugelink_dirac_solve, u.get(), &adjoint, nullptr, w.get(), b.get(), &options, nullptr);
  });
}

// Another format than ILDG, whole and by two boxes, as two ranks would read them, in QDP++'s memory.
static void files(const host& h, const gl::lattice& lattice, const gl::gauge_field& u, const std::string& path) {
  auto dense = h.field(72), all = h.field(72);
  auto view = gl::dense_view(lattice, GLK_GAUGE, 3, dense.data()), back = gl::dense_view(lattice, GLK_GAUGE, 3, all.data());
  u.write(view);
  gl::write_file(view, lattice, path, {"tests/hosts/link", "nersc"});
  gl::gauge_file file(h.context, path), named(h.context, path, "nersc");
  std::printf("other_format %s %s\n", file.format().c_str(), named.format().c_str());
  show("other_stated_plaquette", file.info().plaquette);
  show("other_checksum", file.verify().checksum);
  file.read(back, lattice);
  show("other_difference", difference(dense, all));
  auto extents = h.extents;
  auto half = extents[3] /= 2;
  gl::lattice box(h.context, extents);
  std::vector<gaugelink_file_part> parts;
  double worst = 0;
  for (std::int64_t start : {std::int64_t{0}, half}) {
    std::vector<float> own(h.sites / 2 * 72);
    std::vector<float*> planes;
    for (std::size_t mu = 0; mu < 4; ++mu) planes.push_back(own.data() + mu * h.sites / 2 * 18);
    auto qdp = gl::qdp_view(box, GLK_GAUGE, 3, planes);
    parts.push_back(file.read(qdp, box, {0, 0, 0, start}));
    gl::gauge_field part(box);
    part.read(qdp);
    std::vector<double> sites(h.sites / 2 * 72);
    auto plain = gl::dense_view(box, GLK_GAUGE, 3, sites.data());
    part.write(plain);
    auto first = dense.begin() + static_cast<std::ptrdiff_t>(start ? h.sites / 2 * 72 : 0);
    worst = std::fmax(worst, difference(sites, {first, first + static_cast<std::ptrdiff_t>(sites.size())}));
  }
  show("box_difference", worst);
  file.check(parts);
  parts[1].sums[0] ^= 1;
  refused("box_of_other_bytes", [&] { file.check(parts); });
  parts.pop_back();
  refused("box_missing", [&] { file.check(parts); });
  refused("box_outside", [&] { file.read(back, lattice, {0, 0, 0, 2}); });
  refused("unknown_format", [&] { gl::gauge_file(h.context, path, "sciadc"); });
  refused("format_cannot_hold", [&] { gl::write_file(u, path, {"", "milc"}); });
}

// U(1) on 4x4 at beta = 1: a chain of the plugin's proposals, each with its accept step. The same in one's own memory.
static void proposals(const host& h, const gl::plugin& plugin, const gl::lattice& four_dimensional) {
  gl::lattice lattice(h.context, {4, 4});
  const gl::setting setting{"step = 0.5"};
  try {
    gl::proposal(plugin, lattice, setting);
    show("proposal_offered", 1);
  } catch (const gl::error& error) {
    std::printf("proposal_offered 0\nproposal_absent %d %s\n", error.code(), error.what());
    return;
  }
  gl::proposal proposal(plugin, lattice, setting);
  gl::proposal_chain chain(proposal, lattice, gl::gauge_field(lattice, 1));
  auto action = [](const gl::gauge_field& u) { return u.wilson_action(1); };
  std::string history;
  double sum = 0;
  for (std::uint64_t i = 0; i < UPDATES; ++i) {
    history += chain.update(12, i, action) ? '1' : '0';
    sum += chain.links().plaquette();
  }
  std::printf("proposal_history %s\n", history.c_str());
  show("proposal_mean_plaquette", sum / static_cast<double>(UPDATES));
  show("proposal_plaquette", chain.links().plaquette());
  show("proposal_log_weight", chain.log_weight());
  show("proposal_bytes_copied", static_cast<double>(proposal.stats().bytes_copied));
  show("accept_nan", gl::accept(12, 0, std::nan("")));

  gl::gauge_field moved(lattice, 1);
  proposal.propose(7, 3, chain.links(), moved);
  std::vector<double> from(64), to(64), expected(64);
  auto links = gl::dense_view(lattice, GLK_GAUGE, 1, from.data());
  auto proposed = gl::dense_view(lattice, GLK_GAUGE, 1, to.data());
  auto wanted = gl::dense_view(lattice, GLK_GAUGE, 1, expected.data());
  chain.links().write(links);
  moved.write(wanted);
  auto rng = gl::detail::sized<glk_rng>();
  rng.algorithm = GLK_RNG_CHACHA20;
  rng.key[0] = 7;
  rng.epoch = 3;
  show("proposal_view_log_weight", proposal.propose(rng, links, proposed));
  show("proposal_view_difference", difference(expected, to));
  refused("proposal_in_place", [&] { proposal.propose(7, 3, moved, moved); });
  refused("proposal_other_lattice", [&] { proposal.propose(7, 3, gl::gauge_field(four_dimensional, 1), moved); });
  refused("proposal_of_a_flow", [&] { gl::proposal(plugin, lattice, {"", "org.gaugelink.minimal.identity"}); });
  refused("proposal_unknown_key", [&] { gl::proposal(plugin, lattice, {"beta = 1"}); });
  rng.algorithm = 77;
  refused("proposal_unknown_cipher", [&] { proposal.propose(rng, links, proposed); });
  links.nrhs = 2;
  refused("proposal_batch", [&] { proposal.propose(rng, links, proposed); });
}

static int run(char** argument) {
  host h;
  gl::gauge_file file(h.context, argument[1]);
  auto info = file.info();
  h.extents = file.extents();
  gl::lattice lattice(h.context, h.extents);
  h.sites = static_cast<std::size_t>(lattice.volume());
  show("stated_plaquette", info.plaquette);
  auto check = file.verify();
  show("checksum", check.checksum);
  std::printf("suma %08x\nsumb %08x\n", check.sums[0], check.sums[1]);
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
  preconditioners(h, lattice, u, precond, argument[8]);
  solves(h, lattice, u, precond);
  proposals(h, flow_plugin, lattice);

  gl::write_file(u, argument[2], {"tests/hosts/link"});
  gl::gauge_file written(h.context, argument[2]);
  show("written_checksum", written.verify().checksum);
  show("written_plaquette", written.verify().plaquette);
  files(h, lattice, u, std::string(argument[2]) + ".other");
  refused("missing_plugin", [&] { gl::plugin(h.context, "no-such-plugin"); });
  refused("unknown_key", [&] { gl::force(force_plugin, lattice, {"nonsense = 1"}); });
  refused("missing_file", [&] { gl::gauge_file(h.context, "no-such-file"); });
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
