//! Controleren (checking): whether what an FG kept belongs to the logboek, and how to find that out without the gateway.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Multipart, Path, State},
    http::Response,
};

use super::{
    kijker::Kijker,
    pagina::Kop,
    velden::Velden,
    woorden::{aantal, getal},
};
use crate::{
    domain::Weigering,
    exchange::{
        About, Exchange, datum,
        toezicht::{bewijs::Gegroeid, scherm::Vertoond},
    },
    logboek::{self, Checkpoint, Hash, ProofError, TlogProof, verify_consistency},
};

/// The first line of a proof (C2SP tlog-proof).
const PROOF: &str = "c2sp.org/tlog-proof@v1";
/// Proofs in one receipt, at most.
const MOST_PROOFS: usize = 50;

/// A checkpoint that this FG was shown.
struct Gezien {
    wanneer: String,
    grootte: String,
    wortel: String,
}

/// What was found of something that was handed in.
struct Uitkomst {
    klopt: bool,
    titel: String,
    zinnen: Vec<String>,
    /// The hashes on the way, in hexadecimal.
    pad: Vec<String>,
    /// The regel that a proof is of.
    regel: String,
}

#[derive(Template)]
#[template(path = "controleren.html")]
struct Controleren {
    kop: Kop,
    uitkomsten: Vec<Uitkomst>,
    gezien: Vec<Gezien>,
    vkey: String,
}

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        velden.known(&[], &[])?;
        page(&exchange, &kijker, Vec::new()).await
    };
    let made = made.await;
    kijker.answer(made).await
}

/// Something that was kept: a checkpoint, a proof, or a receipt with proofs in it.
pub(super) async fn check(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    mut form: Multipart,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        let mut kept = String::new();
        while let Some(field) = form.next_field().await.map_err(|_| unreadable())? {
            let text = field.text().await.map_err(|_| unreadable())?;
            if !text.trim().is_empty() {
                kept = text;
            }
        }
        if kept.trim().is_empty() {
            return Err(Weigering::veld("bewaard", "een bestand, of de tekst ervan"));
        }
        let uitkomsten = judged(&exchange, &kijker, &kept.replace("\r\n", "\n")).await?;
        page(&exchange, &kijker, uitkomsten).await
    };
    let made = made.await;
    kijker.answer(made).await
}

fn unreadable() -> Weigering {
    Weigering::veld("bewaard", "een bestand van hoogstens 1 MiB, in tekst")
}

async fn page(exchange: &Exchange, kijker: &Kijker, uitkomsten: Vec<Uitkomst>) -> Result<Controleren, Weigering> {
    kijker.watches()?;
    let shown = exchange.vertoond(&kijker.call, &kijker.inzage(None)).await?;
    let gezien = shown.into_iter().map(|Vertoond { tijd, checkpoint, .. }| {
        let read = checkpoint.as_deref().and_then(|nota| read(exchange, nota));
        Gezien {
            wanneer: datum::moment(tijd),
            grootte: read.as_ref().map_or_else(|| "niet te lezen".to_owned(), |of| getal(of.size)),
            wortel: read.map(|of| hex::encode(of.root)).unwrap_or_default(),
        }
    });
    Ok(Controleren {
        kop: kijker.kop("Controleren", "/controleren"),
        uitkomsten,
        gezien: gezien.collect(),
        vkey: exchange.newest_vkey()?,
    })
}

/// A checkpoint that the key of this logboek signed.
fn read(exchange: &Exchange, nota: &str) -> Option<Checkpoint> {
    let key = exchange.vkey.named(nota.lines().next()?).ok()?;
    logboek::open(nota, &key).ok()
}

async fn judged(exchange: &Exchange, kijker: &Kijker, kept: &str) -> Result<Vec<Uitkomst>, Weigering> {
    if kept.starts_with(PROOF) {
        return Ok(vec![of_proof(exchange, kijker, kept).await?]);
    }
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(kept) {
        let mut proofs = Vec::new();
        collect(&json, &mut proofs);
        if proofs.is_empty() {
            return Ok(vec![wrong(
                "In dit bestand staat geen bewijs",
                vec!["Een ontvangstbewijs van deze poort heeft een veld bewijs.".to_owned()],
            )]);
        }
        let mut uitkomsten = Vec::new();
        for proof in proofs.iter().take(MOST_PROOFS) {
            uitkomsten.push(of_proof(exchange, kijker, proof).await?);
        }
        return Ok(uitkomsten);
    }
    Ok(vec![of_checkpoint(exchange, kijker, kept).await?])
}

/// Every proof in a receipt, wherever it stands.
fn collect(json: &serde_json::Value, proofs: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) if text.starts_with(PROOF) => proofs.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, proofs)),
        serde_json::Value::Object(fields) => fields.values().for_each(|value| collect(value, proofs)),
        _ => {}
    }
}

