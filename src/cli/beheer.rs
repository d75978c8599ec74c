//! `beheer`: an operator at the command line, over mutual TLS: what is in force, and changing it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use tonic::transport::Channel;

use super::{Failure, partner::with_deadline, print_line, scenario::read_persoon, voorstel};
use crate::{
    client::Profile,
    domain::Vingerafdruk,
    grpc::codec::to_json,
    lezen::bestand::{MOST_BYTES, read_bounded},
    proceslog,
    proto::{self, client::BeheerServiceClient},
    tls::settings,
};

pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(30);

#[derive(Subcommand)]
pub enum Command {
    /// Laat convenanten of deelnemers van kracht worden: allemaal, of geen als er iets niet klopt
    Load {
        #[command(flatten)]
        change: Change,
        /// Bestanden; elk vervangt het document met dezelfde naam
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Blokkeer een certificaat, ook op verbindingen die openstaan; andere certificaten van dezelfde partner blijven werken
    Blokkeer {
        #[command(flatten)]
        change: Change,
        /// Het certificaat, PEM
        #[arg(long, value_name = "FILE", required_unless_present = "vingerafdruk", conflicts_with = "vingerafdruk")]
        certificaat: Option<PathBuf>,
        /// Of zijn SHA-256, zoals openssl x509 -noout -fingerprint -sha256 die geeft
        #[arg(long, value_name = "SHA256")]
        vingerafdruk: Option<String>,
    },
    /// Trek convenanten in; alleen wat daarop berust stopt
    Withdraw {
        #[command(flatten)]
        change: Change,
        /// Namen van convenanten, zoals beheer list ze noemt
        #[arg(value_name = "NAAM", required = true)]
        namen: Vec<String>,
    },
    /// Toon wat van kracht is
    List {
        #[command(flatten)]
        who: Who,
        /// Een JSON-object per document
        #[arg(long)]
        json: bool,
    },
    /// Toon of deze poort dienst doet, en zo niet wat er mis is en wat te doen; exitcode 1 als zij geen dienst doet
    Toestand {
        #[command(flatten)]
        who: Who,
        /// Een JSON-object
        #[arg(long)]
        json: bool,
    },
    /// Zeg dat de klok van deze poort klopt, hoewel zij is verzet; daarmee eindigt de twijfel eraan
    Klok(Klok),
    /// Druk een document af dat van kracht is, of dat was, precies zoals het is geladen
    Show {
        #[command(flatten)]
        who: Who,
        /// De naam van een convenant, of deelnemers
        naam: String,
        /// Een tekst van vroeger: haar hash, zoals history haar noemt met --json. Dat u kijkt komt in het logboek
        #[arg(long, value_name = "SHA256")]
        hash: Option<String>,
    },
    /// Stel een wijziging voor: FG's zien haar meteen, en zij geldt als ieder heeft ingestemd en de dagen voorbij zijn
    Propose(voorstel::Propose),
    /// Toon de voorstellen die openstaan; ook voor wie voor een partij tekent
    Proposals(voorstel::Ask),
    /// Stem in met een voorstel; wie voor een partij tekent, ondertekent daarmee
    Ratify(voorstel::Ratify),
    /// Trek een voorstel in
    Reject(voorstel::Reject),
    /// Wis wat de afdrukken van een persoon in het logboek opent (AVG art. 17); het logboek zelf blijft, en zegt wat is gewist
    Wis {
        #[command(flatten)]
        decision: Decision,
        /// De persoon: JSON met skn, bsn, of naam en geboortedatum; - leest van stdin
        #[arg(long, value_name = "FILE")]
        persoon: PathBuf,
    },
    /// Toon wat wanneer van kracht werd, door wie en waarom; dat u kijkt komt in het logboek
    History(voorstel::History),
}

/// The operator that calls.
#[derive(Args)]
pub struct Who {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml van een beheerder; bij proposals en ratify ook van wie voor een partij tekent
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
}

/// What every change has.
#[derive(Args)]
pub struct Change {
    #[command(flatten)]
    who: Who,
    /// Waarom; het logboek legt een afdruk ervan vast
    #[arg(
        long,
        value_name = "TEKST",
        required_unless_present = "dry_run",
        default_value = "",
        hide_default_value = true
    )]
    reden: String,
    /// Wie dit doet (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Zeg alleen wat er zou veranderen
    #[arg(long)]
    dry_run: bool,
    /// Het antwoord als JSON, met de bewijzen
    #[arg(long)]
    json: bool,
}

