//! The types compiled from `proto/ketenpoort/v1`. The wire only: everything below `grpc` uses the
//! parsed values of [`crate::domain`].

#![allow(clippy::all, clippy::pedantic, missing_docs)]

tonic::include_proto!("ketenpoort.v1");

/// The descriptors of every message, for strict decoding, JSON and reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ketenpoort.bin"));

/// The client side of the services.
pub mod client {
    include!(concat!(env!("OUT_DIR"), "/client/ketenpoort.v1.rs"));
    pub use beheer_service_client::BeheerServiceClient;
    pub use exchange_service_client::ExchangeServiceClient;
    pub use inzage_service_client::InzageServiceClient;
    pub use toezicht_service_client::ToezichtServiceClient;
}
