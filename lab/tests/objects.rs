//! Objects on a real API server: applied, compared, repaired and taken away again.

mod objects {
    mod drift;
    mod failures;
    mod pruning;
    mod site;
}
