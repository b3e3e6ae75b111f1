#!/usr/bin/env python3
"""A training step of the published flow of two-dimensional U(1) with JAX, beside `gaugelink bench train` in the same run.

The flow (Kanwar et al., arXiv:2003.06413; Albergo et al., arXiv:2101.08176): 16 coupling layers, each with a mixture of two
non-compact projections whose parameters come from circular 3x3 convolutions of 2, 8, 8 and 3 channels, leaky ReLU between;
15 280 parameters; reverse Kullback-Leibler divergence at beta = 2 with Adam at 1e-3, links drawn uniformly.

    pip install jax                                             # wherever Python is; nothing else is needed
    benches/peers/u1_coupling.py target/release/gaugelink       # steps and draws, one thread, as ratios
    benches/peers/u1_coupling.py --check                        # log det against the Jacobian by JAX's own derivative

Times are processor seconds on one thread, the least of several runs, without JAX's compilation.
"""

import argparse
import json
import os
import subprocess
import sys
import time

# Before JAX is imported: one thread, as the other side has.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

LAYERS, COMPONENTS, BETA, RATE = 16, 2, 2.0, 1e-3
CHANNELS = (2, 8, 8, COMPONENTS + 1)


def flow_of(jax, extent, dtype):
    """The functions of the flow on extent x extent sites: first parameters, map with log q, loss, step."""
    jnp, lax = jax.numpy, jax.lax
    tau = 2.0 * jnp.pi
    shape = (extent, extent)

    def stripes(layer):
        """Masks of a layer: links that move; plaquettes that are read."""
        mu, offset = layer % 2, (layer // 2) % 4
        position = jnp.arange(extent).reshape((1, extent) if mu == 0 else (extent, 1)) + jnp.zeros(shape, int)
        residue = (position - offset) % 4
        return residue == 0, (residue == 1) | (residue == 2)

    def first_parameters(key):
        parameters = []
        for _ in range(LAYERS):
            net = []
            for inputs, outputs in zip(CHANNELS[:-1], CHANNELS[1:]):
                key, for_weights, for_offsets = jax.random.split(key, 3)
                bound = (9 * inputs) ** -0.5
                weights = jax.random.uniform(for_weights, (outputs, inputs, 3, 3), dtype, -bound, bound)
                offsets = jax.random.uniform(for_offsets, (outputs,), dtype, -bound, bound)
                net.append((weights, offsets))
            parameters.append(net)
        return parameters

    def plaquettes(theta):
        x, y = theta[:, 0], theta[:, 1]
        return x + jnp.roll(y, -1, axis=1) - jnp.roll(x, -1, axis=2) - y

    def convolve(net, features):
        for index, (weights, offsets) in enumerate(net):
            around = jnp.pad(features, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap")
            features = lax.conv(around, weights, (1, 1), "VALID") + offsets[:, None, None]
            if index + 1 < len(net):
                features = jnp.where(features > 0, features, 0.01 * features)
        return features

    def mixture(phi, scales):
        """The mean of the components' images of an angle, and the log of its derivative."""
        half = 0.5 * phi
        sin, cos = jnp.sin(half)[:, None], jnp.cos(half)[:, None]
        images = 2.0 * jnp.arctan2(jnp.exp(0.5 * scales) * sin, jnp.exp(-0.5 * scales) * cos)
        logs = -jnp.log(jnp.exp(-scales) * cos * cos + jnp.exp(scales) * sin * sin)
        slope = jax.scipy.special.logsumexp(logs, axis=1) - jnp.log(1.0 * COMPONENTS)
        return jnp.mean(images % tau, axis=1), slope

    def forward(parameters, theta):
        log_det = jnp.zeros(theta.shape[0], dtype)
        for layer, net in enumerate(parameters):
            moves, frozen = stripes(layer)
            angle = plaquettes(theta)
            read = angle * frozen
            out = convolve(net, jnp.stack((jnp.cos(read), jnp.sin(read)), axis=1))
            phi = angle % tau
            image, slope = mixture(phi, out[:, :COMPONENTS])
            shift = jnp.where(moves, (image + out[:, COMPONENTS]) % tau - phi, 0.0)
            log_det += jnp.sum(jnp.where(moves, slope, 0.0), axis=(1, 2))
            mu = layer % 2
            theta = theta.at[:, mu].add(shift if mu == 0 else -shift)
        return theta, log_det

    def losses(parameters, theta):
        """ln q + S of the images, up to the constant of uniform links."""
        image, log_det = forward(parameters, theta)
        return -log_det - BETA * jnp.sum(jnp.cos(plaquettes(image)), axis=(1, 2))

    def draw(key, batch):
        return jax.random.uniform(key, (batch, 2) + shape, dtype, 0.0, tau)

    def step(state, key, batch):
        parameters, mean, square, number = state
        loss = lambda p: jnp.mean(losses(p, draw(key, batch)))
        value, gradient = jax.value_and_grad(loss)(parameters)
        number += 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradient)
        size = RATE * jnp.sqrt(1.0 - 0.999**number) / (1.0 - 0.9**number)
        move = lambda p, m, v: (p - size * m / (jnp.sqrt(v) + 1e-8)).astype(dtype)
        return (jax.tree.map(move, parameters, mean, square), mean, square, number), value

    return first_parameters, forward, losses, draw, step


def check(jax):
    """The log det against the determinant of the Jacobian, in double precision on 4x4."""
    jnp = jax.numpy
    first, forward, _, draw, _ = flow_of(jax, 4, jnp.float64)
    parameters, theta = first(jax.random.key(1)), draw(jax.random.key(2), 1)
    flat = lambda x: forward(parameters, x.reshape(theta.shape))[0].reshape(-1)
    _, expected = jnp.linalg.slogdet(jax.jacobian(flat)(theta.reshape(-1)))
    found = forward(parameters, theta)[1][0]
    count = sum(w.size + b.size for net in parameters for w, b in net)
    print(f"{count} parameters; log det {found:.12f}, of the Jacobian {expected:.12f}")
    return abs(found - expected) < 1e-9 and count == 15280


def least(run, repeats):
    """Processor seconds of the fastest of several runs; the first one compiles."""
    run()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times)