/// What every decision of an operator has.
#[derive(Args)]
pub struct Decision {
    #[command(flatten)]
    who: Who,
    /// Waarom; het logboek legt een afdruk ervan vast
    #[arg(long, value_name = "TEKST")]
    pub(super) reden: String,
    /// Wie dit doet (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Het antwoord als JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// The word of an operator about the clock.
#[derive(Args)]
pub struct Klok {
    /// De klok is nagekeken en klopt; zeg met --reden waarmee zij is vergeleken
    #[arg(long, required = true)]
    geloof: bool,
    #[command(flatten)]
    decision: Decision,
}

type Client = BeheerServiceClient<Channel>;

impl Who {
    pub(super) async fn connect(&self) -> Result<(Profile, Client), Failure> {
        let profile = Profile::load(&self.profile)?;
        let client = Client::new(profile.channel().await?);
        Ok((profile, client))
    }
}

impl Decision {
    /// The gateway, and who decides.
    pub(super) async fn connect(&self) -> Result<(Profile, Client, String), Failure> {
        let (profile, client) = self.who.connect().await?;
        let medewerker = self.medewerker.clone().unwrap_or_else(|| profile.medewerker().to_owned());
        Ok((profile, client, medewerker))
    }
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Load { change, files } => {
            let laden = files.iter().map(|file| document(file)).collect::<Result<_, _>>()?;
            change.run(laden, Vec::new()).await
        }
        Command::Blokkeer { change, certificaat, vingerafdruk } => {
            let blocked = blocked(certificaat.as_deref(), vingerafdruk.as_deref())?;
            let laden = vec![with_blocked(&change, &blocked).await?];
            change.run(laden, Vec::new()).await
        }
        Command::Withdraw { change, namen } => change.run(Vec::new(), namen).await,
        Command::List { who, json } => list(&who, json).await,
        Command::Toestand { who, json } => toestand(&who, json).await,
        Command::Klok(klok) => klok.run().await,
        Command::Propose(propose) => propose.run().await,
        Command::Proposals(ask) => ask.run().await,
        Command::Ratify(ratify) => ratify.run().await,
        Command::Reject(reject) => reject.run().await,
        Command::History(history) => history.run().await,
        Command::Wis { decision, persoon } => wis(&decision, &persoon).await,
        Command::Show { who, naam, hash } => {
            let (profile, mut client) = who.connect().await?;
            let request = proto::GetDocumentRequest { naam, hash, medewerker: profile.medewerker().to_owned() };
            let asked = client.get_document(with_deadline(request, CALL_DEADLINE)).await;
            let document = asked.map_err(|status| profile.failure(&status))?.into_inner();
            print_line(document.tekst.trim_end_matches('\n'))
        }
    }
}

/// Which certificate is meant.
fn blocked(certificaat: Option<&Path>, vingerafdruk: Option<&str>) -> Result<Vingerafdruk, Failure> {
    if let Some(file) = certificaat {
        let chain = settings::certificates(file).map_err(|error| Failure::Usage(error.to_string()))?;
        return Ok(settings::vingerafdruk(&chain[0]));
    }
    let wrong =
        "--vingerafdruk is de SHA-256 van een certificaat: 64 hexadecimale cijfers, met of zonder dubbele punten";
    vingerafdruk.unwrap_or_default().parse().map_err(|()| Failure::Usage(wrong.to_owned()))
}

/// The deelnemers that are in force, with this certificate blocked.
async fn with_blocked(change: &Change, blocked: &Vingerafdruk) -> Result<proto::NieuwDocument, Failure> {
    let (profile, mut client) = change.who.connect().await?;
    let medewerker = profile.medewerker().to_owned();
    let request = proto::GetDocumentRequest { naam: "deelnemers".to_owned(), hash: None, medewerker };
    let asked = client.get_document(with_deadline(request, CALL_DEADLINE)).await;
    let tekst = asked.map_err(|status| profile.failure(&status))?.into_inner().tekst;
    let reden = toml::Value::String(if change.reden.is_empty() {
        "geen reden gegeven".to_owned()
    } else {
        change.reden.clone()
    });
    let tekst = format!("{}\n\n[[geblokkeerd]]\nvingerafdruk = \"{blocked}\"\nreden = {reden}\n", tekst.trim_end());
    Ok(proto::NieuwDocument { herkomst: "deelnemers, zoals zij van kracht zijn".to_owned(), tekst })
}

pub(super) fn document(file: &Path) -> Result<proto::NieuwDocument, Failure> {
    let name = file.display().to_string();
    let tekst = read_bounded(file).with_context(|| format!("{name} is niet te lezen"))?;
    let too_large = || Failure::Usage(format!("{name} is groter dan {} KiB", MOST_BYTES >> 10));
    let tekst = tekst.ok_or_else(too_large)?;
    Ok(proto::NieuwDocument { herkomst: name, tekst })
}

