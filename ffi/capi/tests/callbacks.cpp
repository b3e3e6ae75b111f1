// Callbacks live as long as what may call them, and descriptions of memory are checked. Prints what is wrong.
// argv[1]: libglk_minimal_c.so.
#include <gaugelink/gaugelink.hpp>

#include <cstdio>
#include <optional>

static void check(bool good, const char* what) {
  if (!good) std::puts(what);
}

template <class Call>
static bool refused(Call call) {
  try {
    call();
  } catch (const gaugelink::error& wrong) {
    return wrong.code() == GLK_INVALID_ARG;
  }
  return false;
}

int main(int argc, char** argv) {
  if (argc < 2) return 1;
  std::weak_ptr<int> seen;
  std::optional<gaugelink::flow> flow;
  std::optional<gaugelink::gauge_field> field;
  {
    auto token = std::make_shared<int>(1);
    seen = token;
    gaugelink::callbacks calls;
    calls.log = [token](int, const std::string&, const std::string&) {};
    gaugelink::context context(1, calls);
    gaugelink::lattice lattice(context, {4, 4});
    gaugelink::plugin plugin(context, argv[1]);
    flow.emplace(plugin, lattice);
    field.emplace(lattice, 1);
  }
  check(!seen.expired(), "callbacks ended with the context");
  gaugelink::flow moved = std::move(*flow);
  flow.reset();
  check(!seen.expired(), "callbacks ended with an object that was moved from");
  {
    gaugelink::context other(1);
    gaugelink::lattice lattice(other, {4, 4});
    moved = gaugelink::flow(gaugelink::plugin(other, argv[1]), lattice);
    check(!seen.expired(), "callbacks ended before a field of their context");
    field.reset();
    check(seen.expired(), "callbacks outlive all that may call them");

    double data[4 * 4 * 2 * 2] = {};
    const std::vector<int> lanes(2, 1), many(9, 1);
    const std::vector<double*> none, two(2, data), nine(9, data);
    check(!refused([&] { gaugelink::grid_view(lattice, GLK_GAUGE, 1, data, lanes); }), "lanes of each direction");
    check(refused([&] { gaugelink::grid_view(lattice, GLK_GAUGE, 1, data, many); }), "nine lanes");
    check(refused([&] { gaugelink::grid_view(lattice, GLK_GAUGE, 1, data, {}); }), "no lanes");
    check(!refused([&] { gaugelink::qdp_view(lattice, GLK_GAUGE, 1, two); }), "two planes");
    check(refused([&] { gaugelink::qdp_view(lattice, GLK_GAUGE, 1, nine); }), "nine planes");
    check(refused([&] { gaugelink::qdp_view(lattice, GLK_GAUGE, 1, none); }), "no planes");

    // One number comes back: views of two fields are refused, not written past it.
    glk_view v = gaugelink::dense_view(lattice, GLK_GAUGE, 1, data), u = v;
    v.nrhs = u.nrhs = 2;
    check(refused([&] { moved.forward(v, u); }), "forward of two fields");
    check(refused([&] { moved.inverse(u, v); }), "inverse of two fields");
    check(refused([&] { moved.log_density(u); }), "density of two fields");
    check(refused([&] { moved.sample(glk_rng{}, u); }), "two draws");
    check(refused([&] { gaugelink::force(gaugelink::plugin(other, argv[1]), lattice).action(u); }), "action of two fields");
  }
  return 0;
}
