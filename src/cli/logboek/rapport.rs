//! `logboek rapport`: the report of a period, as Markdown, CSV or JSON, with its proof recomputed here.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    beside::{Beside, tell, who},
    toezicht::{client, inzage},
    vkey,
};
use crate::{
    cli::{Failure, beheer::CALL_DEADLINE, partner::with_deadline, print_line},
    client::Profile,
    clock::SystemClock,
    config::Config,
    domain::{Clock, houdbaarheid::amsterdam_date},
    exchange::toezicht::scherm::quarter,
    grpc::{
        codec::to_whole_json,
        rapport::{csv, periode, rekenblad, response},
    },
    logboek::{self, Soort, VerifyKey, verify_consistency},
    proto::{self, GetRapportResponse},
};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Rapport {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml van een FG of auditor: vraagt het een poort die draait
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    profile: Option<PathBuf>,
    /// De configuratie, ketenpoort.toml: leest de database van een poort, voor wie haar beheert
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    config: Option<PathBuf>,
    /// Vanaf deze dag, JJJJ-MM-DD; anders het begin van dit kwartaal
    #[arg(long, value_name = "DAG")]
    van: Option<String>,
    /// Tot en met deze dag, JJJJ-MM-DD; anders vandaag
    #[arg(long, value_name = "DAG")]
    tot_en_met: Option<String>,
    /// Hoe: om te lezen, voor een rekenblad, of voor een programma
    #[arg(long, value_enum, default_value = "markdown")]
    formaat: Formaat,
    /// Bij --formaat csv: een map die nog niet bestaat of leeg is, voor een bestand per tabel; anders komt alles in een tabel op stdout
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// De publieke sleutel van het logboek die u kent; anders geldt die van de poort
    #[arg(long, value_name = "VKEY")]
    vkey: Option<VerifyKey>,
    /// Waarom u kijkt; het logboek legt een afdruk ervan vast
    #[arg(long, value_name = "TEKST")]
    reden: Option<String>,
    /// Wie er kijkt (personeelsreferentie); bij --profile anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Formaat {
    Markdown,
    Csv,
    Json,
}

impl Rapport {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if self.out.is_some() && self.formaat != Formaat::Csv {
            return Err(Failure::Usage("--out hoort bij --formaat csv".to_owned()));
        }
        let today = amsterdam_date(SystemClock.now());
        let van = self.van.clone().unwrap_or_else(|| quarter(today).to_string());
        let tot_en_met = self.tot_en_met.clone().unwrap_or_else(|| today.to_string());
        let who = (self.medewerker.clone(), self.reden.clone());
        let rapport = match (&self.profile, &self.config) {
            (Some(dir), _) => asked(dir, who, van, tot_en_met).await?,
            (None, Some(config)) => beside(&Config::load(config)?, who, (&van, &tot_en_met)).await?,
            (None, None) => return Err(Failure::Usage("geef --profile, of --config".to_owned())),
        };
        let key = match &self.vkey {
            Some(key) => key.clone(),
            None => rapport.vkey.parse().map_err(|error| Failure::Refused(format!("vkey van de poort: {error}")))?,
        };
        prove(&rapport, &key)?;
        match (self.formaat, &self.out) {
            (Formaat::Json, _) => print_line(&to_whole_json(&rapport).to_string()),
            (Formaat::Markdown, _) => print_line(markdown(&rapport, self.vkey.is_some()).trim_end()),
            (Formaat::Csv, None) => print_line(String::from_utf8_lossy(&csv(&rapport)).trim_end()),
            (Formaat::Csv, Some(out)) => files(&rapport, out),
        }
    }
}

/// Asks a running gateway.
async fn asked(
    dir: &Path,
    who: (Option<String>, Option<String>),
    van: String,
    tot_en_met: String,
) -> Result<GetRapportResponse, Failure> {
    let profile = Profile::load(dir)?;
    let request = proto::GetRapportRequest { inzage: Some(inzage(&profile, who)), van, tot_en_met };
    let made = client(&profile).await?.get_rapport(with_deadline(request, CALL_DEADLINE)).await;
    Ok(made.map_err(|status| profile.failure(&status))?.into_inner())
}

/// Reads the database of a gateway; that somebody did is told to it.
async fn beside(
    config: &Config,
    (medewerker, reden): (Option<String>, Option<String>),
    (van, tot_en_met): (&str, &str),
) -> Result<GetRapportResponse, Failure> {
    let periode = periode(van, tot_en_met).map_err(|weigering| {
        let wrong = weigering.overtredingen().iter().map(|wrong| format!("{}: {}", wrong.veld, wrong.uitleg));
        Failure::Usage(wrong.collect::<Vec<_>>().join("\n"))
    })?;
    let blik = who(Soort::Ingezien, medewerker, reden)?;
    let beside = Beside::open(config).await?;
    let oog = beside.oog().await?;
    let made = oog.rapport(periode, &config.omgeving(false), SystemClock.now()).await;
    let made = made.map_err(|weigering| Failure::Refused(weigering.uitleg().to_owned()))?;
    tell(config, &blik).await?;
    Ok(response(made, vkey(config).await?.to_string()))
}

