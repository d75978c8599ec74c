//! `logboek`: verify, prove and list what was written down. Reads the database, beside a running gateway or without one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure,
    inhoud::{self, look_at},
    print_line,
    progress::Bar,
    scenario::read_persoon,
};
use crate::{
    config::Config,
    domain::{Kenmerk, Oin, PartnerNaam, Persoon, Vernietiging, Weigering},
    exchange::{RedenIntrekking, van_kracht::all_oins},
    gateway::{GatewayError, signer},
    grpc::{content::Checker, convert::zoekpersoon},
    logboek::{Logregel, Soort, TlogProof, VerifyKey},
    sleutels::KeyDirectory,
    store::{
        Database, Pool,
        ledger::{proofs, regels::regels},
        reading::personen::berichten_over,
        verify,
    },
};

/// The largest answer with receipts that exists has some 32 proofs of 2 KiB; bytes.
const MOST_PROOF_FILE_BYTES: u64 = 4 << 20;

#[derive(Subcommand)]
pub enum Command {
    /// Reken het hele logboek na: elke regel, de boom, elk checkpoint, het postvak
    Verify {
        #[command(flatten)]
        which: Which,
        /// Uitkomst als JSON
        #[arg(long)]
        json: bool,
    },
    /// Geef het bewijs van een regel, of controleer een bewijs zonder configuratie
    Proof(Proof),
    /// Toon logregels uit de database van de poort, zonder inhoud
    Search {
        #[command(flatten)]
        which: Which,
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
    },
    /// Toon de sleutel waarmee iedereen checkpoints en bewijzen controleert
    Vkey {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
pub struct Which {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Args)]
pub struct Proof {
    /// Geef het bewijs van een regel uit dit logboek
    #[arg(long, value_name = "FILE", requires = "index", conflicts_with = "verify")]
    config: Option<PathBuf>,
    /// De index van de regel
    #[arg(long, requires = "config")]
    index: Option<u64>,
    /// Controleer dit bewijs: een tlog-proof of een ontvangstbewijs van send; - leest van stdin
    #[arg(long, value_name = "FILE", requires = "vkey", required_unless_present = "config")]
    verify: Option<PathBuf>,
    /// De sleutel van het logboek (zie logboek vkey)
    #[arg(long, value_name = "VKEY")]
    vkey: Option<VerifyKey>,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify { which, json } => run_verify(&which.config, json).await,
        Command::Proof(Proof { config: Some(config), index: Some(index), .. }) => prove(&config, index).await,
        Command::Proof(Proof { verify: Some(file), vkey: Some(vkey), .. }) => verify_offline(&file, &vkey),
        Command::Proof(_) => Err(Failure::Usage("geef --config met --index, of --verify met --vkey".to_owned())),
        Command::Search { which, partner, soort, bericht, weigering, persoon } => {
            let config = Config::load(&which.config)?;
            let persoon = persoon.as_deref().map(read_zoekpersoon).transpose()?;
            let bericht = bericht.map(|id| id.to_string());
            let wanted = Wanted { partner, soort, bericht, weigering, persoon };
            for regel in search(&config, &wanted).await? {
                print_line(&regel)?;
            }
            Ok(())
        }
        Command::Vkey { which } => print_line(&vkey(&Config::load(&which.config)?)?.to_string()),
    }
}

/// The key that verifies this logboek.
///
/// # Errors
/// When the key directory cannot be read.
pub(crate) fn vkey(config: &Config) -> Result<VerifyKey, Failure> {
    let seed = KeyDirectory::read_logboek_seed(&config.sleutels).map_err(GatewayError::from)?;
    Ok(signer(config, seed.bytes())?.vkey())
}

/// Every OIN that a partner has or had.
async fn oins(read: &Pool) -> Result<BTreeMap<PartnerNaam, BTreeSet<Oin>>, Failure> {
    Ok(all_oins(read).await.map_err(GatewayError::from)?)
}

pub(super) async fn open(config: &Config) -> Result<Pool, Failure> {
    Ok(Database::read_only(&config.opslag).await.map_err(GatewayError::from)?)
}

