//! Cases run once, on small lattices.

use super::*;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn small(precision: Option<Precision>) -> Request {
    let volumes = vec![vec![4; 4], vec![8; 2]];
    Request {
        volumes,
        threads: 2,
        precision,
        effort: Effort::once(),
        folder: None,
        sources: 1,
        planner: None,
    }
}

fn lines(name: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    run(&[name], &small(None), &mut |line| {
        lines.push(line);
        Ok(())
    })
    .unwrap();
    lines
}

#[test]
fn every_name_runs_and_its_lines_are_complete() {
    for (name, _) in NAMES.into_iter().filter(|(name, _)| *name != SOLVE) {
        let lines = lines(name);
        assert!(!lines.is_empty(), "{name}");
        for line in &lines {
            assert!(line.case.starts_with(name), "{line:?}");
            let alone = ["io", "calls"].contains(&name);
            assert!(line.threads == 2 || alone && line.threads == 1, "{line:?}");
            // Of what a clock shows, work may be nothing; so may allocations.
            let may_be_none = ["ns_of_work", "allocations"].contains(&line.metric);
            let least = if may_be_none { 0.0 } else { f64::MIN_POSITIVE };
            assert!(line.value >= least && line.value.is_finite(), "{line:?}");
            let compared = [line.limit.is_some(), line.limit_name.is_some(), line.ratio.is_some()];
            assert!(compared == [true; 3] || compared == [false; 3], "{line:?}");
        }
        if !["limits", "calls"].contains(&name) {
            assert!(lines.iter().any(|l| l.metric == "seconds" && l.unit == "s"), "{name}");
        }
    }
}

#[test]
fn files_are_compared_with_memory_the_kernel_and_sites_one_by_one() {
    let lines = lines("io");
    for direction in ["io write 4x4x4x4 f64 on /", "io read 4x4x4x4 f64 on /"] {
        for threads in [1, 2] {
            let of = lines.iter().filter(|l| l.case.starts_with(direction) && l.threads == threads);
            let limits: Vec<_> = of.filter_map(|l| l.limit_name).collect();
            assert_eq!(limits, ["memcpy", "kernel", "sitewise"], "{direction}, {threads} threads");
        }
    }
}

#[test]
fn files_go_where_they_are_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request { folder: Some(folder.path().into()), ..small(None) };
    let mut cases = Vec::new();
    run(&["io"], &request, &mut |line| {
        cases.push(line.case);
        Ok(())
    })
    .unwrap();
    let place = format!("f64 on {}", folder.path().display());
    assert!(cases.iter().any(|case| case.ends_with(&place)), "{cases:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn every_kind_of_call_is_compared_with_the_limit() {
    let lines = lines("calls");
    for case in [
        "flow in C forward",
        "force in C action",
        "precond in C setup",
        "precond in C apply",
        "proposal in C propose",
        "flow in Rust forward",
        "force in Rust action",
        "precond in Rust apply",
        "precond in Rust cost",
    ] {
        let of = |metric: &str| {
            let case = format!("calls {case}");
            lines.iter().find(|l| l.case == case && l.metric == metric).unwrap_or_else(|| panic!("{case}"))
        };
        let (total, cost) = (of("ns_per_call"), of("ns"));
        assert!(cost.value <= total.value && cost.limit == Some(20.0), "{total:?} {cost:?}");
        assert!((cost.ratio.unwrap() - 20.0 / cost.value).abs() < 1e-12);
    }
}

#[test]
fn the_hop_is_compared_with_the_arithmetic_and_with_memory() {
    let lines = lines("dslash");
    for precision in ["f64", "f32"] {
        let of = |metric: &str| {
            let case = format!("dslash 4x4x4x4 {precision}");
            lines.iter().find(|l| l.case == case && l.metric == metric).unwrap()
        };
        assert_eq!(of("gflops").limit_name, Some("fma_peak"));
        assert_eq!(of("gbytes").limit_name, Some("triad"));
        let (speed, per_triad) = (of("gflops"), of("gflops_per_triad"));
        assert!((speed.ratio.unwrap() - speed.value / speed.limit.unwrap()).abs() < 1e-12);
        assert!(
            (per_triad.value - speed.value / of("gbytes").limit.unwrap()).abs() < 1e-12 * per_triad.value
        );
    }
}

#[test]
fn the_roofline_is_the_lesser_limit() {
    for name in ["dslash", "force", "layers", "coupling", "trajectory", "cg"] {
        let lines = lines(name);
        let mut told = 0;
        for line in lines.iter().filter(|l| l.metric == "roofline") {
            let of = |metric: &str| lines.iter().find(|l| l.case == line.case && l.metric == metric).unwrap();
            let fractions = [of("gflops").ratio.unwrap(), of("gbytes").ratio.unwrap()];
            assert_eq!(line.value, fractions[0].max(fractions[1]), "{line:?}");
            let roof = if fractions[0] >= fractions[1] { "of fma_peak" } else { "of triad" };
            assert_eq!(line.unit, roof, "{line:?}");
            assert_eq!(of("triad_gbytes").value, of("gbytes").limit.unwrap());
            told += 1;
        }
        assert!(told > 0, "{name}");
    }
}

