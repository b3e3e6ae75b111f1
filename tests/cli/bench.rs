//! Times are told in numbers that programs read.

use crate::program::{Scratch, json_lines};

#[test]
fn a_kernel_tells_all_of_its_numbers() {
    let scratch = Scratch::new("");
    let names = ["bench", "plaquette", "force", "--volume", "4x4x4x4", "--threads", "1"];
    let lines = json_lines(&scratch.succeeds(&[&names[..], &["--json", "--plot", "roof.svg"]].concat()));
    for case in ["plaquette 4x4x4x4 f64", "force 4x4x4x4 f64"] {
        let of = |metric: &str| {
            let line = lines.iter().find(|line| line["case"] == case && line["metric"] == metric);
            line.unwrap_or_else(|| panic!("{case}: no {metric}"))["value"].as_f64().unwrap()
        };
        for metric in ["seconds", "ns_per_site", "gflops", "gbytes", "gflops_per_triad", "triad_gbytes"] {
            assert!(of(metric) > 0.0, "{case}: {metric}");
        }
        assert!(of("roofline") > 0.0 && of("allocations") < 10.0);
        assert!((of("gflops_per_triad") * of("triad_gbytes") / of("gflops") - 1.0).abs() < 1e-12);
    }
    let plot = std::fs::read_to_string(scratch.path("roof.svg")).unwrap();
    assert!(plot.contains("Kernels on one thread") && plot.contains("1 force, 2 plaquette."), "{plot}");
}
