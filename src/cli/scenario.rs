//! `withdraw` and `find`: taking back a bericht, and finding the scenario's of a person.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    Failure,
    partner::{CALL_DEADLINE, Who, read_json, with_deadline},
    print_line,
};
use crate::{
    grpc::codec::{from_json, to_json},
    proceslog, proto,
};

/// Why a bericht is withdrawn.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Reden {
    /// De casus is gesloten
    CasusGesloten,
    /// De inhoud klopte niet
    Onjuist,
    /// Het ging naar de verkeerde ontvanger: een datalek, dat de FG's in het logboek zien
    VerkeerdGeadresseerd,
    /// Een andere reden; zeg welke met --toelichting
    Anders,
}

impl From<Reden> for proto::RedenIntrekking {
    fn from(reden: Reden) -> Self {
        match reden {
            Reden::CasusGesloten => Self::CasusGesloten,
            Reden::Onjuist => Self::Onjuist,
            Reden::VerkeerdGeadresseerd => Self::VerkeerdGeadresseerd,
            Reden::Anders => Self::Anders,
        }
    }
}

#[derive(Args)]
pub struct Withdraw {
    #[command(flatten)]
    who: Who,
    /// Het id van het eigen bericht
    bericht: String,
    /// Waarom
    #[arg(long, value_enum)]
    reden: Reden,
    /// Waarom, in woorden en zonder persoonsgegevens; in het logboek komt alleen een gezouten hash
    #[arg(long)]
    toelichting: Option<String>,
    /// Het loket dat het stuurde; anders dat van het profiel
    #[arg(long)]
    loket: Option<String>,
    /// Wie het intrekt (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
}

impl Withdraw {
    pub async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let message = proto::WithdrawRequest {
            bericht: self.bericht,
            loket: self.loket.unwrap_or_else(|| profile.loket().to_owned()),
            reden: proto::RedenIntrekking::from(self.reden).into(),
            toelichting: self.toelichting,
            medewerker: self.medewerker.unwrap_or_else(|| profile.medewerker().to_owned()),
        };
        let withdrawn = client.withdraw(with_deadline(message, CALL_DEADLINE)).await;
        let withdrawn = withdrawn.map_err(|status| profile.failure(&status))?.into_inner();
        print_line(&to_json(&withdrawn).to_string())
    }
}

#[derive(Args)]
pub struct Find {
    #[command(flatten)]
    who: Who,
    /// De persoon als JSON: skn, bsn, of naam met geboortedatum; - leest van stdin. Niet op de opdrachtregel, want die is
    /// voor anderen op deze machine te lezen
    #[arg(value_name = "FILE", default_value = "-")]
    persoon: PathBuf,
    /// De eigen zaak waarvoor gezocht wordt; in het logboek komt alleen een gezouten hash
    #[arg(long)]
    zaaknummer: String,
    /// Alleen bij dit loket; anders bij alle die het certificaat opent
    #[arg(long)]
    loket: Option<String>,
    /// Wie zoekt (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
}

impl Find {
    pub async fn run(self) -> Result<(), Failure> {
        let persoon = read_persoon(&self.persoon)?;
        let (profile, mut client) = self.who.connect().await?;
        let message = proto::FindScenarioRequest {
            persoon: Some(persoon),
            zaaknummer: self.zaaknummer,
            loket: self.loket.unwrap_or_default(),
            medewerker: self.medewerker.unwrap_or_else(|| profile.medewerker().to_owned()),
        };
        let found = client.find_scenario(with_deadline(message, CALL_DEADLINE)).await;
        let found = found.map_err(|status| profile.failure(&status))?.into_inner();
        if found.scenarios.is_empty() {
            proceslog::say("geen scenario van kracht gevonden bij de loketten van dit certificaat");
        }
        for scenario in found.scenarios.iter().filter(|scenario| scenario.beschadigd) {
            let afzender = scenario.afzender.clone().unwrap_or_default();
            proceslog::say(format!(
                "LET OP: scenario {} is beschadigd en niet meer te lezen. Bel {}/{}: die weet ervan.",
                scenario.bericht, afzender.partner, afzender.loket
            ));
        }
        found.scenarios.iter().try_for_each(|scenario| print_line(&to_json(scenario).to_string()))
    }
}

/// A person to look for, from a file or stdin.
pub(super) fn read_persoon(file: &std::path::Path) -> Result<proto::Zoekpersoon, Failure> {
    let (name, json) = read_json(file)?;
    // What is wrong with it could repeat what stands in it.
    from_json(json).map_err(|_| {
        let example = r#"{"naam": "Jan Voorbeeld", "geboortedatum": "1987-05-12", "skn": "7310482"}"#;
        Failure::Usage(format!(
            "{name} is geen persoon: geef skn, bsn, of naam met geboortedatum als tekst, zoals {example}."
        ))
    })
}
