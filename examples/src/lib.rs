//! House rules live in `tests/`.
