//! `inzage`: dossiers of people who ask what was exchanged about them.

use std::path::PathBuf;

use clap::{
    ArgGroup, Args, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use jiff::Timestamp;
use tonic::transport::Channel;

use super::{
    Failure,
    beheer::CALL_DEADLINE,
    logboek::toezicht::inzage,
    partner::{read_json, with_deadline},
    print_line,
    scenario::read_persoon,
};
use crate::{
    client::Profile,
    domain::{
        houdbaarheid::{amsterdam, last_day_before},
        inzage::Grond,
    },
    grpc::{
        boundary::MOST_DOSSIER_ANSWER_BYTES,
        codec::{from_json, to_json},
        inzage::of_grond,
    },
    proceslog,
    proto::{self, Dossier, client::InzageServiceClient},
};

#[derive(Subcommand)]
pub enum Command {
    /// Open een dossier voor wie om inzage vraagt, en vraag elke betrokken partner om een besluit
    Open {
        #[command(flatten)]
        ask: Ask,
        /// Wie om inzage vraagt: JSON met naam en geboortedatum, en zo mogelijk skn of bsn; - leest van stdin
        #[arg(long, value_name = "FILE")]
        persoon: PathBuf,
        /// De dag waarop het verzoek binnenkwam, JJJJ-MM-DD: de termijn van een maand telt daarvandaan
        #[arg(long, value_name = "DAG")]
        ontvangen: String,
        /// Uw eigen kenmerk van het verzoek
        #[arg(long, value_name = "TEKST")]
        kenmerk: String,
    },
    /// Toon de dossiers waaraan u deel hebt; wat het eerst een antwoord moet hebben staat bovenaan
    List {
        #[command(flatten)]
        ask: Ask,
        /// Ook de gesloten dossiers
        #[arg(long)]
        ook_gesloten: bool,
    },
    /// Toon een dossier: wie nog besluit, en de rijen die u mag zien
    Show {
        #[command(flatten)]
        one: One,
        /// Alleen het overzicht voor de betrokkene, om af te drukken; voor het contactpunt dat het dossier opende
        #[arg(long)]
        overzicht: bool,
    },
    /// Geef de rijen van uw partner vrij, of houd ze achter; een later besluit komt in de plaats van een eerder
    Decide(Decide),
    /// Verleng de termijn met twee maanden (AVG art. 12, lid 3); zeg de betrokkene waarom
    Extend(One),
    /// Sluit het dossier en toon het overzicht dat de betrokkene krijgt
    Close(One),
}

/// Who asks, and why.
#[derive(Args)]
pub struct Ask {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml van een contactpunt; om te kijken ook van een FG of auditor
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// Waarom, zonder namen; het logboek legt een afdruk ervan vast
    #[arg(long, value_name = "TEKST")]
    reden: Option<String>,
    /// Wie dit doet (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Het antwoord als JSON
    #[arg(long)]
    json: bool,
}

/// One dossier.
#[derive(Args)]
pub struct One {
    #[command(flatten)]
    ask: Ask,
    /// Het nummer van het dossier
    dossier: u64,
}

/// The grounds, each with what it means.
fn gronden() -> impl TypedValueParser<Value = Grond> {
    let named = Grond::ALL.map(|grond| PossibleValue::new(grond.as_str()).help(grond.uitleg()));
    PossibleValuesParser::new(named).map(|text| text.parse().expect("one of the names above"))
}

/// A decision about the rows of one's partner.
#[derive(Args)]
#[command(group(ArgGroup::new("oordeel").required(true).multiple(true).args(["vrijgeven", "achterhouden", "besluit"])))]
pub struct Decide {
    #[command(flatten)]
    one: One,
    /// Geef alles vrij wat u niet met --rij achterhoudt
    #[arg(long, conflicts_with = "besluit")]
    vrijgeven: bool,
    /// Houd achter op deze grond: wat u met --rij noemt, en zonder --rij alles
    #[arg(long, value_parser = gronden(), value_name = "GROND", conflicts_with = "besluit")]
    achterhouden: Option<Grond>,
    /// Een rij die u achterhoudt, bij haar nummer; herhaal het voor meer
    #[arg(long, value_name = "NUMMER", requires_all = ["achterhouden", "vrijgeven"])]
    rij: Vec<u64>,
    /// Waarom, in woorden voor de betrokkene; het komt in het overzicht
    #[arg(long, value_name = "TEKST", requires = "achterhouden", conflicts_with = "verzwijgen")]
    toelichting: Option<String>,
    /// Laat het overzicht niet zeggen dat u iets achterhoudt, omdat dat zelf al schaadt
    #[arg(long, requires = "achterhouden")]
    verzwijgen: bool,
    /// Voor elke rij iets anders: JSON met besluiten en overige; - leest van stdin
    #[arg(long, value_name = "FILE")]
    besluit: Option<PathBuf>,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Open { ask, persoon, ontvangen, kenmerk } => {
            let persoon = Some(read_persoon(&persoon)?);
            let (profile, mut client, inzage) = ask.connect().await?;
            let request = proto::OpenDossierRequest { inzage, persoon, ontvangen_op: ontvangen, kenmerk };
            let opened = client.open_dossier(with_deadline(request, CALL_DEADLINE)).await;
            let opened = opened.map_err(|status| profile.failure(&status))?.into_inner().dossier;
            print(&opened.unwrap_or_default(), ask.json)
        }
        Command::List { ask, ook_gesloten } => list(&ask, ook_gesloten).await,
        Command::Show { one, overzicht } => {
            let (profile, mut client, inzage) = one.ask.connect().await?;
            let request = proto::GetDossierRequest { inzage, dossier: one.dossier };
            let shown = client.get_dossier(with_deadline(request, CALL_DEADLINE)).await;
            let shown = shown.map_err(|status| profile.failure(&status))?.into_inner().dossier.unwrap_or_default();
            if overzicht { print_overview(&shown) } else { print(&shown, one.ask.json) }
        }
        Command::Decide(decide) => decide.run().await,
        Command::Extend(One { ask, dossier }) => {
            let (profile, mut client, inzage) = ask.connect().await?;
            let request = proto::ExtendDossierRequest { inzage, dossier };
            let extended = client.extend_dossier(with_deadline(request, CALL_DEADLINE)).await;
            let extended = extended.map_err(|status| profile.failure(&status))?.into_inner().dossier;
            print(&extended.unwrap_or_default(), ask.json)
        }
        Command::Close(One { ask, dossier }) => {
            let (profile, mut client, inzage) = ask.connect().await?;
            let request = proto::CloseDossierRequest { inzage, dossier };
            let closed = client.close_dossier(with_deadline(request, CALL_DEADLINE)).await;
            let closed = closed.map_err(|status| profile.failure(&status))?.into_inner().dossier.unwrap_or_default();
            if ask.json { print(&closed, true) } else { print_overview(&closed) }
        }
    }
}

