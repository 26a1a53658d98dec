//! Lets the crate know whether it is compiled without optimisation. No `cfg` of Rust's says so: where a profile optimises
//! dependencies only, debug assertions stay on.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(unoptimized)");
    if std::env::var("OPT_LEVEL").is_ok_and(|level| level == "0") {
        println!("cargo::rustc-cfg=unoptimized");
    }
}
