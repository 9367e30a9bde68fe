//! The `kt` command.
fn main() {}
