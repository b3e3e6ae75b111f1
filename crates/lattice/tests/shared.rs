//! One lattice, used by several threads of a host at once.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_lattice::{Lattice, LatticeOptions, MomentumField};

#[test]
fn sums_of_threads_that_share_a_lattice_do_not_mix() {
    let options = LatticeOptions { threads: 2, ..LatticeOptions::default() };
    let lattice = Lattice::new(&[8, 8, 4], options).unwrap();
    let fields = [1, 2, 3].map(|seed| {
        let mut field = MomentumField::<f64, 2>::zeroed(&lattice).unwrap();
        field.refresh(Address::new(seed, Purpose::Start));
        field
    });
    let alone = fields.each_ref().map(|field| field.norm2()[0]);
    std::thread::scope(|scope| {
        for (field, alone) in fields.iter().zip(alone) {
            scope.spawn(move || (0..2000).for_each(|_| assert_eq!(field.norm2()[0], alone)));
        }
    });
}