impl Ask {
    async fn connect(&self) -> Result<(Profile, InzageServiceClient<Channel>, Option<proto::Inzage>), Failure> {
        let profile = Profile::load(&self.profile)?;
        let client = InzageServiceClient::new(profile.channel().await?);
        let client = client.max_decoding_message_size(MOST_DOSSIER_ANSWER_BYTES);
        let who = inzage(&profile, (self.medewerker.clone(), self.reden.clone()));
        Ok((profile, client, Some(who)))
    }
}

async fn list(ask: &Ask, ook_gesloten: bool) -> Result<(), Failure> {
    let (profile, mut client, inzage) = ask.connect().await?;
    let request = proto::ListDossiersRequest { inzage, ook_gesloten };
    let listed = client.list_dossiers(with_deadline(request, CALL_DEADLINE)).await;
    let listed = listed.map_err(|status| profile.failure(&status))?.into_inner();
    if listed.dossiers.is_empty() && !ask.json {
        return print_line("Er is geen dossier waaraan u deel hebt.");
    }
    for dossier in &listed.dossiers {
        if ask.json { print_line(&to_json(dossier).to_string())? } else { print_line(&summary(dossier))? }
    }
    if listed.afgekapt {
        proceslog::say("er zijn er meer; dit zijn de dossiers die het eerst een antwoord moeten hebben");
    }
    Ok(())
}

