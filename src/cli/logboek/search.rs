//! `logboek search`: regels without content. An FG or auditor asks a running gateway (`--profile`), an operator the database beside it
//! (`--config`); both are the same search.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{NonEmptyStringValueParser, PossibleValuesParser},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    beside::{Beside, tell, who},
    toezicht,
};
use crate::{
    cli::{Failure, print_line, scenario::read_persoon},
    config::Config,
    domain::{PartnerNaam, Persoon, Weigering},
    exchange::toezicht::{blik::Blik, zoek::Zoekfilter},
    grpc::{
        content::Checker,
        toezicht_service::getoond,
        zoekfilter::{codes, zoekfilter},
    },
    logboek::Soort,
    proto,
};

#[derive(Args)]
pub struct Search {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml van een FG of auditor: vraagt het een poort die draait
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    profile: Option<PathBuf>,
    /// De configuratie, ketenpoort.toml: zoekt in de database van een poort, voor wie haar beheert
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    config: Option<PathBuf>,
    #[command(flatten)]
    asked: Asked,
    /// Waarom u kijkt; nodig bij --profile met --persoon of --door. Het logboek legt een afdruk ervan vast
    #[arg(long, value_name = "TEKST")]
    reden: Option<String>,
    /// Wie er kijkt (personeelsreferentie); bij --profile anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
}

/// What is searched for.
#[derive(Args)]
struct Asked {
    /// Vanaf deze dag, JJJJ-MM-DD
    #[arg(long, value_name = "DAG", value_parser = NonEmptyStringValueParser::new())]
    van: Option<String>,
    /// Tot en met deze dag, JJJJ-MM-DD
    #[arg(long, value_name = "DAG", value_parser = NonEmptyStringValueParser::new())]
    tot_en_met: Option<String>,
    /// Alleen regels waarin deze partner voorkomt
    #[arg(long, value_name = "PARTNER")]
    partner: Option<PartnerNaam>,
    /// Alleen wat deze partner stuurde
    #[arg(long, value_name = "PARTNER")]
    afzender: Option<PartnerNaam>,
    /// Alleen wat aan deze partner was
    #[arg(long, value_name = "PARTNER")]
    ontvanger: Option<PartnerNaam>,
    /// Alleen regels van of aan dit loket, als partner/loket
    #[arg(long, value_name = "LOKET", value_parser = NonEmptyStringValueParser::new())]
    loket: Option<String>,
    /// Alleen regels van deze soort, zoals geweigerd
    #[arg(long, value_parser = PossibleValuesParser::new(Soort::ALL.iter().map(|soort| soort.as_str())))]
    soort: Option<String>,
    /// Alleen regels over deze berichtsoort
    #[arg(long, value_name = "SOORT", value_parser = NonEmptyStringValueParser::new())]
    berichtsoort: Option<String>,
    /// Alleen regels op deze grondslag
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    grondslag: Option<String>,
    /// Alleen regels onder deze regel van een convenant
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    regel: Option<String>,
    /// Alleen regels onder dit convenant
    #[arg(long, value_name = "NAAM", value_parser = NonEmptyStringValueParser::new())]
    convenant: Option<String>,
    /// Alleen regels met deze code bij weigering, zoals `verkeerd_geadresseerd` (een datalek)
    #[arg(long, value_name = "CODE", hide_possible_values = true, value_parser = PossibleValuesParser::new(codes()))]
    weigering: Option<String>,
    /// Alleen zoekvragen met deze uitkomst, zoals `niet_gevonden`
    #[arg(long, value_name = "UITKOMST", value_parser = NonEmptyStringValueParser::new())]
    uitkomst: Option<String>,
    /// Alleen regels van dit bericht
    #[arg(long, value_name = "ID")]
    bericht: Option<Uuid>,
    /// Alleen regels van dit gesprek: een bericht met alles wat erop antwoordt
    #[arg(long, value_name = "ID")]
    gesprek: Option<Uuid>,
    /// Alleen wat houdbaar is tot en met deze dag of later, JJJJ-MM-DD
    #[arg(long, value_name = "DAG", value_parser = NonEmptyStringValueParser::new())]
    houdbaar_van: Option<String>,
    /// Alleen wat houdbaar is tot en met deze dag of eerder, JJJJ-MM-DD
    #[arg(long, value_name = "DAG", value_parser = NonEmptyStringValueParser::new())]
    houdbaar_tot_en_met: Option<String>,
    /// Alleen wat buiten kantooruren gebeurde: voor 8.00 uur, vanaf 18.00 uur, of in het weekend; zonder wat de poort zelf deed
    #[arg(long)]
    buiten_kantooruren: bool,
    /// Alleen wat deze medewerker deed (personeelsreferentie)
    #[arg(long, value_name = "MEDEWERKER", value_parser = NonEmptyStringValueParser::new())]
    door: Option<String>,
    /// Alleen regels over deze persoon: JSON met skn, bsn, of naam en geboortedatum; - leest van stdin
    #[arg(long, value_name = "FILE")]
    persoon: Option<PathBuf>,
}

