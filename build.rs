//! What `cargo build` cannot be told in Cargo.toml: how the shared library is linked, and the C headers.

#[path = "build/headers.rs"]
mod headers;
#[path = "build/link.rs"]
mod link;
#[path = "build/symbols.rs"]
mod symbols;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    let symbols = symbols::read();
    link::shared_library(&symbols);
    headers::write(&symbols);
}
