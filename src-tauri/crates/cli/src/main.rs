//! The `bivouac` command line.
fn main() {}
