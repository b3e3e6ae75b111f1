//! Tests of the plots as files: well-formed, complete, small, and whole for degenerate input.

use super::*;
use gaugelink_sampler::statistics::{GammaMethod, Measured};
use quick_xml::{Reader, events::Event};

/// All text of an SVG, and how often each element occurs. Fails if it is not well-formed.
fn read(svg: &str) -> (String, std::collections::BTreeMap<String, usize>) {
    let mut reader = Reader::from_str(svg);
    let (mut text, mut elements) = (String::new(), std::collections::BTreeMap::new());
    let mut depth = 0;
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Eof => break,
            Event::Start(e) => {
                depth += 1;
                *elements.entry(e.name().0.to_owned()).or_default() += 1;
                e.attributes().for_each(|a| assert!(!a.unwrap().value.is_empty()));
            }
            Event::Empty(e) => {
                *elements.entry(e.name().0.to_owned()).or_default() += 1;
                e.attributes().for_each(|a| drop(a.unwrap()));
            }
            Event::End(_) => depth -= 1,
            Event::Text(t) => text.push_str(&t),
            Event::GeneralRef(r) => text.push_str(match &*r {
                "lt" => "<",
                "gt" => ">",
                "amp" => "&",
                "quot" => "\"",
                "apos" => "'",
                other => panic!("unknown entity {other}"),
            }),
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    assert_eq!(elements["svg"], 1);
    for bad in ["NaN", "inf", "script", "href"] {
        assert!(!svg.contains(bad), "{bad} in {svg}");
    }
    (text, elements)
}

fn history(series: &[f64]) -> HistoryPlot<'_> {
    HistoryPlot {
        title: "Wilson <gauge> & \"quenched\"",
        observable: "plaquette",
        series,
        first: 1.0,
        spacing: 1.0,
        unit: "trajectory",
        thermalisation: 0,
        estimate: None,
        reference: None,
    }
}