fn wrong(titel: &str, zinnen: Vec<String>) -> Uitkomst {
    Uitkomst { klopt: false, titel: titel.to_owned(), zinnen, pad: Vec::new(), regel: String::new() }
}

fn path(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

async fn of_checkpoint(exchange: &Exchange, kijker: &Kijker, nota: &str) -> Result<Uitkomst, Weigering> {
    let not_ours = "Bewaar het bestand. Is het een echt checkpoint van deze poort, dan is er iets uit het logboek verdwenen: meld dat aan \
                    beheer en aan de FG's van de andere partners.";
    let grown = match exchange.prove_growth(&kijker.call, &kijker.inzage(None), nota).await {
        Ok(grown) => grown,
        Err(weigering @ Weigering::CheckpointOnbekend) => {
            exchange.refuse(&kijker.call, About::default(), weigering).await;
            return Ok(wrong(
                "Dit hoort niet bij dit logboek",
                vec![
                    "Dit is geen checkpoint dat deze poort ondertekende, of het is van meer logregels dan er nu zijn."
                        .to_owned(),
                    not_ours.to_owned(),
                ],
            ));
        }
        Err(other) => return Err(other),
    };
    let Gegroeid { checkpoint, hashes } = grown;
    let both = read(exchange, nota).zip(read(exchange, &checkpoint));
    let holds = both
        .as_ref()
        .is_some_and(|(old, new)| verify_consistency(old.size, &old.root, new.size, &new.root, &hashes).is_ok());
    match both.filter(|_| holds) {
        Some((old, new)) => Ok(Uitkomst {
            klopt: true,
            titel: "Dit checkpoint hoort bij dit logboek".to_owned(),
            zinnen: vec![
                format!(
                    "Het is van logboek {}, toen dat {} had.",
                    old.origin,
                    aantal(old.size, "logregel", "logregels")
                ),
                format!("Sindsdien is het alleen aangevuld, tot {}.", aantal(new.size, "logregel", "logregels")),
            ],
            pad: path(&hashes),
            regel: String::new(),
        }),
        None => Ok(wrong(
            "Dit logboek is veranderd",
            vec!["Het checkpoint is echt, en het logboek van nu gaat er niet op door.".to_owned(), not_ours.to_owned()],
        )),
    }
}

async fn of_proof(exchange: &Exchange, kijker: &Kijker, text: &str) -> Result<Uitkomst, Weigering> {
    let verified = text.parse::<TlogProof>().and_then(|proof| {
        let naam = proof.checkpoint.lines().next().unwrap_or_default();
        let key = exchange.vkey.named(naam).map_err(ProofError::from)?;
        Ok((proof.verify(&key)?, proof))
    });
    let (verified, proof) = match verified {
        Ok(verified) => verified,
        Err(error) => {
            return Ok(wrong("Dit bewijs klopt niet", vec![format!("{error}."), "Bewaar het bestand.".to_owned()]));
        }
    };
    let under = of_checkpoint(exchange, kijker, &proof.checkpoint).await?;
    if !under.klopt {
        return Ok(under);
    }
    let mut zinnen = vec![format!(
        "Deze logregel staat op plaats {} van logboek {}, onder een checkpoint van {}.",
        getal(verified.index),
        verified.checkpoint.origin,
        aantal(verified.checkpoint.size, "logregel", "logregels")
    )];
    zinnen.extend(under.zinnen.into_iter().skip(1));
    Ok(Uitkomst {
        klopt: true,
        titel: "Dit bewijs klopt, en de logregel staat in het logboek".to_owned(),
        zinnen,
        pad: path(&proof.hashes),
        regel: String::from_utf8_lossy(&verified.leaf).into_owned(),
    })
}

/// The proof of one regel, to keep.
pub(super) async fn bewijs(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(logregel): Path<String>,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        let index = logregel.parse().map_err(|_| Weigering::veld("logregel", "het nummer van een logregel"))?;
        exchange.prove_regel(&kijker.call, &kijker.inzage(None), index).await
    };
    let made = made.await.map(|proof| proof.to_string());
    let digits: String = logregel.chars().filter(char::is_ascii_digit).take(20).collect();
    kijker.download((&format!("logregel-{digits}.tlog-proof"), "text/plain; charset=utf-8"), made).await
}

/// The newest checkpoint, to keep.
pub(super) async fn checkpoint(State(exchange): State<Arc<Exchange>>, kijker: Kijker) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        exchange.newest_checkpoint(&kijker.call, &kijker.inzage(None)).await
    };
    let made = made.await.map(|stand| stand.checkpoint);
    kijker.download(("checkpoint.txt", "text/plain; charset=utf-8"), made).await
}
