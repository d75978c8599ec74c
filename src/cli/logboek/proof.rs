//! `logboek proof`: gives the proof of a regel, or checks one with nothing but the key.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::open;
use crate::{
    cli::{Failure, print_line},
    config::Config,
    logboek::{TlogProof, VerifyKey},
    store::{
        StoreError,
        ledger::proofs::{self, Under},
    },
};

/// The largest answer with receipts that exists has some 32 proofs of 2 KiB; bytes.
const MOST_PROOF_FILE_BYTES: u64 = 4 << 20;

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

impl Proof {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self { config: Some(config), index: Some(index), .. } => prove(&config, index).await,
            Self { verify: Some(file), vkey: Some(vkey), .. } => verify_offline(&file, &vkey),
            _ => Err(Failure::Usage("geef --config met --index, of --verify met --vkey".to_owned())),
        }
    }
}

async fn prove(config: &Path, index: u64) -> Result<(), Failure> {
    let config = Config::load(config)?;
    let read = open(&config).await?;
    let read_error = |error: StoreError| Failure::Refused(error.to_string());
    let none = || Failure::Refused(format!("er is geen logregel {index}"));
    let proof = proofs::prove(&read, index, Under::Newest).await.map_err(read_error)?;
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
    // The proof counts from the first regel of its logboek.
    let eerste = aanvaarding.get("logboek_eerste").and_then(Value::as_u64).unwrap_or(0);
    if aanvaarding.get("log_index").is_some_and(|index| index.as_u64() != proven.index.checked_add(eerste)) {
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
    // The logboek of another year is signed with the same key under another name; which it is, is said.
    let naam = proof.checkpoint.lines().next().unwrap_or_default();
    let named = vkey.named(naam).map_err(|error| refused(&error))?;
    let verified = proof.verify(&named).map_err(|error| refused(&error))?;
    let leaf = String::from_utf8(verified.leaf).map_err(|error| refused(&error))?;
    let checkpoint = verified.checkpoint;
    Ok(Proven { leaf, index: verified.index, grootte: checkpoint.size, logboek: checkpoint.origin })
}
