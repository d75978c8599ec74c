//! Who has a certificate of a CA that nobody knows.

use std::fs;

use anyhow::Context;
use serde_json::json;

use super::{Player, unmet};
use crate::{
    cli::{Failure, partner::new_request_id},
    client::{ClientError, Profile},
    clock::SystemClock,
    domain::Clock,
    files,
    pki::{DevCa, LeafSpec, dev_identities},
    proto,
};

impl Player<'_> {
    /// ZSM's names and OIN, from a CA that nobody knows.
    pub(super) async fn vreemd(&mut self, stap: &str) -> Result<(), Failure> {
        let now = SystemClock.now();
        let zsm = dev_identities().into_iter().find(|identity| identity.profile == "zsm").expect("zsm is in the table");
        let leaf: LeafSpec = zsm.leaf(now).context("geen vreemd certificaat")?;
        let issued =
            DevCa::create("Onbekende CA", now).and_then(|ca| ca.issue(&leaf)).context("geen vreemd certificaat")?;
        let (from, to) = (self.dir.join("profielen/zsm"), self.dir.join("vreemd"));
        let put = || {
            fs::create_dir_all(&to)?;
            fs::copy(from.join("ca.pem"), to.join("ca.pem"))?;
            fs::copy(from.join("profiel.toml"), to.join("profiel.toml"))?;
            files::create(&to.join("cert.pem"), issued.chain_pem.as_bytes())?;
            files::create(&to.join("key.pem"), issued.key_pem.as_bytes())
        };
        put().context("geen profiel met een vreemd certificaat")?;
        let profile = Profile::load(&to)?;
        let zoek = Some(proto::get_status_request::Zoek::RequestId(new_request_id()));
        let tried = match profile.connect().await {
            Ok(mut client) => {
                let answered =
                    client.get_status(proto::GetStatusRequest { zoek, ..proto::GetStatusRequest::default() }).await;
                answered.map(drop).map_err(|status| profile.failure(&status))
            }
            Err(error) => Err(error),
        };
        match tried {
            Err(ClientError::Unreachable { what, .. }) => {
                self.report.say(&format!("    niet binnengelaten: {what}"));
                self.report.line(&json!({"stap": stap, "weigering": "certificaat_van_onbekende_ca"}));
                Ok(())
            }
            Err(other) => Err(unmet(format!("{stap}: {other}"))),
            Ok(()) => Err(unmet(format!("{stap}: een onbekende CA kwam binnen"))),
        }
    }
}
