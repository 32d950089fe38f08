//! Symbol versions: each export names the version node that the real library gives it.

/// Binds exports of the same module to their version nodes, e.g.
/// `symver! { "LIBVIRT_0.0.3" => virDomainSuspend, virDomainResume; }`.
///
/// Rust passes a version script of its own to the linker, and two scripts do not mix; so each symbol carries its node
/// in the object file and `build.rs` only declares the nodes. It sets `symbol_versions` where it does.
///
/// Three at-signs rename the symbol where two would add a second one: GNU ld calls the pair a multiple definition, and
/// LTO may take the first away. `symbols.map` lists the same for those who link and check without reading Rust.
macro_rules! symver {
    ($($node:literal => $($name:ident),+ $(,)?;)+) => {$($(
        #[cfg(symbol_versions)]
        std::arch::global_asm!(concat!(".symver ", stringify!($name), ", ", stringify!($name), "@@@", $node));
    )+)+};
}
pub(super) use symver;
