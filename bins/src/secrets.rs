//! Sealed values in the files of an orb: where they are, how they are found, written and sealed anew.

mod address;
mod audit;
mod boom;
mod inventory;
mod rewrite;
mod rotate;
mod store;

pub use audit::{Finding, Limit, audit};
pub use inventory::{Inventory, Item, Reference, slots_of};
pub use rewrite::write_value;
pub use rotate::{Rotated, reseal_files, rotate};
pub use store::{StoreFiles, password_store};
