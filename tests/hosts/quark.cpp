// A host with propagators of its own, in the orders of QDP++ and of Grid: reads the links and the propagator that was solved on
// them, compares, and writes what it has. One "name value" a line; what is refused as "name status sentence".
//   quark LINKS PROPAGATOR OUT
#include <gaugelink/gaugelink.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gl = gaugelink;

static const double mass = 0.2;
static const gl::phases antiperiodic{0, 0, 0, 0.5};

static void show(const char* name, double value) { std::printf("%s %.17g\n", name, value); }

template <class Work>
static void refused(const char* name, Work work) {
  try {
    work();
    std::printf("%s 0 nothing was wrong\n", name);
  } catch (const gl::error& error) {
    std::printf("%s %d %s\n", name, static_cast<int>(error.code()), error.what());
  }
}

// |a - b|^2.
static double difference(const gl::lattice& on, const gl::spinor_field& a, const gl::spinor_field& b) {
  std::vector<double> of_a(24 * static_cast<std::size_t>(on.volume())), of_b(of_a.size());
  glk_view view_a = gl::dense_view(on, GLK_WILSON, 3, of_a.data()), view_b = gl::dense_view(on, GLK_WILSON, 3, of_b.data());
  a.write(view_a);
  b.write(view_b);
  double sum = 0;
  for (std::size_t i = 0; i < of_a.size(); ++i) sum += (of_a[i] - of_b[i]) * (of_a[i] - of_b[i]);
  return sum;
}

// The place of a site in a host's memory: an outer site and a lane.
struct place {
  std::size_t outer, lane;
};
using map = place (*)(const std::vector<std::int64_t>& extents, std::array<std::int64_t, 4> x);

// QDP++, cb2: even sites before odd ones, x halved.
static place cb2(const std::vector<std::int64_t>& l, std::array<std::int64_t, 4> x) {
  std::int64_t lex = x[0] / 2 + l[0] / 2 * (x[1] + l[1] * (x[2] + l[2] * x[3]));
  std::int64_t half = l[0] * l[1] * l[2] * l[3] / 2;
  return {static_cast<std::size_t>(lex + (x[0] + x[1] + x[2] + x[3]) % 2 * half), 0};
}
// Grid with two lanes in t.
static place lanes(const std::vector<std::int64_t>& l, std::array<std::int64_t, 4> x) {
  std::int64_t half = l[3] / 2;
  return {static_cast<std::size_t>(x[0] + l[0] * (x[1] + l[1] * (x[2] + l[2] * (x[3] % half)))),
          static_cast<std::size_t>(x[3] / half)};
}

// Reads a propagator into the host's memory column by column, and looks at every number of it where the host has it.
template <class Real>
static double read_own(const gl::spinor_file& file, const gl::lattice& on, glk_view all, const Real* memory, map where,
                       std::size_t width) {
  const auto l = file.extents();
  double worst = 0;
  for (unsigned i = 0; i < 12; ++i) {
    glk_view column = gl::propagator_column(all, i / 3, i % 3);
    file.read(i, column, on);
    gl::spinor_field psi(on);
    file.read(i, psi);
    std::vector<double> dense(24 * static_cast<std::size_t>(on.volume()));
    glk_view view = gl::dense_view(on, GLK_WILSON, 3, dense.data());
    psi.write(view);
    for (std::size_t site = 0; site < static_cast<std::size_t>(on.volume()); ++site) {
      std::array<std::int64_t, 4> x;
      std::int64_t rest = static_cast<std::int64_t>(site);
      for (std::size_t mu = 0; mu < 4; ++mu) {
        x[mu] = rest % l[mu];
        rest /= l[mu];
      }
      place at = where(l, x);
      for (std::size_t s = 0; s < 4; ++s) {
        for (std::size_t c = 0; c < 3; ++c) {
          std::size_t element = ((at.outer * 4 + s) * 4 + i / 3) * 9 + 3 * c + i % 3;
          for (std::size_t part = 0; part < 2; ++part) {
            double own = memory[2 * (element * width + at.lane) + part];
            worst = std::max(worst, std::abs(own - dense[24 * site + 6 * s + 2 * c + part]));
          }
        }
      }
    }
  }
  return worst;
}