#[test]
fn averages_of_several_stages_stand_side_by_side() {
    let curve = |name: &str, error: f64| ConvergenceCurve {
        name: name.into(),
        points: [64.0, 256.0].map(|n: f64| (n, Measured { value: 0.5, error: error / n.sqrt() })).to_vec(),
    };
    let curves = [curve("hmc, stage 1", 4.0), curve("independence, stage 0", 0.8)];
    let plot = ConvergencePlot { observable: "condensate", curves: &curves, exact: Some(0.48) };
    let (text, elements) = read(&plot.svg());
    for words in ["condensate as measurements accumulate", "hmc, stage 1", "from 256", "exact", "1/√N"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // Two bands, two averages, two errors and the line beside them, with grid and axes.
    assert!(elements["path"] >= 7, "{elements:?}");
    read(&ConvergencePlot { observable: "condensate", curves: &[], exact: None }.svg());
}

/// A deterministic series that wiggles irregularly about 1/2.
fn wiggle(length: u32) -> Vec<f64> {
    (0..length).map(|i| 0.5 + 0.1 * (f64::from(i) * 1.7).sin() * (f64::from(i) * 0.313).cos()).collect()
}

#[test]
fn history_names_everything() {
    let series = wiggle(2000);
    let estimate = GammaMethod::default().mean(&series[100..]).unwrap();
    let mut plot = history(&series);
    plot.thermalisation = 100;
    plot.estimate = Some(&estimate);
    plot.reference = Some(("exact", 0.5));
    let (text, elements) = read(&plot.svg());
    for part in [
        "Wilson <gauge> & \"quenched\"",
        "plaquette",
        "trajectory",
        "thermalisation",
        "running mean",
        "exact",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(text.contains(&format!("plaquette = {}", estimate.measured())));
    assert_eq!(elements["clipPath"], 1);
    assert!(!text.contains("left out"));
}

#[test]
fn long_histories_stay_small() {
    let svg = history(&wiggle(1_000_000)).svg();
    read(&svg);
    assert!(svg.len() < 80_000, "{} bytes", svg.len());
}

#[test]
fn degenerate_histories_are_whole_plots() {
    for (series, message) in [
        (vec![], Some("no data to show")),
        (vec![f64::NAN, f64::INFINITY], Some("no data to show")),
        (vec![0.5], None),
        (vec![0.5; 40], None),
        (vec![1.0, f64::NAN, 2.0, f64::NEG_INFINITY, 3.0], Some("2 values that are not finite are left out")),
        (vec![1e-310, 1e300, -1e299], Some("One value that is not finite is left out")),
    ] {
        let mut plot = history(&series);
        plot.thermalisation = 1;
        let (text, _) = read(&plot.svg());
        assert!(message.is_none_or(|m| text.contains(m)), "{series:?}: {text}");
        assert_eq!(
            text.contains("left out"),
            message.is_some_and(|_| !series.is_empty()),
            "{series:?}: {text}"
        );
    }
}

#[test]
fn running_mean_ends_at_the_mean() {
    // After one measurement of thermalisation the mean is 3: the last point of the running mean lies on the
    // dashed line at 3.
    let series = [100.0, 1.0, 2.0, 6.0];
    let mut plot = history(&series);
    plot.thermalisation = 1;
    plot.reference = Some(("mean", 3.0));
    let svg = plot.svg();
    // The polylines in order: thermalisation, measurements, running mean.
    let last_points: Vec<(&str, &str)> = svg
        .lines()
        .filter(|l| l.contains("stroke-linejoin"))
        .map(|l| l.trim_end_matches("\"/>").rsplit('L').next().unwrap().split_once(' ').unwrap())
        .collect();
    let [_, (measured_x, _), (last_x, last_y)] = last_points[..] else { panic!("{last_points:?}") };
    assert_eq!(last_x, measured_x);
    let level = svg.lines().find(|l| l.contains("stroke-dasharray") && l.contains("#c8443f")).unwrap();
    let level_y = level.split("d=\"M").nth(1).unwrap().split([' ', 'h']).nth(1).unwrap();
    assert_eq!(last_y, level_y);
}

#[test]
fn autocorrelation_shows_window_and_time() {
    let estimate = GammaMethod::default().mean(&wiggle(400)).unwrap();
    let plot = AutocorrelationPlot { title: "t", observable: "P", lag_label: "lag", estimate: &estimate };
    let (text, elements) = read(&plot.svg());
    assert!(text.contains(&format!("summation window W = {}", estimate.window)));
    assert_eq!(elements["clipPath"], 2);
    let lags = (2 * estimate.window).max(10).min(estimate.autocorrelation.max_lag());
    // One marker a lag up to 80, and the one in the legend.
    assert_eq!(elements["circle"], (lags + 1).div_ceil((lags + 1).div_ceil(80)) + 1);
}

#[test]
fn correlator_separates_signs_and_counts_what_is_lost() {
    let measured = |value, error| Measured { value, error };
    let correlator = [
        measured(1.0, 0.01),
        measured(0.1, 0.2),
        measured(-0.01, 0.001),
        measured(0.0, 0.1),
        measured(f64::NAN, 0.0),
    ];
    let masses = [(0.5, measured(2.3, 0.1)), (1.5, measured(2.0, 3.0))];
    let plateau = Some(Plateau { from: 0.5, to: 1.5, mass: measured(2.3, 0.1) });
    let plot = CorrelatorPlot {
        title: "pion",
        name: "C(t)",
        correlator: &correlator,
        effective_mass: &masses,
        plateau,
    };
    let svg = plot.svg();
    let (text, elements) = read(&svg);
    let open =
        svg.split("<g stroke=\"#c8443f\" fill=\"#ffffff\">").nth(1).unwrap().split("</g>").next().unwrap();
    assert_eq!(open.matches("<circle").count(), 1);
    assert!(text.contains("negative, |C(t)|") && text.contains("plateau a m = 2.30(10)"));
    assert!(text.contains("2 values that are not finite or not positive are left out"), "{text}");
    assert!(text.contains("errors above 100% are not shown (1)"));
    // Three of the correlator, one mass, two legend entries.
    assert_eq!(elements["circle"], 6);
    let empty = CorrelatorPlot { correlator: &[], effective_mass: &[], plateau: None, ..plot };
    assert!(read(&empty.svg()).0.contains("no data to show"));
}

#[test]
fn flow_marks_the_reference_scale() {
    let measured = |value, error| Measured { value, error };
    let curve: Vec<_> =
        (1..200).map(|i| f64::from(i) * 0.02).map(|t| (t, measured(0.1 * t, 0.002))).collect();
    let plot = FlowPlot { title: "flow", curve: &curve, t0: Some(measured(3.0, 0.06)) };
    let (text, _) = read(&plot.svg());
    assert!(text.contains("= 3.000(60)"), "{text}");
    let short = FlowPlot { curve: &curve[..1], t0: None, ..plot };
    assert_eq!(read(&short.svg()).1["circle"], 2);
}

#[test]
fn a_training_shows_divergence_and_sample_size() {
    let points = [(100.0, 2.0, 0.05), (200.0, 0.5, 0.3)];
    let (text, _) = read(&TrainingPlot { title: "Training", points: &points, untrained: Some(0.42) }.svg());
    assert!(text.contains("KL divergence") && text.contains("without training"), "{text}");
    assert!(text.contains("After 200 steps"), "{text}");
    read(&TrainingPlot { title: "Nothing", points: &[], untrained: None }.svg());
}

#[test]
fn an_ensemble_shows_gaps_and_outliers() {
    let points: Vec<(f64, f64)> = (0..40)
        .filter(|i| ![7, 8, 20].contains(i))
        .map(|i| (f64::from(i) * 10.0, wiggle(40)[i as usize]))
        .collect();
    let estimate = GammaMethod::default().mean(&wiggle(400)).unwrap();
    let plot = EnsemblePlot {
        title: "b600",
        observable: "P",
        points: &points,
        stride: Some(10.0),
        outliers: &[3],
        limit: Some((estimate.value, 0.1)),
        estimate: Some(&estimate),
    };
    let (text, elements) = read(&plot.svg());
    assert!(text.contains("2 gaps") && text.contains("outliers") && text.contains("average"), "{text}");
    // A marker for each configuration, one for the outlier, and one in the legend.
    assert_eq!(elements["circle"], points.len() + 2);
    let sound = EnsemblePlot { stride: None, outliers: &[], ..plot.clone() };
    let (text, elements) = read(&sound.svg());
    assert!(!text.contains("gap") && !text.contains("outliers"), "{text}");
    assert_eq!(elements["circle"], points.len());
    let empty = EnsemblePlot { points: &[], estimate: None, ..sound };
    assert!(read(&empty.svg()).0.contains("no data to show"));
}

#[test]
fn kernels_lie_under_their_roof() {
    let kernel = |name: &str, gflops: f64, single: bool| Kernel {
        name: name.into(),
        intensity: if single { 2.0 } else { 1.0 },
        gflops,
        single,
    };
    let kernels = [
        kernel("hop", 30.0, false),
        kernel("force", 40.0, false),
        kernel("force", 20.0, false),
        kernel("force", 50.0, true),
    ];
    let plot =
        RooflinePlot { title: "Roof", kernels: &kernels, triad: 25.0, peaks: [Some(100.0), Some(200.0)] };
    let svg = plot.svg();
    let (text, elements) = read(&svg);
    assert!(text.contains("roof in f32") && text.contains("25.0 GB/s"), "{text}");
    assert!(text.contains("1 hop, 2 force."), "{text}");
    // A number a name and precision; in f64 that of the force stands at its faster one, above the hop's.
    let heights = |number: u32| -> Vec<f64> {
        let notes = svg.lines().filter(|line| line.ends_with(&format!("font-size=\"11\">{number}</text>")));
        notes.map(|line| line.split('"').nth(3).unwrap().parse().unwrap()).collect()
    };
    let (hop, force) = (heights(1), heights(2));
    assert!(hop.len() == 1 && force.len() == 2 && force[0] < hop[0], "{hop:?} {force:?}");
    // A marker for each, and two in the legend.
    assert_eq!(elements["circle"], 4 + 2);
    // The roof rises and is flat from the ridge on, at 4 flop/byte.
    let roof = svg.lines().find(|line| line.contains("stroke-linejoin")).unwrap();
    let heights: Vec<f64> = roof
        .split("d=\"M")
        .nth(1)
        .unwrap()
        .trim_end_matches("\"/>")
        .split('L')
        .map(|point| point.split_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert!(heights.len() == 3 && heights[0] > heights[1] && heights[1] == heights[2], "{roof}");
    let bare = RooflinePlot { kernels: &[], peaks: [None; 2], ..plot };
    assert!(read(&bare.svg()).0.contains("no data to show"));
}
