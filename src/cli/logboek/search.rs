//! `logboek search`: regels without content. An FG or auditor asks a running gateway (`--profile`), an operator the database beside it
//! (`--config`).

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Args, builder::PossibleValuesParser};
use uuid::Uuid;

use super::{open, toezicht::Toezicht};
use crate::{
    cli::{Failure, print_line, scenario::read_persoon},
    config::Config,
    domain::{Kenmerk, PartnerNaam, Persoon, Vernietiging, Weigering},
    exchange::RedenIntrekking,
    gateway::GatewayError,
    grpc::{content::Checker, convert::zoekpersoon},
    logboek::{Logregel, Soort},
    proto,
    sleutels::KeyDirectory,
    store::{
        Pool,
        ledger::regels::regels,
        reading::{namen::Namen, personen::berichten_over},
    },
};

#[derive(Args)]
pub struct Search {
    /// De configuratie, ketenpoort.toml: de database van een poort, voor wie haar beheert
    #[arg(long, value_name = "FILE", required_unless_present = "profile", conflicts_with = "profile")]
    config: Option<PathBuf>,
    #[command(flatten)]
    toezicht: Toezicht,
    /// Alleen regels waarin deze partner voorkomt
    #[arg(long, value_name = "PARTNER")]
    partner: Option<PartnerNaam>,
    /// Alleen regels van deze soort, zoals geweigerd
    #[arg(long, value_parser = PossibleValuesParser::new(Soort::ALL.iter().map(|soort| soort.as_str())))]
    soort: Option<String>,
    /// Alleen regels van dit bericht
    #[arg(long, value_name = "ID")]
    bericht: Option<Uuid>,
    /// Alleen regels met deze code bij weigering, zoals `verkeerd_geadresseerd` (een datalek)
    #[arg(long, value_name = "CODE", hide_possible_values = true, value_parser = PossibleValuesParser::new(codes()))]
    weigering: Option<String>,
    /// Alleen regels over deze persoon: JSON met skn, bsn, of naam en geboortedatum; - leest van stdin
    #[arg(long, value_name = "FILE")]
    persoon: Option<PathBuf>,
}

impl Search {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { config, toezicht, partner, soort, bericht, weigering, persoon } = self;
        if let Some(dir) = toezicht.profile.clone() {
            let filter = proto::Zoekfilter {
                partner: partner.iter().map(ToString::to_string).collect(),
                soort: soort.into_iter().collect(),
                bericht: bericht.iter().map(ToString::to_string).collect(),
                weigering: weigering.into_iter().collect(),
                betrokkene: persoon.as_deref().map(read_persoon).transpose()?,
                ..proto::Zoekfilter::default()
            };
            return toezicht.search(&dir, filter).await;
        }
        let config = config.ok_or_else(|| Failure::Usage("geef --profile, of --config".to_owned()))?;
        let config = Config::load(&config)?;
        let persoon = persoon.as_deref().map(read_zoekpersoon).transpose()?;
        let bericht = bericht.map(|id| id.to_string());
        let wanted = Wanted { partner, soort, bericht, weigering, persoon };
        for regel in search(&config, &wanted).await? {
            print_line(&regel)?;
        }
        Ok(())
    }
}

/// Every code that can stand under `weigering`.
fn codes() -> Vec<&'static str> {
    let kept = Vernietiging::ALL.into_iter().filter(|uitkomst| *uitkomst != Vernietiging::Vernietigd);
    let codes = Weigering::TABLE.iter().map(|row| row.code).chain(kept.map(Vernietiging::as_str));
    codes.chain([RedenIntrekking::VerkeerdGeadresseerd.as_str()]).collect()
}

/// What is looked for.
#[derive(Default)]
pub(crate) struct Wanted {
    /// A partner that sends or receives.
    pub(crate) partner: Option<PartnerNaam>,
    /// The soort of regel.
    pub(crate) soort: Option<String>,
    /// The bericht.
    pub(crate) bericht: Option<String>,
    /// The code under `weigering`.
    pub(crate) weigering: Option<String>,
    /// Whom it is about.
    pub(crate) persoon: Option<Persoon>,
}

/// A person from a file, checked as the gateway checks one.
fn read_zoekpersoon(file: &Path) -> Result<Persoon, Failure> {
    let mut checker = Checker::default();
    let persoon = zoekpersoon(&read_persoon(file)?, &mut checker);
    match checker.0.first() {
        None => Ok(persoon),
        Some(wrong) => Err(Failure::Usage(format!("{}: {}", wrong.veld, wrong.uitleg))),
    }
}

/// The berichten about a person, by the key of this gateway.
async fn about(config: &Config, read: &Pool, persoon: &Persoon) -> Result<BTreeSet<String>, Failure> {
    let key = KeyDirectory::read_pseudoniem_key(&config.sleutels).map_err(GatewayError::from)?;
    let keyed = |(kenmerk, text): (Kenmerk, String)| (kenmerk, key.pseudoniem(kenmerk, &text));
    let marks: Vec<_> = persoon.kenmerken().into_iter().map(keyed).collect();
    let berichten = berichten_over(read, &marks).await.map_err(|error| Failure::Refused(error.to_string()))?;
    Ok(berichten.iter().map(ToString::to_string).collect())
}

/// Regels as one JSON object each: the index and the regel verbatim.
///
/// # Errors
/// When the partner is unknown or the database cannot be read.
pub(crate) async fn search(config: &Config, wanted: &Wanted) -> Result<Vec<String>, Failure> {
    let read = open(config).await?;
    let known = Namen::read(&read, None).await.map_err(GatewayError::from)?;
    if let Some(naam) = wanted.partner.as_ref().filter(|naam| known.oins(naam).is_empty()) {
        return Err(Failure::Usage(format!("{naam} is en was geen partner van deze poort")));
    }
    let mut about = match &wanted.persoon {
        Some(persoon) => Some(about(config, &read, persoon).await?),
        None => None,
    };
    // What follows such a bericht is about the same person, and what follows that; it always comes later.
    let mut about_person = |regel: &Logregel| {
        about.as_mut().is_none_or(|ids| {
            let named = [&regel.bericht, &regel.in_antwoord_op, &regel.vervangt];
            let is_about = named.into_iter().flatten().any(|id| ids.contains(id));
            ids.extend(regel.bericht.iter().filter(|_| is_about).cloned());
            is_about
        })
    };
    let takes_part = |index: u64, regel: &Logregel| {
        wanted.partner.as_ref().is_none_or(|naam| known.partijen(index, regel).contains(naam))
    };
    let mut found = Vec::new();
    let mut from = 0;
    loop {
        let page = regels(&read, from, 1024).await.map_err(|error| Failure::Refused(error.to_string()))?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        from = last + 1;
        for (index, leaf) in page {
            let regel = Logregel::from_leaf(&leaf)
                .map_err(|error| Failure::Refused(format!("logregel {index}: {error}; draai logboek verify")))?;
            let of_soort = wanted.soort.as_deref().is_none_or(|soort| regel.soort.as_str() == soort);
            let of_bericht = wanted.bericht.is_none() || regel.bericht == wanted.bericht;
            let of_weigering = wanted.weigering.is_none() || regel.weigering == wanted.weigering;
            if about_person(&regel) && of_soort && of_bericht && of_weigering && takes_part(index, &regel) {
                let leaf = String::from_utf8_lossy(&leaf);
                found.push(format!("{{\"log_index\":{index},\"logregel\":{leaf}}}"));
            }
        }
    }
}
