//! `logboek sluit`: an operator closes the logboek of a running gateway.

use clap::Args;

use crate::{
    cli::{
        Failure,
        beheer::{CALL_DEADLINE, Who},
        partner::with_deadline,
        print_line,
    },
    grpc::codec::to_json,
    proto,
};

#[derive(Args)]
pub struct Sluit {
    #[command(flatten)]
    who: Who,
    /// Waarom; het logboek legt een afdruk ervan vast
    #[arg(long, value_name = "TEKST")]
    reden: String,
    /// Wie dit doet (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Het antwoord als JSON, met het bewijs
    #[arg(long)]
    json: bool,
}

impl Sluit {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let medewerker = self.medewerker.unwrap_or_else(|| profile.medewerker().to_owned());
        let message = proto::CloseLogboekRequest { reden: self.reden, medewerker };
        let closed = client.close_logboek(with_deadline(message, CALL_DEADLINE)).await;
        let closed = closed.map_err(|status| profile.failure(&status))?.into_inner();
        if self.json {
            return print_line(&to_json(&closed).to_string());
        }
        print_line(&format!(
            "Gesloten. Het volgende logboek heet {}. Bewaar dit laatste checkpoint:",
            closed.volgende
        ))?;
        print_line(closed.checkpoint.trim_end())
    }
}