static void run(char** argument) {
  gl::context context(2);
  gl::gauge_file links(context, argument[1]);
  gl::lattice lattice(context, links.extents());
  gl::gauge_field u(lattice);
  links.read(u);

  gl::spinor_file file(context, argument[2]);
  show("columns", static_cast<double>(file.size()));
  show("warnings", static_cast<double>(file.warnings().size()));
  auto source = file.source();
  std::printf("source %d%d%d%d\n", static_cast<int>(source.value()[0]), static_cast<int>((*source)[1]),
              static_cast<int>((*source)[2]), static_cast<int>((*source)[3]));
  std::vector<gl::spinor_field> columns = file.propagator(lattice);

  // D takes each column back to its source.
  gl::wilson_dirac dirac(u, mass, antiperiodic);
  gl::spinor_field out(lattice), b(lattice), psi(lattice);
  double worst = 0, apart = 0;
  for (unsigned i = 0; i < 12; ++i) {
    b.set_point(*source, i / 3, i % 3);
    dirac.apply(columns[i], out);
    worst = std::max(worst, difference(lattice, out, b));
    file.read(i, psi);
    apart = std::max(apart, difference(lattice, psi, columns[i]));
    auto about = file[i];
    if (about.source_spin != static_cast<int>(i / 3) || about.source_colour != static_cast<int>(i % 3)) worst = 1;
    if (file.verify(i).checksum != GAUGELINK_CHECKSUM_OK) worst = 1;
  }
  show("residual", std::sqrt(worst));
  show("one_by_one_difference", apart);

  // LatticePropagators of QDP++ in double and of Grid in single precision.
  std::size_t numbers = 288 * static_cast<std::size_t>(lattice.volume());
  std::vector<double> qdp(numbers);
  std::vector<float> grid(numbers);
  glk_view of_qdp = gl::qdp_view(lattice, GLK_WILSON, 3, std::vector<double*>{qdp.data()});
  glk_view of_grid = gl::grid_view(lattice, GLK_WILSON, 3, grid.data(), {1, 1, 1, 2});
  show("qdp_difference", read_own(file, lattice, of_qdp, qdp.data(), cb2, 1));
  show("grid_difference", read_own(file, lattice, of_grid, grid.data(), lanes, 2));

  // What the host has, written.
  auto own = gl::propagator_columns(lattice);
  for (unsigned i = 0; i < 12; ++i) own[i].read(gl::propagator_column(of_qdp, i / 3, i % 3));
  gl::write_propagator(own, *source, argument[3], {"from a host's own memory", 32});
  gl::spinor_file back(context, argument[3]);
  double rounded = 0;
  auto again = back.propagator(lattice);
  for (unsigned i = 0; i < 12; ++i) rounded = std::max(rounded, difference(lattice, again[i], columns[i]));
  show("rounded", std::sqrt(rounded));
  show("rounded_precision", back[11].precision);
  gl::write_propagator(own, *source, argument[3], {"<Propagator/>", 64, "qdp++"});
  gl::spinor_file matrices(context, argument[3]);
  auto whole = matrices.propagator(lattice);
  double off = 0;
  for (unsigned i = 0; i < 12; ++i) off = std::max(off, difference(lattice, whole[i], columns[i]));
  show("matrices_difference", off);
  std::printf("matrices %zu %s %s\n", matrices.size(), matrices[11].datatype, matrices[11].xml);
  gl::write_spinors(own, argument[3]);
  gl::write_spinor(own[5], argument[3]);
  gl::spinor_file one(context, argument[3]);
  one.read(0, psi);
  show("one_difference", difference(lattice, psi, columns[5]));
  show("one_has_a_source", one.source().has_value());

  refused("missing", [&] { gl::spinor_file(context, std::string(argument[2]) + ".no"); });
  refused("links_instead", [&] { gl::spinor_file(context, argument[1]); });
  refused("too_far", [&] { file.read(12, psi); });
  refused("no_propagator", [&] { one.propagator(lattice); });
  gl::lattice other(context, {4, 4, 4, 6});
  gl::spinor_field elsewhere(other);
  refused("other_lattice", [&] { file.read(0, elsewhere); });
  gl::spinor_field two(lattice, 2);
  refused("other_colours", [&] { file.read(0, two); });
  refused("few_columns", [&] {
    own.pop_back();
    gl::write_propagator(own, *source, argument[3]);
  });
  refused("no_columns", [&] { gl::write_propagator({}, *source, argument[3]); });
  refused("no_xml", [&] { gl::write_propagator(columns, *source, argument[3], {"point", 64, "qdp++"}); });
  refused("outside", [&] { gl::write_propagator(columns, {0, 0, 0, 8}, argument[3]); });
  refused("no_such_column", [&] { gl::propagator_column(of_qdp, 4, 0); });
  refused("beyond_the_memory", [&] {
    glk_view column = gl::propagator_column(of_qdp, 3, 2);
    column.plane_bytes -= 8;
    file.read(0, column, lattice);
  });
}

int main(int count, char** argument) {
  if (count != 4) {
    std::fprintf(stderr, "quark LINKS PROPAGATOR OUT\n");
    return 2;
  }
  try {
    run(argument);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
