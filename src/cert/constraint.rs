//! Name constraints.
