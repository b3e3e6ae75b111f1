//! Promises of a proposal: it stays in the group, depends on its address alone, and with its weights it is as likely to
//! go back as to go there.

use super::fields::{Setting, numbers};
use super::layouts::{Argument, Operation, rounded};
use super::log::{Log, Verdict};
use super::plane::Plane;
use super::{LENT, Subject, abi, layouts, rig};
use crate::{Exec, HostError, ProposalObject};
use gaugelink_lattice::group::algebra_dim;
use gaugelink_plugin_sdk::{Rng, View, ViewMut, raw};
use std::cell::RefCell;

/// The chain whose balance is measured: blocks, and the proposals of each; the first block is left out.
const BLOCKS: u64 = 21;
const BLOCK: u64 = 200;
/// Standard errors that a mean may be off.
const SIGMAS: f64 = 5.0;

struct Mover<'s> {
    object: RefCell<ProposalObject<'s>>,
    setting: Setting,
}

impl Mover<'_> {
    /// U' and its log weights, for one field or a batch.
    fn run(&self, u: &[f64], rng: &Rng, threads: usize) -> Result<(Vec<f64>, Vec<f64>), HostError> {
        let (lattice, n) = (&self.setting.lattice, self.setting.n);
        let mut weights = Plane::filled(f64::NAN, u.len() / self.setting.len());
        let (u, mut moved) = (Plane::of(u), Plane::filled(f64::NAN, u.len()));
        let from = View::gauge(&u, lattice, n).expect("whole fields");
        let mut to = ViewMut::gauge(&mut moved, lattice, n).expect("whole fields");
        let mut object = self.object.borrow_mut();
        object.propose(Exec { threads }, rng, (&from, &mut to), (&[], &mut []), &mut weights)?;
        Ok((moved.to_vec(), weights.to_vec()))
    }
    fn step(&self, u: &[f64], rng: &Rng) -> Result<(Vec<f64>, f64), HostError> {
        let (moved, weights) = self.run(u, rng, 1)?;
        Ok((moved, weights[0]))
    }
}

pub(super) fn component(subject: &Subject, log: &mut Log) {
    let mut refusal = String::from("no lattice was tried");
    for setting in Setting::all() {
        let request = subject.request(&setting.lattice);
        let tried = ProposalObject::create(subject.plugin, subject.services, &request).and_then(|object| {
            let mover = Mover { object: RefCell::new(object), setting: setting.clone() };
            mover.step(&setting.gauge(1), &rig::draws(0)).map(|_| mover)
        });
        match tried {
            Ok(mover) => {
                log.check("create", || Verdict::passed(format!("serves {}", setting.name())));
                abi::component(subject, &setting, log);
                layouts::component(subject, &setting.lattice, &[operation(&mover)], false, log);
                return promises(&mover, subject, log);
            }
            Err(error) => refusal = log.not_served(&setting.name(), &error),
        }
    }
    log.check("create", || {
        Verdict::failed(format!("serves none of the checker's lattices; last answer: {refusal}"))
    });
}

fn operation<'m>(mover: &'m Mover) -> Operation<'m> {
    let (setting, object) = (&mover.setting, &mover.object);
    let gauge = setting.on_links(raw::GLK_GAUGE);
    let links = rounded([setting.gauge(11), setting.gauge(12)].concat());
    Operation {
        name: "propose",
        inputs: vec![Argument { kind: gauge, fields: links, single: false }],
        output: Some(gauge),
        returns_numbers: true,
        random: true,
        run: Box::new(move |u, moved, weights| {
            let (exec, rng) = (Exec { threads: 1 }, rig::draws(1));
            object.borrow_mut().propose(exec, &rng, (&u[0], &mut moved[0]), (&[], &mut []), weights)
        }),
    }
}

