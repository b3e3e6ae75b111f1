// A host with little work for each plugin, in a locale of its own: numbers in configurations and files have a point in
// every one. One "name value" a line; the locale's decimal point on standard error.
//   small LOCALE OUT MINIMAL_C FORCE FLOW PRECOND
#include <gaugelink/gaugelink.hpp>

#include <clocale>
#include <cstdio>

namespace gl = gaugelink;

static void show(const char* name, double value) {
  // What the host itself prints shall not depend on the locale.
  const std::string locale = std::setlocale(LC_NUMERIC, nullptr);
  std::setlocale(LC_NUMERIC, "C");
  std::printf("%s %.17g\n", name, value);
  std::setlocale(LC_NUMERIC, locale.c_str());
}

static void run(char** argument) {
  if (!std::setlocale(LC_ALL, argument[1])) throw std::runtime_error("there is no such locale");
  std::fprintf(stderr, "%s", std::localeconv()->decimal_point);
  gl::context context(1);
  gl::lattice lattice(context, {4, 4, 4, 4});
  gl::gauge_field u(lattice), v(lattice);
  u.randomise(0.5, 5);
  gl::plugin minimal(context, argument[3]), rust(context, argument[4]);
  show("wilson", u.wilson_action(6.25));
  show("force_in_c", gl::force(minimal, lattice, {"beta = 6.25"}).action(u));
  gl::force force(rust, lattice, {"beta = 6.25"});
  gl::algebra_field f(lattice), g(lattice);
  show("force_in_rust", force.action(u));
  force(u, f);
  show("force_norm2", f.norm2());
  show("proposal", gl::proposal(minimal, lattice, {"step = 0.125"}).propose(1, 2, u, v));
  show("proposed", v.plaquette());
  gl::flow flow(gl::plugin(context, argument[5]), lattice, {"kind = 'residual'\nrho = 0.0625\nsublayers = 1"});
  show("flow", flow.forward(u, v));
  flow.pullback(u, f, g);
  show("pullback_norm2", g.norm2());
  show("flow_back", flow.inverse(v, u));
  gl::precond precond(gl::plugin(context, argument[6]), lattice, {"a = [0.25, 0.03125, -0.0625]"});
  gl::wilson_dirac dirac(u, 0.125);
  gl::spinor_field r(lattice), z(lattice);
  r.set_gaussian(3);
  precond.setup(u, dirac.description());
  precond(r, z);
  show("precond", z.norm2());
  gl::write_file(u, argument[2], {"tests/hosts/small"});
  gl::gauge_file file(context, argument[2]);
  show("stated", file.info().plaquette);
  show("plaquette", u.plaquette());
}

int main(int count, char** argument) {
  if (count != 7) {
    std::fprintf(stderr, "small LOCALE OUT MINIMAL_C FORCE FLOW PRECOND\n");
    return 2;
  }
  try {
    run(argument);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
