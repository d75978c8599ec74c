//! Compiles the protobuf files without `protoc`: once for the gateway, whose requests are decoded
//! strictly, and once for clients, who must tolerate a newer gateway.

use std::{env, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Not asked of git: each commit would then compile everything anew.
    println!("cargo::rerun-if-env-changed=KETENPOORT_COMMIT");
    let version = env::var("CARGO_PKG_VERSION")?;
    let version = match env::var("KETENPOORT_COMMIT") {
        Ok(commit) if !commit.is_empty() => format!("{version} ({commit})"),
        _ => version,
    };
    println!("cargo::rustc-env=KETENPOORT_VERSIE={version}");
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=src/store/database/migrations");
    let services = ["beheer", "exchange", "inzage", "toezicht"].map(|name| format!("proto/ketenpoort/v1/{name}.proto"));
    let descriptors = protox::compile(services, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("ketenpoort.bin"), descriptors.encode_to_vec())?;

    let mut named = tonic_prost_build::Config::new();
    named.enable_type_names();
    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::grpc::codec::StrictCodec")
        .compile_fds_with_config(descriptors.clone(), named)?;

    let client = out.join("client");
    fs::create_dir_all(&client)?;
    tonic_prost_build::configure()
        .build_server(false)
        .extern_path(".ketenpoort.v1", "crate::proto")
        .out_dir(client)
        .compile_fds(descriptors)?;
    Ok(())
}