/// On the lattices that frameworks were timed on their times stand beside ours.
#[test]
fn trainings_are_compared_with_frameworks() {
    let request = Request { volumes: vec![vec![8, 8]], ..small(Some(Precision::F32)) };
    let mut lines = Vec::new();
    run(&["train"], &request, &mut |line| {
        lines.push(line);
        Ok(())
    })
    .unwrap();
    let of = |metric: &str| lines.iter().filter(|line| line.metric == metric).collect::<Vec<_>>();
    let (seconds, all, rates) = (of("seconds"), of("cpu_seconds"), of("samples_per_second"));
    assert_eq!((seconds.len(), all.len(), rates.len()), (6, 6, 6));
    for (seconds, all) in seconds.iter().zip(all) {
        assert_eq!(all.value, seconds.value * all.threads as f64);
        assert_eq!(all.ratio, Some(all.limit.unwrap() / all.value), "{all:?}");
    }
    assert!((rates[0].value * seconds[0].value - 64.0).abs() < 1e-9);
}

#[test]
fn kernels_are_drawn() {
    let mut all = Vec::new();
    for name in ["limits", "dslash", "heatbath", "coupling"] {
        all.extend(lines(name));
    }
    let svg = roofline(&all).unwrap();
    for name in ["1 dslash, ", "coupling pullback.", "on 2 threads", "roof in f32"] {
        assert!(svg.contains(name), "{name} is missing in {svg}");
    }
    assert!(!svg.contains("heatbath"), "its operations are not known");
    let error = roofline(&lines("limits")).unwrap_err().to_string();
    assert!(error.contains("--plot") && error.contains("dslash"), "{error}");
}

#[test]
fn several_names_and_volumes_are_timed() {
    let request = Request { volumes: vec![vec![4; 4], vec![2, 2, 2, 4], vec![4, 8]], ..small(None) };
    let mut cases = Vec::new();
    run(&["coupling", "train", "plaquette", "force"], &request, &mut |line| {
        cases.push(line.case);
        Ok(())
    })
    .unwrap();
    cases.dedup();
    let expected = [
        "force 4x4x4x4 f64",
        "force 2x2x2x4 f64",
        "plaquette 4x4x4x4 f64",
        "plaquette 2x2x2x4 f64",
        "coupling forward 4x8 f64",
        "coupling pullback 4x8 f64",
        "coupling forward 4x8 f32",
        "coupling pullback 4x8 f32",
        "train step 64 4x8 f64",
        "train step 1024 4x8 f64",
        "train draws 1024 4x8 f64",
        "train phi4 step 64 4x8 f64",
        "train phi4 step 1024 4x8 f64",
        "train phi4 draws 1024 4x8 f64",
        "train step 64 4x8 f32",
        "train step 1024 4x8 f32",
        "train draws 1024 4x8 f32",
        "train phi4 step 64 4x8 f32",
        "train phi4 step 1024 4x8 f32",
        "train phi4 draws 1024 4x8 f32",
    ];
    assert_eq!(cases, expected);
}

#[test]
fn wrong_requests_say_what_is_right() {
    let refused = |name: &str, request: &Request| {
        let error = run(&[name], request, &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    assert!(refused("dslsh", &small(None)).contains("overrelaxation"));
    assert!(refused("force", &small(Some(Precision::F32))).contains("f64 only"));
    let elsewhere = Request { folder: Some("/tmp".into()), ..small(None) };
    assert!(refused("force", &elsewhere).contains("leave out --folder"));
    let plane = Request { volumes: vec![vec![8; 2]], ..small(None) };
    assert!(refused("dslash", &plane).contains("16x16x16x16"));
    let four = Request { volumes: vec![vec![8; 4]], ..small(None) };
    assert!(refused("coupling", &four).contains("two extents"));
    for volume in ["8x8x8", "8x8x8x7", "axbxcxd", "", "8x8x8x8x8", "0x8x8x8"] {
        let error = Request::parse(&[volume.into()], 1, None).unwrap_err().to_string();
        assert!(error.contains("16x16x16x32"), "{error}");
    }
    let error = Request::parse(&[], 1, Some("double")).unwrap_err().to_string();
    assert!(error.contains("f64 or f32"), "{error}");
}

#[test]
fn every_solver_reaches_the_residual_at_every_mass() {
    let lines = lines(SOLVE);
    let of = |metric: &str| lines.iter().filter(|l| l.metric == metric).collect::<Vec<_>>();
    // Two configurations, four masses, four solvers.
    assert_eq!(of("residual").len(), 2 * 4 * 4);
    for line in of("residual") {
        assert!(line.value <= 1.1e-8, "{line:?}");
    }
    for (metric, least) in [("iterations", 1.0), ("d_equivalents", 4.0), ("seconds", f64::MIN_POSITIVE)] {
        assert!(of(metric).iter().all(|line| line.value >= least), "{metric}");
    }
    for (with, without) in of("with_setup").iter().zip(of("seconds")) {
        let made = with.case.ends_with("multigrid") || with.case.ends_with("sap-gmres");
        assert_eq!(with.value > without.value, made, "{with:?} {without:?}");
    }
}