/// Recomputes a whole logboek.
///
/// # Errors
/// [`Failure::Refused`] naming the first bad index.
pub(crate) async fn verify_all(config: &Config) -> Result<verify::Sound, Failure> {
    let key = vkey(config)?;
    let read = open(config).await?;
    let oins = oins(&read).await?;
    let bar = Bar::of("nagerekend");
    let sound = verify::verify(&read, &config.logboek, &key, &oins, &|done, all| bar.at(done, all)).await?;
    read.close().await;
    Ok(sound)
}

async fn run_verify(config: &Path, as_json: bool) -> Result<(), Failure> {
    let config = Config::load(config)?;
    let sound = match verify_all(&config).await {
        Ok(sound) => sound,
        Err(failure) if as_json => {
            print_line(&json!({"logboek": "fout", "uitleg": failure.text()}).to_string())?;
            return Err(failure);
        }
        Err(failure) => return Err(failure),
    };
    let content = look_at(&config).await?;
    if as_json {
        let (logregels, checkpoints) = (sound.regels, sound.checkpoints);
        let inhoud = inhoud::as_json(&content);
        let outcome = json!({"logboek": "ok", "logregels": logregels, "checkpoints": checkpoints, "inhoud": inhoud});
        print_line(&outcome.to_string())?;
    } else {
        print_line(&format!("Het logboek klopt: {} regels, {} checkpoints.", sound.regels, sound.checkpoints))?;
        print_line(sound.nota.trim_end())?;
        inhoud::print(&content)?;
    }
    content.ok().as_ref().and_then(inhoud::damage).map_or(Ok(()), |damage| Err(Failure::Refused(damage)))
}

async fn prove(config: &Path, index: u64) -> Result<(), Failure> {
    let config = Config::load(config)?;
    let read = open(&config).await?;
    let read_error = |error: crate::store::StoreError| Failure::Refused(error.to_string());
    let newest = proofs::newest_checkpoint(&read).await.map_err(read_error)?;
    let none = || Failure::Refused(format!("er is geen logregel {index}"));
    let proof = proofs::prove(&read, index, newest.ok_or_else(none)?).await.map_err(read_error)?;
    print_line(proof.ok_or_else(none)?.to_string().trim_end())
}

/// Checks a proof with nothing but the key: a tlog-proof, or every proof in a receipt.
fn verify_offline(file: &Path, vkey: &VerifyKey) -> Result<(), Failure> {
    let mut text = String::new();
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(fs::File::open(file).with_context(|| format!("{} is niet te lezen", file.display()))?)
    };
    source
        .take(MOST_PROOF_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{} is geen tekst", file.display()))?;
    if text.len() as u64 > MOST_PROOF_FILE_BYTES {
        return Err(Failure::Usage(format!("{} is groter dan 4 MiB en kan geen bewijs zijn", file.display())));
    }
    if !text.trim_start().starts_with('{') {
        return print_proven(&verify_proof(&text, vkey)?);
    }
    let json: Value = serde_json::from_str(&text).context("geen tlog-proof en geen JSON")?;
    let mut found = 0;
    verify_receipts(&json, &json, vkey, &mut found)?;
    if found == 0 { Err(Failure::Usage("er staat geen bewijs in dit bestand".to_owned())) } else { Ok(()) }
}

fn print_proven(proven: &Proven) -> Result<(), Failure> {
    print_line(&proven.leaf)?;
    print_line(&format!("Klopt: regel {} van {} in {}.", proven.index, proven.grootte, proven.logboek))
}