def of_jax(jax, extent, dtype):
    """Processor seconds by case."""
    jnp = jax.numpy
    first, _, losses, draw, step = flow_of(jax, extent, dtype)
    parameters, times = first(jax.random.key(1)), {}
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    for batch in (64, 1024):
        compiled = jax.jit(lambda state, key: step(state, key, batch))
        state = [(parameters, zeros, zeros, jnp.asarray(0.0, dtype))]

        def run():
            state[0], value = compiled(state[0], jax.random.key(int(state[0][3])))
            value.block_until_ready()

        times[f"train step {batch}"] = least(run, 20 if batch == 64 else 5)
    drawn = jax.jit(lambda key: losses(parameters, draw(key, 1024)))
    times["train draws 1024"] = least(lambda: drawn(jax.random.key(3)).block_until_ready(), 5)
    return times


def of_gaugelink(program, extent, precision):
    """Processor seconds by case, on one thread."""
    volume = f"{extent}x{extent}"
    command = [program, "bench", "train", "--json", "--threads", "1", "--volume", volume, "--precision", precision]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    lines = [json.loads(line) for line in lines]
    end = f" {volume} {precision}"
    return {line["case"].removesuffix(end): line["value"] for line in lines if line["metric"] == "cpu_seconds"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", help="the program gaugelink")
    parser.add_argument("--check", action="store_true", help="check the flow of this file")
    arguments = parser.parse_args()
    try:
        import jax
    except ImportError:
        sys.exit("u1_coupling.py: there is no JAX here: pip install jax")
    jax.config.update("jax_enable_x64", True)
    if arguments.check:
        sys.exit(0 if check(jax) else "u1_coupling.py: the log det is not that of the map")
    if not arguments.program:
        parser.error("give the program gaugelink, e.g. target/release/gaugelink")
    print(f"JAX {jax.__version__}, one thread, processor seconds")
    print(f"{'case':<28} {'gaugelink':>10} {'JAX':>10} {'ratio':>8}")
    for extent in (8, 16):
        for precision, dtype in (("f64", jax.numpy.float64), ("f32", jax.numpy.float32)):
            ours, theirs = of_gaugelink(arguments.program, extent, precision), of_jax(jax, extent, dtype)
            for case, seconds in theirs.items():
                name = f"{case} {extent}x{extent} {precision}"
                print(f"{name:<28} {ours[case]:>10.5f} {seconds:>10.5f} {seconds / ours[case]:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