impl Asked {
    fn filter(self) -> Result<proto::Zoekfilter, Failure> {
        Ok(proto::Zoekfilter {
            van: self.van.unwrap_or_default(),
            tot_en_met: self.tot_en_met.unwrap_or_default(),
            partner: self.partner.iter().map(ToString::to_string).collect(),
            afzender: self.afzender.iter().map(ToString::to_string).collect(),
            ontvanger: self.ontvanger.iter().map(ToString::to_string).collect(),
            loket: self.loket.into_iter().collect(),
            soort: self.soort.into_iter().collect(),
            berichtsoort: self.berichtsoort.into_iter().collect(),
            grondslag: self.grondslag.into_iter().collect(),
            regel: self.regel.into_iter().collect(),
            convenant: self.convenant.into_iter().collect(),
            weigering: self.weigering.into_iter().collect(),
            uitkomst: self.uitkomst.into_iter().collect(),
            bericht: self.bericht.iter().map(ToString::to_string).collect(),
            gesprek: self.gesprek.iter().map(ToString::to_string).collect(),
            houdbaar_van: self.houdbaar_van.unwrap_or_default(),
            houdbaar_tot_en_met: self.houdbaar_tot_en_met.unwrap_or_default(),
            buiten_kantooruren: self.buiten_kantooruren,
            medewerker: self.door.unwrap_or_default(),
            betrokkene: self.persoon.as_deref().map(read_persoon).transpose()?,
            ..proto::Zoekfilter::default()
        })
    }
}

impl Search {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { profile, config, asked, reden, medewerker } = self;
        let filter = asked.filter()?;
        let print = |regel: &proto::GevondenLogregel| print_line(&shown(regel).to_string());
        match (profile, config) {
            (Some(dir), _) => toezicht::search(&dir, (medewerker, reden), filter, print).await,
            (None, Some(config)) => {
                let regels = beside(&Config::load(&config)?, (medewerker, reden), filter).await?;
                regels.iter().try_for_each(print)
            }
            (None, None) => Err(Failure::Usage("geef --profile, of --config".to_owned())),
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

/// What is searched for, checked as the gateway checks it.
fn checked(filter: proto::Zoekfilter) -> Result<Zoekfilter, Failure> {
    let mut checker = Checker::default();
    let filter = zoekfilter(filter, &mut checker);
    match checker.0.first() {
        None => Ok(filter),
        Some(wrong) => Err(Failure::Usage(format!("{}: {}", wrong.veld, wrong.uitleg))),
    }
}

/// Searches the database of a gateway; that somebody did is told to it.
async fn beside(
    config: &Config,
    (medewerker, reden): (Option<String>, Option<String>),
    filter: proto::Zoekfilter,
) -> Result<Vec<proto::GevondenLogregel>, Failure> {
    let (filter, blik) = (checked(filter)?, who(Soort::Ingezien, medewerker, reden)?);
    let beside = Beside::open(config).await?;
    let oog = beside.oog().await?;
    if let Some(naam) = filter.partner.iter().find(|naam| oog.namen.oins(naam).is_empty()) {
        return Err(Failure::Usage(format!("{naam} is en was geen partner van deze poort")));
    }
    let tot = oog.zoeken.bijgewerkt_tot().await.map_err(|error| Failure::Refused(error.to_string()))?;
    let refused = |weigering: Weigering| match weigering.overtredingen().first() {
        Some(wrong) => Failure::Usage(format!("{}: {}", wrong.veld, wrong.uitleg)),
        None => Failure::Refused(weigering.uitleg().to_owned()),
    };
    let vraag = oog.vraag(&filter, tot).await.map_err(refused)?;
    let found = oog.zoeken.find(&vraag).await.map_err(|error| Failure::Refused(error.to_string()))?;
    let regels = oog.shown(&found.page(None, usize::MAX, false)).await.map_err(refused)?;
    let marks = filter.betrokkene.iter().flat_map(Persoon::kenmerken);
    let blik = Blik {
        gezocht: marks.map(|(kenmerk, text)| (kenmerk.to_string(), text)).collect(),
        uitkomst: Some(oog.uitkomst(&filter, vraag).await.map_err(refused)?.to_owned()),
        ..blik
    };
    tell(config, &blik).await?;
    Ok(regels.into_iter().map(getoond).collect())
}