/// Checks every object with a `bewijs`, in receipts, statuses and answers of Ask alike: the proof holds, and what stands
/// beside it is what it proves. `whole` is the nearest object that names a bericht.
fn verify_receipts(value: &Value, whole: &Value, vkey: &VerifyKey, found: &mut usize) -> Result<(), Failure> {
    let whole = if value.get("bericht").is_some() { value } else { whole };
    if let Some(bewijs) = value.get("bewijs").and_then(Value::as_str) {
        let proven = verify_proof(bewijs, vkey)?;
        same_as_proven(value, whole, &proven)?;
        print_proven(&proven)?;
        *found += 1;
    }
    let inner: Vec<&Value> = match value {
        Value::Object(entries) => entries.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    inner.into_iter().try_for_each(|value| verify_receipts(value, whole, vkey, found))
}

fn same_as_proven(aanvaarding: &Value, whole: &Value, proven: &Proven) -> Result<(), Failure> {
    let regel: Value = serde_json::from_str(&proven.leaf).context("de bewezen regel is geen JSON")?;
    let stempel = aanvaarding.get("stempel").unwrap_or(&Value::Null);
    let of_stempel = ["grondslag", "regel", "convenant", "verwerkingsactiviteit", "houdbaar_tot_en_met"];
    let said = of_stempel.map(|key| (key, stempel.get(key))).into_iter();
    let said = said.chain(["bericht", "gesprek", "tijd"].map(|key| (key, whole.get(key))));
    for (key, value) in said {
        if value.is_some_and(|value| regel.get(key) != Some(value)) {
            return Err(contradicted(key));
        }
    }
    if aanvaarding.get("log_index").is_some_and(|index| index.as_u64() != Some(proven.index)) {
        return Err(contradicted("log_index"));
    }
    let loket = aanvaarding.pointer("/ontvanger/loket").and_then(Value::as_str);
    let proven_loket = regel.get("ontvanger").and_then(Value::as_str).and_then(|adres| adres.split('/').nth(1));
    if loket.is_some() && loket != proven_loket { Err(contradicted("ontvanger.loket")) } else { Ok(()) }
}

fn contradicted(key: &str) -> Failure {
    Failure::Refused(format!(
        "het bewijs klopt niet: {key} in het ontvangstbewijs is iets anders dan de bewezen regel zegt"
    ))
}

/// What a proof proves.
pub(crate) struct Proven {
    leaf: String,
    index: u64,
    grootte: u64,
    logboek: String,
}

/// Checks one proof. Gives the regel that it proves, and what stands behind it.
///
/// # Errors
/// [`Failure::Refused`] when it does not hold.
pub(crate) fn verify_proof(text: &str, vkey: &VerifyKey) -> Result<Proven, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(format!("het bewijs klopt niet: {error}"));
    // A note ends in a newline, which shells and editors like to take away.
    let proof: TlogProof = format!("{}\n", text.trim_end_matches('\n')).parse().map_err(|error| refused(&error))?;
    let verified = proof.verify(vkey).map_err(|error| refused(&error))?;
    let leaf = String::from_utf8(verified.leaf).map_err(|error| refused(&error))?;
    let checkpoint = verified.checkpoint;
    Ok(Proven { leaf, index: verified.index, grootte: checkpoint.size, logboek: checkpoint.origin })
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
    let known = oins(&read).await?;
    let unknown = |naam: &PartnerNaam| Failure::Usage(format!("{naam} is en was geen partner van deze poort"));
    let oins = wanted.partner.as_ref().map(|naam| known.get(naam).ok_or_else(|| unknown(naam))).transpose()?;
    let mut about = match &wanted.persoon {
        Some(persoon) => Some(about(config, &read, persoon).await?),
        None => None,
    };
    // What follows such a bericht is about the same person, and what follows that; it always comes later.
    let mut about_person = |regel: &Logregel| {
        about.as_mut().is_none_or(|ids| {
            let named = [&regel.bericht, &regel.in_antwoord_op, &regel.vervangt];
            let known = named.into_iter().flatten().any(|id| ids.contains(id));
            ids.extend(regel.bericht.iter().filter(|_| known).cloned());
            known
        })
    };
    let takes_part = |regel: &Logregel| {
        let parties = [&regel.afzender, &regel.ontvanger, &regel.actor];
        oins.is_none_or(|oins| {
            parties
                .into_iter()
                .flatten()
                .any(|party| oins.iter().any(|oin| party.split('/').next() == Some(oin.as_str())))
        })
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
            if about_person(&regel) && of_soort && of_bericht && of_weigering && takes_part(&regel) {
                let leaf = String::from_utf8_lossy(&leaf);
                found.push(format!("{{\"log_index\":{index},\"logregel\":{leaf}}}"));
            }
        }
    }
}