/// Recomputes that each logboek of the period only grew.
fn prove(rapport: &GetRapportResponse, key: &VerifyKey) -> Result<(), Failure> {
    let refused = |what: String| Failure::Refused(format!("het bewijs bij dit rapport klopt niet: {what}"));
    let opened = |nota: &str| {
        let named = key.named(nota.lines().next().unwrap_or_default());
        named.and_then(|key| logboek::open(nota, &key)).map_err(|error| refused(error.to_string()))
    };
    for schakel in &rapport.keten {
        let new = opened(&schakel.tot_checkpoint)?;
        let Some(old) = &schakel.van_checkpoint else { continue };
        let old = opened(old)?;
        let hashes = schakel.hashes.iter().map(|hash| hash.as_slice().try_into());
        let hashes: Vec<[u8; 32]> =
            hashes.collect::<Result<_, _>>().map_err(|_| refused("een hash heeft geen 32 bytes".to_owned()))?;
        if old.origin != new.origin {
            return Err(refused(format!("{} en {} zijn twee logboeken", old.origin, new.origin)));
        }
        verify_consistency(old.size, &old.root, new.size, &new.root, &hashes)
            .map_err(|error| refused(format!("{error}: geef beide checkpoints aan de toezichthouder")))?;
    }
    Ok(())
}

/// To read, and to print.
fn markdown(rapport: &GetRapportResponse, key_was_known: bool) -> String {
    let GetRapportResponse { van, tot_en_met, gemaakt, partners, vkey, .. } = rapport;
    let about = if partners.is_empty() { "alle partners".to_owned() } else { partners.join(", ") };
    let mut parts = vec![
        format!("# Rapport van {van} tot en met {tot_en_met}"),
        format!("Over {about}. Gemaakt op {gemaakt}. Dagen en tijden zijn die in Amsterdam."),
    ];
    for afdeling in &rapport.afdelingen {
        parts.push(format!("## {}", afdeling.titel));
        parts.extend(afdeling.zinnen.iter().map(|zin| escaped(zin)));
        parts.extend(afdeling.tabellen.iter().filter(|tabel| !tabel.rijen.is_empty()).flat_map(table));
    }
    parts.push("## Bewijs".to_owned());
    if rapport.keten.is_empty() {
        parts.push("In deze periode is niets geschreven, dus is er niets te bewijzen.".to_owned());
        return parts.join("\n\n");
    }
    for schakel in &rapport.keten {
        parts.extend(match &schakel.van_checkpoint {
            Some(nota) => ["Van dit checkpoint:".to_owned(), fenced(nota)].to_vec(),
            None => vec!["Dit logboek begint in de periode.".to_owned()],
        });
        parts.extend(["Tot dit checkpoint:".to_owned(), fenced(&schakel.tot_checkpoint)]);
    }
    let proven =
        "Bij het ophalen is nagerekend dat het logboek van het ene naar het andere checkpoint alleen is aangevuld";
    if key_was_known {
        parts.push(format!("{proven}, met de sleutel die u gaf."));
    } else {
        parts.extend([format!("{proven}, met de sleutel die de poort noemt:"), fenced(vkey)]);
        parts.push("Vergelijk die eenmaal langs een andere weg.".to_owned());
    }
    parts.join("\n\n")
}

/// A table, with its title before it and what was left out after it.
fn table(tabel: &proto::Tabel) -> Vec<String> {
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let head = [row(tabel.kolommen.clone()), row(vec!["---".to_owned(); tabel.kolommen.len()])];
    let rows = tabel.rijen.iter().map(|rij| row(rij.waarden.iter().map(|value| escaped(value)).collect()));
    let rows: Vec<String> = head.into_iter().chain(rows).collect();
    let mut parts = vec![format!("### {}", tabel.titel), rows.join("\n")];
    if tabel.weggelaten > 0 {
        parts.push(format!("En nog {} rijen; logboek search geeft alle logregels.", tabel.weggelaten));
    }
    parts
}

fn fenced(text: &str) -> String {
    format!("```\n{}\n```", text.trim_end())
}

/// A value that stays in its cell, whatever stands in it.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' => text.extend(['\\', c]),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// A file for each table, and one with the sentences.
fn files(rapport: &GetRapportResponse, out: &Path) -> Result<(), Failure> {
    super::export::make_empty(out)?;
    let write = |naam: &str, bytes: &[u8]| {
        let file = out.join(format!("{naam}.csv"));
        fs::write(&file, bytes).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
    };
    let header = vec!["afdeling".to_owned(), "zin".to_owned()];
    let said = rapport
        .afdelingen
        .iter()
        .flat_map(|afdeling| afdeling.zinnen.iter().map(|zin| vec![afdeling.titel.clone(), zin.clone()]));
    let cut = rapport.afdelingen.iter().flat_map(|afdeling| {
        afdeling.tabellen.iter().filter(|tabel| tabel.weggelaten > 0).map(|tabel| {
            let zin = format!(
                "Uit {}.csv zijn {} rijen weggelaten; logboek search geeft alle logregels.",
                tabel.naam, tabel.weggelaten
            );
            vec![afdeling.titel.clone(), zin]
        })
    });
    write("zinnen", &rekenblad(std::iter::once(header).chain(said).chain(cut)))?;
    for tabel in rapport.afdelingen.iter().flat_map(|afdeling| &afdeling.tabellen) {
        let rows = tabel.rijen.iter().map(|rij| rij.waarden.clone());
        write(&tabel.naam, &rekenblad(std::iter::once(tabel.kolommen.clone()).chain(rows)))?;
    }
    print_line(&format!("Het rapport staat in {}, een bestand per tabel.", out.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_in_its_cell() {
        assert_eq!(escaped("a|b\n<c> [d](e)"), "a\\|b \\<c\\> \\[d\\](e)");
    }
}