impl Decide {
    async fn run(self) -> Result<(), Failure> {
        let request = self.decided()?;
        let One { ask, dossier } = self.one;
        let (profile, mut client, inzage) = ask.connect().await?;
        let request = proto::DecideDossierRequest { inzage, dossier, ..request };
        let decided = client.decide_dossier(with_deadline(request, CALL_DEADLINE)).await;
        let decided = decided.map_err(|status| profile.failure(&status))?.into_inner().dossier;
        print(&decided.unwrap_or_default(), ask.json)
    }

    /// What is decided, without who decides it.
    fn decided(&self) -> Result<proto::DecideDossierRequest, Failure> {
        if let Some(file) = &self.besluit {
            let (name, json) = read_json(file)?;
            // What is wrong with it could repeat what stands in it.
            let wrong = |_| {
                Failure::Usage(format!(
                    "{name} is geen besluit: geef besluiten (log_index en oordeel) en overige, zoals {EXAMPLE}."
                ))
            };
            let decided: proto::DecideDossierRequest = from_json(json).map_err(wrong)?;
            if decided.inzage.is_some() || ![0, self.one.dossier].contains(&decided.dossier) {
                let text = format!("{name} noemt een ander dossier, of wie besluit; geef alleen besluiten en overige");
                return Err(Failure::Usage(text));
            }
            return Ok(decided);
        }
        let released = proto::Oordeel { vrijgeven: true, ..proto::Oordeel::default() };
        let Some(grond) = self.achterhouden else {
            return Ok(proto::DecideDossierRequest { overige: Some(released), ..Default::default() });
        };
        let withheld = proto::Oordeel {
            vrijgeven: false,
            grond: of_grond(grond).into(),
            toelichting: self.toelichting.clone().unwrap_or_default(),
            verzwijgen: self.verzwijgen,
        };
        if !self.vrijgeven {
            return Ok(proto::DecideDossierRequest { overige: Some(withheld), ..Default::default() });
        }
        if self.rij.is_empty() {
            return Err(Failure::Usage("noem met --rij wat u achterhoudt, of laat --vrijgeven weg".to_owned()));
        }
        let one = |log_index: &u64| proto::RijBesluit { log_index: *log_index, oordeel: Some(withheld.clone()) };
        let besluiten = self.rij.iter().map(one).collect();
        Ok(proto::DecideDossierRequest { besluiten, overige: Some(released), ..Default::default() })
    }
}

const EXAMPLE: &str = r#"{"besluiten": [{"log_index": 12, "oordeel": {"grond": "GROND_STRAFBARE_FEITEN"}}], "overige": {"vrijgeven": true}}"#;

/// A moment of the wire, in Amsterdam.
fn local(moment: &str) -> String {
    let local = |tijd: Timestamp| amsterdam(tijd).strftime("%Y-%m-%d %H:%M").to_string();
    moment.parse().map_or_else(|_| moment.to_owned(), local)
}

/// The last day before a moment of the wire, in Amsterdam.
fn last_day(moment: &str) -> String {
    moment.parse().map_or_else(|_| moment.to_owned(), |tijd| last_day_before(tijd).to_string())
}

/// A dossier in one line.
fn summary(of: &Dossier) -> String {
    let stand = match (&of.gesloten, of.te_laat) {
        (Some(op), false) => format!("gesloten op {}", local(op)),
        (Some(op), true) => format!("te laat gesloten, op {}", local(op)),
        (None, false) => format!("antwoord uiterlijk {}", last_day(&of.antwoord_voor)),
        (None, true) => format!("TE LAAT: het antwoord moest er uiterlijk {} zijn", last_day(&of.antwoord_voor)),
    };
    let kenmerk = of.verzoek.as_ref().map(|verzoek| format!(", kenmerk {}", verzoek.kenmerk)).unwrap_or_default();
    let undecided = match of.nog_te_besluiten {
        0 => String::new(),
        1 => "; 1 partner moet nog besluiten".to_owned(),
        many => format!("; {many} partners moeten nog besluiten"),
    };
    format!("Dossier {} van {}{kenmerk}: {stand}{undecided}", of.dossier, of.contactpunt)
}