fn promises(mover: &Mover, subject: &Subject, log: &mut Log) {
    let setting = &mover.setting;
    let (u, plain) = (setting.gauge(1), rig::draws(1));
    log.check("draws", || {
        let mut others = [plain; 4];
        (others[1].call, others[2].epoch, others[3].key[31]) = (2, 4, 43);
        let moved: Result<Vec<_>, _> = others.iter().map(|rng| mover.step(&u, rng)).collect();
        match moved {
            Ok(moved) => {
                let repeated =
                    (1..4).filter(|&i| moved[..i].iter().any(|other| other.0 == moved[i].0)).count();
                let sentence =
                    format!("{repeated} of 3 other addresses (call, epoch, key) give the same links");
                Verdict::of(repeated == 0, sentence)
            }
            Err(error) => Verdict::error(&error),
        }
    });
    log.check("batch of draws", || {
        let twice = [&u[..], &u[..]].concat();
        match (mover.run(&twice, &plain, 1), mover.step(&u, &plain)) {
            (Ok((moved, weights)), Ok((alone, weight))) => {
                let (first, second) = moved.split_at(u.len());
                let good = first == alone && weights[0] == weight && first != second;
                Verdict::of(good, "the first field of a batch moves as it does alone, the second otherwise")
            }
            (Err(error), _) | (_, Err(error)) => Verdict::error(&error),
        }
    });
    log.limit("group", "U' − the nearest links in the group", 1e-12, || {
        let moved = mover.step(&u, &plain)?.0;
        Ok(setting.off_group(&moved))
    });
    let propose = |mover: &Mover, threads| {
        let (mut u, weights) = mover.run(&u, &plain, threads)?;
        u.extend(weights);
        Ok(u)
    };
    let promised = subject.promises(raw::GLK_CAP_DETERMINISTIC);
    log.determinism(
        promised,
        "propose",
        |threads| propose(mover, threads),
        || {
            let request = subject.request(&mover.setting.lattice);
            let object = ProposalObject::create(subject.plugin, subject.lending, &request)?;
            propose(&Mover { object: RefCell::new(object), setting: mover.setting.clone() }, LENT)
        },
    );
    balance(mover, log);
}

/// A chain without an action that takes proposals by their weights samples the Haar measure, in which U → U' is as often
/// as U' → U: the mean trace vanishes, and so does that of Ta(U' U†).
fn balance(mover: &Mover, log: &mut Log) {
    log.check("balance", || match chain(mover) {
        Err(error) => Verdict::error(&error),
        Ok(Chain { taken, sigmas }) => {
            let total = (BLOCKS - 1) * BLOCK;
            let worst = sigmas.iter().fold(0.0f64, |worst, x| if x.is_nan() { *x } else { worst.max(*x) });
            let sentence = format!(
                "{taken} of {total} proposals taken; the mean trace, or that of Ta(U' U†), is {worst:.1} standard \
                 errors from 0 (limit {SIGMAS})"
            );
            Verdict::of(taken > 0 && worst < SIGMAS, sentence)
        }
    });
}

struct Chain {
    taken: u64,
    /// Distance of each mean from 0 in standard errors.
    sigmas: Vec<f64>,
}

fn chain(mover: &Mover) -> Result<Chain, HostError> {
    let (setting, dim) = (&mover.setting, algebra_dim(mover.setting.n));
    // The links at the start have no weight: the first proposal is taken.
    let (mut u, mut weight) = (setting.gauge(1), f64::NEG_INFINITY);
    let mut blocks = vec![Vec::new(); 1 + dim];
    let mut taken = 0;
    for block in 0..BLOCKS {
        let mut sums = vec![0.0; 1 + dim];
        for call in block * BLOCK..(block + 1) * BLOCK {
            let (moved, proposed) = mover.step(&u, &rig::draws(call))?;
            // NaN is a rejection.
            if numbers(1000 + call, 1)[0].abs() < (proposed - weight).exp() {
                let turn = setting.quotient(&moved, &u);
                turn.iter().for_each(|c| sums[1..].iter_mut().zip(c).for_each(|(sum, c)| *sum += c));
                (u, weight) = (moved, proposed);
                taken += u64::from(block > 0);
            }
            sums[0] += setting.mean_trace(&u);
        }
        if block > 0 {
            blocks.iter_mut().zip(sums).for_each(|(blocks, sum)| blocks.push(sum));
        }
    }
    Ok(Chain { taken, sigmas: blocks.iter().map(|blocks| sigmas(blocks)).collect() })
}

/// |mean| in units of its standard error.
fn sigmas(blocks: &[f64]) -> f64 {
    let count = blocks.len() as f64;
    let mean = blocks.iter().sum::<f64>() / count;
    let variance = blocks.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // A mean of exactly 0 has no spread.
    if mean == 0.0 { 0.0 } else { mean.abs() / (variance / count).sqrt() }
}
