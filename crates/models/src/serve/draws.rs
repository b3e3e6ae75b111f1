//! Random numbers as the host addresses them.

use gaugelink_lattice::rng::{Address, Purpose};
use gaugelink_plugin_sdk::{Error, Result, Rng, raw};
use sha2::{Digest, Sha256};

/// Where the numbers of a call come from: they depend on key, epoch, call, the field of the batch (the chain to be set)
/// and the global site alone, as `GLK_RNG_CHACHA20` wants it. The numbers are this library's own: the key is hashed to the
/// seed of its addresses, whose generator is ChaCha8.
///
/// # Errors
/// `UNSUPPORTED` for an algorithm that is not counter based.
pub fn draws(rng: &Rng) -> Result<Address> {
    if rng.algorithm != raw::GLK_RNG_CHACHA20 {
        let algorithm = rng.algorithm;
        return Err(Error::unsupported(format!("rng.algorithm is {algorithm}; CHACHA20 (1) is served")));
    }
    let hash: [u8; 32] = Sha256::digest(rng.key).into();
    let seed = u64::from_le_bytes(std::array::from_fn(|i| hash[i]));
    Ok(Address::new(seed, Purpose::Proposal).sample(rng.call).trajectory(rng.epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_address_counts() {
        let base = Rng { algorithm: 1, key: [7; 32], ..Rng::default() };
        let mut key = base;
        key.key[31] ^= 1;
        let others = [base, key, Rng { epoch: 1, ..base }, Rng { call: 1, ..base }];
        let mut first: Vec<u64> =
            others.iter().map(|rng| draws(rng).unwrap().generator().stream(3).bits()).collect();
        first.push(draws(&base).unwrap().chain(1).generator().stream(3).bits());
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 5);
        assert!(draws(&Rng { algorithm: 2, ..base }).unwrap_err().message.contains("algorithm is 2"));
    }
}