/// A dossier: as JSON, or for people.
fn print(of: &Dossier, json: bool) -> Result<(), Failure> {
    if json {
        return print_line(&to_json(of).to_string());
    }
    print_line(&summary(of))?;
    if let Some(proto::DossierVerzoek { naam, geboortedatum, ontvangen_op, .. }) = &of.verzoek {
        print_line(&format!("Gevraagd door {naam}, geboren {geboortedatum}; ontvangen op {ontvangen_op}"))?;
    }
    let extended = if of.verlengd { ", na verlenging" } else { "" };
    print_line(&format!(
        "Partners besluiten uiterlijk {}, en het antwoord is er uiterlijk {}{extended}.",
        last_day(&of.besluiten_voor),
        last_day(&of.antwoord_voor)
    ))?;
    for asked in &of.gevraagd {
        print_line(&decision(asked))?;
    }
    for partner in &of.vertrokken {
        print_line(&format!("{partner} nam deel en is geen deelnemer meer: daarvoor besluit niemand"))?;
    }
    for rij in &of.rijen {
        let mut zinnen = rij.zinnen.iter();
        print_line(&format!("Rij {}: {}", rij.log_index, zinnen.next().map_or("", String::as_str)))?;
        zinnen.try_for_each(|zin| print_line(&format!("    {zin}")))?;
        let decide = if rij.partners.is_empty() { "niemand".to_owned() } else { rij.partners.join(", ") };
        print_line(&format!("    Besluit van: {decide}; herkend op {}", recognised(rij.herkend_op())))?;
        rij.oordelen.iter().try_for_each(|of| print_line(&format!("    {}", judgement(of))))?;
    }
    Ok(())
}

/// By what somebody was recognised.
fn recognised(kenmerk: proto::Kenmerk) -> &'static str {
    match kenmerk {
        proto::Kenmerk::Skn => "SKN",
        proto::Kenmerk::Bsn => "BSN",
        _ => "naam en geboortedatum alleen: ga na dat het dezelfde is",
    }
}

/// What a partner decided in all.
fn decision(of: &proto::GevraagdBesluit) -> String {
    let mark = if of.besloten.is_some() { "[x]" } else { "[ ]" };
    let when = match (&of.besloten, of.te_laat) {
        (Some(op), _) => format!("besloot op {}", local(op)),
        (None, true) => "TE LAAT met besluiten".to_owned(),
        (None, false) => "moet nog besluiten".to_owned(),
    };
    let withheld: Vec<String> = of
        .achtergehouden
        .iter()
        .map(|of| {
            let silent = if of.verzwegen { ", verzwegen" } else { "" };
            format!("{} rij(en) achtergehouden ({}{silent})", of.rijen, ground(of.grond()))
        })
        .collect();
    let withheld = if withheld.is_empty() { String::new() } else { format!(": {}", withheld.join("; ")) };
    format!("{mark} {} {when}{withheld}", of.partner)
}

fn judgement(of: &proto::PartnerOordeel) -> String {
    let oordeel = of.oordeel.clone().unwrap_or_default();
    if oordeel.vrijgeven {
        return format!("{}: vrijgegeven", of.partner);
    }
    let silent = if oordeel.verzwijgen { ", verzwegen" } else { "" };
    let why = if oordeel.toelichting.is_empty() { String::new() } else { format!(": {}", oordeel.toelichting) };
    format!("{}: achtergehouden ({}{silent}){why}", of.partner, ground(oordeel.grond()))
}

/// A ground as the command line names it.
fn ground(grond: proto::Grond) -> String {
    grond.as_str_name().trim_start_matches("GROND_").to_ascii_lowercase()
}

fn print_overview(of: &Dossier) -> Result<(), Failure> {
    match &of.overzicht {
        Some(text) => print_line(text.trim_end()),
        None => Err(Failure::Refused(
            "er is hier geen overzicht: dat is voor het contactpunt dat het dossier opende, en is er niet meer als de persoon is gewist"
                .to_owned(),
        )),
    }
}
