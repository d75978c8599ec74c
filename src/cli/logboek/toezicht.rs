//! `logboek search --profile`: the search of toezicht, at a running gateway.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{Failure, beheer::CALL_DEADLINE, partner::with_deadline, print_line},
    client::Profile,
    proto::{self, client::ToezichtServiceClient},
};

/// What an FG or auditor can ask that the operator does not.
#[derive(Args)]
pub struct Toezicht {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml van een FG of auditor; elke blik komt in het logboek
    #[arg(long, value_name = "DIR")]
    pub(super) profile: Option<PathBuf>,
    /// Vanaf deze dag, JJJJ-MM-DD
    #[arg(long, value_name = "DAG", conflicts_with = "config")]
    van: Option<String>,
    /// Tot en met deze dag, JJJJ-MM-DD
    #[arg(long, value_name = "DAG", conflicts_with = "config")]
    tot_en_met: Option<String>,
    /// Alleen regels over deze berichtsoort
    #[arg(long, value_name = "SOORT", conflicts_with = "config")]
    berichtsoort: Option<String>,
    /// Alleen regels op deze grondslag
    #[arg(long, value_name = "ID", conflicts_with = "config")]
    grondslag: Option<String>,
    /// Alleen regels onder dit convenant
    #[arg(long, value_name = "NAAM", conflicts_with = "config")]
    convenant: Option<String>,
    /// Alleen wat buiten kantooruren gebeurde: voor 8.00 uur, vanaf 18.00 uur, of in het weekend
    #[arg(long, conflicts_with = "config")]
    buiten_kantooruren: bool,
    /// Alleen wat deze medewerker deed (personeelsreferentie); vraagt --reden
    #[arg(long, value_name = "MEDEWERKER", conflicts_with = "config")]
    door: Option<String>,
    /// Waarom u kijkt; het logboek legt een afdruk ervan vast
    #[arg(long, value_name = "TEKST", conflicts_with = "config")]
    reden: Option<String>,
    /// Wie er kijkt (personeelsreferentie); anders die van het profiel
    #[arg(long, conflicts_with = "config")]
    medewerker: Option<String>,
}

impl Toezicht {
    /// Prints every regel that is found, one JSON object each, page after page.
    pub(super) async fn search(self, dir: &Path, filter: proto::Zoekfilter) -> Result<(), Failure> {
        let profile = Profile::load(dir)?;
        let mut client = ToezichtServiceClient::new(profile.channel().await?)
            .max_decoding_message_size(crate::grpc::boundary::MOST_TOEZICHT_ANSWER_BYTES);
        let medewerker = self.medewerker.unwrap_or_else(|| profile.medewerker().to_owned());
        let filter = proto::Zoekfilter {
            van: self.van.unwrap_or_default(),
            tot_en_met: self.tot_en_met.unwrap_or_default(),
            berichtsoort: self.berichtsoort.into_iter().collect(),
            grondslag: self.grondslag.into_iter().collect(),
            convenant: self.convenant.into_iter().collect(),
            buiten_kantooruren: self.buiten_kantooruren,
            medewerker: self.door.unwrap_or_default(),
            ..filter
        };
        let mut request = proto::SearchLogregelsRequest {
            inzage: Some(proto::Inzage { medewerker, reden: self.reden.unwrap_or_default() }),
            filter: Some(filter),
            pagina_grootte: 500,
            ..proto::SearchLogregelsRequest::default()
        };
        loop {
            let page = client.search_logregels(with_deadline(request.clone(), CALL_DEADLINE)).await;
            let page = page.map_err(|status| profile.failure(&status))?.into_inner();
            for regel in &page.logregels {
                print_line(&shown(regel).to_string())?;
            }
            if page.volgende.is_empty() {
                return Ok(());
            }
            request.pagina = page.volgende;
        }
    }
}

/// A regel with the names and the local time that it takes to read it.
fn shown(regel: &proto::GevondenLogregel) -> Value {
    let logregel: Value = serde_json::from_str(&regel.logregel).unwrap_or_default();
    let mut shown = json!({"log_index": regel.log_index, "tijd_lokaal": regel.tijd_lokaal});
    for (key, naam) in [("afzender", &regel.afzender), ("ontvanger", &regel.ontvanger), ("actor", &regel.actor)] {
        if let Some(naam) = naam {
            shown[key] = naam.as_str().into();
        }
    }
    shown["logregel"] = logregel;
    shown
}
