//! `cargo bench -p orbos-secrets`: how long 10,000 values take to seal and to open on one core.
//!
//! A plain program instead of a harness: it needs one number, not statistics, and fails beyond the goal.
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use orbos_secrets::{Cipher, OrbCipher, OrbKey, Place, Secret, generate::OsRng};
use std::time::{Duration, Instant};

const VALUES: usize = 10_000;
const GOAL: Duration = Duration::from_secs(1);

fn main() -> Result<(), orbos_secrets::Error> {
    let cipher = OrbCipher::new(OrbKey::generate(&mut OsRng)?, None);
    for (what, length) in [("passwords of 24 bytes", 24), ("keys of 3 KiB", 3072)] {
        let secret = Secret::new(vec![b'x'; length]);
        let places: Vec<_> = (0..VALUES)
            .map(|number| Place::new("example/orb", "orbiter.yml", format!("spec.secret{number}")))
            .collect();

        let start = Instant::now();
        let sealed = places.iter().map(|place| cipher.seal(&secret, place)).collect::<Result<Vec<_>, _>>()?;
        let sealing = start.elapsed();

        let start = Instant::now();
        for (place, sealed) in places.iter().zip(&sealed) {
            assert_eq!(cipher.open(sealed, place)?.len(), length);
        }
        let opening = start.elapsed();

        println!("{VALUES} {what}: sealed in {sealing:.1?}, opened in {opening:.1?} (goal {GOAL:?} each)");
        assert!(sealing <= GOAL && opening <= GOAL, "slower than the goal");
    }
    Ok(())
}
