//! `logboek sluit`: an operator closes the logboek of a running gateway.

use clap::Args;

use crate::{
    cli::{
        Failure,
        beheer::{CALL_DEADLINE, Decision},
        partner::with_deadline,
        print_line,
    },
    grpc::codec::to_json,
    proto,
};

#[derive(Args)]
pub struct Sluit {
    #[command(flatten)]
    decision: Decision,
}

impl Sluit {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Decision { reden, json, .. } = &self.decision;
        let (profile, mut client, medewerker) = self.decision.connect().await?;
        let message = proto::CloseLogboekRequest { reden: reden.clone(), medewerker };
        let closed = client.close_logboek(with_deadline(message, CALL_DEADLINE)).await;
        let closed = closed.map_err(|status| profile.failure(&status))?.into_inner();
        if *json {
            return print_line(&to_json(&closed).to_string());
        }
        print_line(&format!(
            "Gesloten. Het volgende logboek heet {}. Bewaar dit laatste checkpoint:",
            closed.volgende
        ))?;
        print_line(closed.checkpoint.trim_end())
    }
}