impl Change {
    async fn run(self, laden: Vec<proto::NieuwDocument>, intrekken: Vec<String>) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let medewerker = self.medewerker.unwrap_or_else(|| profile.medewerker().to_owned());
        let message =
            proto::ChangeDocumentsRequest { laden, intrekken, reden: self.reden, medewerker, proef: self.dry_run };
        let changed = client.change_documents(with_deadline(message, CALL_DEADLINE)).await;
        let changed = changed.map_err(|status| profile.failure(&status))?.into_inner();
        if self.json {
            return print_line(&to_json(&changed).to_string());
        }
        if self.dry_run && !changed.gevolgen.is_empty() {
            print_line("Dit zou er veranderen:")?;
        }
        for gevolg in &changed.gevolgen {
            print_line(gevolg)?;
        }
        for waarschuwing in &changed.waarschuwingen {
            proceslog::say(format_args!("let op: {waarschuwing}"));
        }
        let done = match (changed.wijzigingen.len(), self.dry_run) {
            (0, _) => "Er verandert niets: dit is al van kracht.".to_owned(),
            (1, true) => "1 document zou veranderen. Er is niets gewijzigd.".to_owned(),
            (count, true) => format!("{count} documenten zouden veranderen. Er is niets gewijzigd."),
            (1, false) => format!("1 document gewijzigd, met logregel {}.", changed.versie.saturating_sub(1)),
            (count, false) => {
                format!("{count} documenten gewijzigd, tot en met logregel {}.", changed.versie.saturating_sub(1))
            }
        };
        print_line(&done)
    }
}

impl Klok {
    async fn run(self) -> Result<(), Failure> {
        let Decision { reden, json, .. } = &self.decision;
        let (profile, mut client, medewerker) = self.decision.connect().await?;
        let message = proto::BelieveClockRequest { reden: reden.clone(), medewerker };
        let believed = client.believe_clock(with_deadline(message, CALL_DEADLINE)).await;
        let believed = believed.map_err(|status| profile.failure(&status))?.into_inner();
        if *json {
            return print_line(&to_json(&believed).to_string());
        }
        print_line(&match believed.twijfel {
            Some(twijfel) => format!(
                "De twijfel is voorbij ({twijfel}). Vanaf nu geldt {}. Wat vervallen is eindigt pas na een uur.",
                believed.tijd
            ),
            None => "De klok was niet in twijfel; er is niets gewijzigd.".to_owned(),
        })
    }
}

async fn wis(decision: &Decision, persoon: &Path) -> Result<(), Failure> {
    let persoon = Some(read_persoon(persoon)?);
    let (profile, mut client, medewerker) = decision.connect().await?;
    let request = proto::EraseOpeningenRequest { persoon, reden: decision.reden.clone(), medewerker };
    let erased = client.erase_openingen(with_deadline(request, CALL_DEADLINE)).await;
    let erased = erased.map_err(|status| profile.failure(&status))?.into_inner();
    if decision.json {
        return print_line(&to_json(&erased).to_string());
    }
    let regels = erased.logregels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    print_line(&format!(
        "Gewist: {} openingen, bij {} berichten en wat er verder over deze persoon was. Logregel {regels} noemt ze. Reservekopieën van \
         eerder hebben ze nog.",
        erased.openingen, erased.berichten
    ))
}

async fn toestand(who: &Who, json: bool) -> Result<(), Failure> {
    let (profile, mut client) = who.connect().await?;
    let asked = client.get_toestand(with_deadline(proto::GetToestandRequest {}, CALL_DEADLINE)).await;
    let toestand = asked.map_err(|status| profile.failure(&status))?.into_inner();
    if json {
        print_line(&to_json(&toestand).to_string())?;
    } else {
        print_line(&format!("Klok van deze machine:   {}", toestand.klok))?;
        print_line(&format!("Tijd volgens deze poort: {}", toestand.tijd))?;
        for reden in &toestand.redenen {
            print_line(&format!("Geen dienst: {reden}."))?;
        }
        if toestand.gereed && !toestand.vervalt {
            print_line(
                "Doet dienst. Wat vervallen is wordt nog niet beeindigd: dat wacht een uur na twijfel aan de klok of een start van de machine. Te lezen is het niet.",
            )?;
        } else if toestand.gereed {
            print_line("Doet dienst.")?;
        }
    }
    if toestand.gereed { Ok(()) } else { Err(Failure::Refused("deze poort doet geen dienst".to_owned())) }
}

async fn list(who: &Who, json: bool) -> Result<(), Failure> {
    let (profile, mut client) = who.connect().await?;
    let listed = client.list_documents(with_deadline(proto::ListDocumentsRequest {}, CALL_DEADLINE)).await;
    let listed = listed.map_err(|status| profile.failure(&status))?.into_inner();
    for document in &listed.documenten {
        if json {
            print_line(&to_json(document).to_string())?;
        } else {
            print_line(&line(document))?;
        }
    }
    if !json {
        print_line(&format!("Stand na logregel {}.", listed.versie.saturating_sub(1)))?;
    }
    Ok(())
}

fn line(document: &proto::DocumentVanKracht) -> String {
    let hash = document.hash.get(..12).unwrap_or_default();
    let term = match (&document.versie, &document.geldig_tot_en_met) {
        (Some(versie), Some(day)) => format!("versie {versie}, tot en met {day}"),
        _ => String::new(),
    };
    format!("{:<11} {:<28} {hash}  {term}", document.soort, document.naam).trim_end().to_owned()
}
