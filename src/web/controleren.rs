//! Controleren (checking): whether what an FG kept belongs to the logboek, and how to find that out without the gateway.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Multipart, Path, State, multipart::MultipartRejection},
    http::Response,
};

use super::{
    kijker::Kijker,
    pagina::Kop,
    velden::{NO_FIELD, Velden, short, unread},
    woorden::{aantal, capitalised, getal, wanneer},
};
use crate::{
    domain::Weigering,
    exchange::{
        Exchange, datum,
        toezicht::{
            bewijs::{Gegroeid, Vervolg},
            scherm::Vertoond,
        },
    },
    logboek::{self, Checkpoint, Hash, ProofError, Soort, TlogProof, Verified, verify_consistency},
};

/// The first line of a proof (C2SP tlog-proof).
const PROOF: &str = "c2sp.org/tlog-proof@v1";
/// The fields of the form.
const FIELDS: [&str; 2] = ["bestand", "tekst"];
/// Proofs in one receipt, at most.
const MOST_PROOFS: usize = 50;

/// A checkpoint that this FG was shown.
struct Gezien {
    wanneer: String,
    logboek: String,
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
    /// What can be fetched whole; nothing for who does not see all.
    logboeken: Vec<(String, String)>,
}

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        velden.known(&[], &[])?;
        page(&exchange, &kijker, Vec::new()).await
    };
    kijker.answer(made).await
}

/// Something that was kept: a checkpoint, a proof, or a receipt with proofs in it.
pub(super) async fn check(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    form: Result<Multipart, MultipartRejection>,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        let mut form = form.map_err(|rejected| unread(rejected.status()))?;
        let mut kept = None;
        while let Some(field) = form.next_field().await.map_err(|error| unread(error.status()))? {
            let naam = field.name().unwrap_or_default();
            if !FIELDS.contains(&naam) {
                return Err(Weigering::veld(short(naam), NO_FIELD));
            }
            let text = field.text().await.map_err(|error| unread(error.status()))?;
            if !text.trim().is_empty() && kept.replace(text).is_some() {
                return Err(Weigering::veld("bewaard", "een bestand of een tekst, niet allebei"));
            }
        }
        // What is copied from a page or a mail has other ends of lines, and blank ones around it.
        let kept = kept.unwrap_or_default().replace("\r\n", "\n");
        page(&exchange, &kijker, read_kept(&exchange, &format!("{}\n", kept.trim()))?).await
    };
    kijker.answer(made).await
}

/// Something that was handed in, as far as it can be judged by itself.
enum Bewaard {
    Checkpoint(String),
    /// A proof that holds by itself, and whether its checkpoint belongs is to be seen.
    Bewijs(Box<Verified>, Box<TlogProof>),
    Fout(Uitkomst),
}

impl Bewaard {
    /// The checkpoint to compare with the logboek.
    fn nota(&self) -> Option<&str> {
        match self {
            Self::Checkpoint(nota) => Some(nota),
            Self::Bewijs(_, proof) => Some(&proof.checkpoint),
            Self::Fout(_) => None,
        }
    }
}

fn read_kept(exchange: &Exchange, kept: &str) -> Result<Vec<Bewaard>, Weigering> {
    if kept.trim().is_empty() {
        return Err(Weigering::veld("bewaard", "een bestand, of de tekst ervan"));
    }
    if kept.starts_with(PROOF) {
        return Ok(vec![read_proof(exchange, kept)]);
    }
    if kept.trim_start().starts_with(['{', '[']) {
        let json = serde_json::from_str(kept);
        let json = json.map_err(|_| Weigering::veld("bewaard", "leesbare JSON, zoals een ontvangstbewijs dat is"))?;
        let mut proofs = Vec::new();
        collect(&json, &mut proofs);
        if proofs.len() > MOST_PROOFS {
            return Err(Weigering::veld("bewaard", format!("een bestand met hoogstens {MOST_PROOFS} bewijzen")));
        }
        if proofs.is_empty() {
            let zin = "Een ontvangstbewijs van deze poort heeft een veld bewijs.";
            return Ok(vec![Bewaard::Fout(wrong("In dit bestand staat geen bewijs", vec![zin.to_owned()]))]);
        }
        return Ok(proofs.iter().map(|proof| read_proof(exchange, proof)).collect());
    }
    // A signed note has a blank line before its signatures (C2SP signed-note).
    if kept.contains("\n\n\u{2014} ") {
        return Ok(vec![Bewaard::Checkpoint(kept.to_owned())]);
    }
    let zin = "Een checkpoint, een bewijs en een ontvangstbewijs zien er anders uit. Het zegt niets over het logboek.";
    Ok(vec![Bewaard::Fout(wrong("Dit is niets dat deze poort uitgeeft", vec![zin.to_owned()]))])
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

fn read_proof(exchange: &Exchange, text: &str) -> Bewaard {
    let verified = text.parse::<TlogProof>().and_then(|proof| {
        let naam = proof.checkpoint.lines().next().unwrap_or_default();
        let key = exchange.vkey.named(naam).map_err(ProofError::from)?;
        Ok((proof.verify(&key)?, proof))
    });
    match verified {
        Ok((verified, proof)) => Bewaard::Bewijs(Box::new(verified), Box::new(proof)),
        Err(error) => {
            let zinnen = vec![
                format!("{}.", capitalised(&error.to_string())),
                "Het is gewijzigd, beschadigd of van een andere poort, en bewijst niets. Bewaar het, en haal het bewijs opnieuw op bij het verloop \
                 van het bericht."
                    .to_owned(),
            ];
            Bewaard::Fout(wrong("Dit bewijs klopt niet", zinnen))
        }
    }
}

fn wrong(titel: &str, zinnen: Vec<String>) -> Uitkomst {
    Uitkomst { klopt: false, titel: titel.to_owned(), zinnen, pad: Vec::new(), regel: String::new() }
}

/// The page, with what came of what was handed in. All of it is one look.
async fn page(exchange: &Exchange, kijker: &Kijker, kept: Vec<Bewaard>) -> Result<Controleren, Weigering> {
    let notas: Vec<String> = kept.iter().filter_map(|of| of.nota().map(str::to_owned)).collect();
    let (grown, shown) = exchange.compare(&kijker.call, &kijker.inzage(None), &notas).await?;
    let mut grown = grown.into_iter();
    let uitkomsten = kept.into_iter().map(|of| match of {
        Bewaard::Fout(uitkomst) => uitkomst,
        Bewaard::Checkpoint(nota) => of_checkpoint(exchange, &nota, grown.next().flatten()),
        Bewaard::Bewijs(verified, proof) => {
            let under = of_checkpoint(exchange, &proof.checkpoint, grown.next().flatten());
            if under.klopt { of_proof(&verified, &proof, under.zinnen) } else { under }
        }
    });
    let uitkomsten = uitkomsten.collect();
    let gezien = shown.into_iter().map(|Vertoond { tijd, checkpoint }| {
        let read = checkpoint.as_deref().and_then(|nota| read(exchange, nota));
        Gezien {
            wanneer: datum::moment(tijd),
            logboek: read.as_ref().map_or_else(String::new, |of| of.origin.clone()),
            grootte: read.as_ref().map_or_else(|| "niet te lezen".to_owned(), |of| getal(of.size)),
            wortel: read.map(|of| hex::encode(of.root)).unwrap_or_default(),
        }
    });
    Ok(Controleren {
        kop: kijker.kop("Controleren", "/controleren"),
        uitkomsten,
        gezien: gezien.collect(),
        vkey: exchange.newest_vkey()?,
        logboeken: exports(exchange, kijker).await?,
    })
}

/// The logboeken that who looks can fetch whole: names and addresses.
async fn exports(exchange: &Exchange, kijker: &Kijker) -> Result<Vec<(String, String)>, Weigering> {
    if !kijker.call.identiteit().ziet.is_alles() {
        return Ok(Vec::new());
    }
    let address = |naam: String| {
        let address = Velden::default().with(("logboek", &naam)).address("/export.tar");
        (naam, address)
    };
    Ok(exchange.logboeken(&kijker.call).await?.into_iter().map(address).collect())
}

/// A checkpoint that the key of this logboek signed.
fn read(exchange: &Exchange, nota: &str) -> Option<Checkpoint> {
    let key = exchange.vkey.named(nota.lines().next()?).ok()?;
    logboek::open(nota, &key).ok()
}

fn path(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

const KEEP_IT: &str = "Bewaar het bestand. Er is iets uit het logboek verdwenen of veranderd: meld dat aan beheer en aan de FG's van de andere \
                       partners.";

fn of_checkpoint(exchange: &Exchange, nota: &str, grown: Option<Gegroeid>) -> Uitkomst {
    if read(exchange, nota).is_none() {
        let zinnen = [
            "Dit is geen checkpoint dat deze poort ondertekende: het is gewijzigd of beschadigd, het is er meer dan een, of het is van een andere \
             poort.",
            "Over dit logboek zegt het daarom niets. Probeer het bestand zelf, als u de tekst overnam.",
        ];
        return wrong("Dit hoort niet bij dit logboek", zinnen.map(str::to_owned).to_vec());
    }
    let Some(Gegroeid { checkpoint, hashes, vervolg }) = grown else {
        let zin = "De handtekening is van deze poort, en het is van meer logregels dan er nu zijn.";
        return wrong("Dit logboek is korter geworden", vec![zin.to_owned(), KEEP_IT.to_owned()]);
    };
    let both = read(exchange, nota).zip(read(exchange, &checkpoint));
    let holds = |(old, new): &(Checkpoint, Checkpoint)| {
        verify_consistency(old.size, &old.root, new.size, &new.root, &hashes).is_ok()
    };
    let changed = |zin: &str| wrong("Dit logboek is veranderd", vec![zin.to_owned(), KEEP_IT.to_owned()]);
    let Some((old, new)) = both.filter(holds) else {
        return changed("Het checkpoint is echt, en het logboek van nu gaat er niet op door.");
    };
    let mut zinnen =
        vec![format!("Het is van logboek {}, toen dat {} had.", old.origin, aantal(old.size, "logregel", "logregels"))];
    zinnen.push(if new.size == old.size {
        "Sindsdien kwam daar geen logregel bij.".to_owned()
    } else {
        format!("Sindsdien is dat alleen aangevuld, tot {}.", aantal(new.size, "logregel", "logregels"))
    });
    if let Some(vervolg) = vervolg {
        let Some(zin) = goes_on(&vervolg, &old, &new) else {
            return changed("Dat logboek is gesloten, en het volgende noemt een ander einde ervan dan er nu staat.");
        };
        zinnen.push(zin);
    }
    let titel = "Dit checkpoint hoort bij dit logboek".to_owned();
    Uitkomst { klopt: true, titel, zinnen, pad: path(&hashes), regel: String::new() }
}

/// That a logboek was closed, and where it goes on; nothing where the one that follows names another end of it.
fn goes_on(Vervolg { naam, eerste, regel }: &Vervolg, old: &Checkpoint, new: &Checkpoint) -> Option<String> {
    let when = wanneer(regel);
    let next =
        format!("Het gaat verder in logboek {naam}: de eerste logregel daarvan, nummer {eerste}, noemt dit einde.");
    if regel.soort != Soort::LogHersteld {
        return (regel.gesloten == Some(new.line())).then(|| format!("Op {when} is het gesloten. {next}"));
    }
    // What came after the last head that was signed is not vouched for.
    let size: u64 = regel.ondertekend.as_deref()?.split(' ').nth(1)?.parse().ok()?;
    let sure = aantal(size, "logregel", "logregels");
    let how = format!("Op {when} is het na schade gesloten. Vast staat het tot {sure}; vraag beheer wat er gebeurde.");
    (old.size <= size).then(|| format!("{how} {next}"))
}

fn of_proof(verified: &Verified, proof: &TlogProof, under: Vec<String>) -> Uitkomst {
    let mut zinnen = vec![format!(
        "Deze logregel staat op plaats {} van logboek {}, onder een checkpoint van {}.",
        getal(verified.index),
        verified.checkpoint.origin,
        aantal(verified.checkpoint.size, "logregel", "logregels")
    )];
    zinnen.extend(under.into_iter().skip(1));
    Uitkomst {
        klopt: true,
        titel: "Dit bewijs klopt, en de logregel staat in het logboek".to_owned(),
        zinnen,
        pad: path(&proof.hashes),
        regel: String::from_utf8_lossy(&verified.leaf).into_owned(),
    }
}

/// The proof of one regel, to keep.
pub(super) async fn bewijs(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(logregel): Path<String>,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        velden.known(&[], &[])?;
        let index = logregel.parse().map_err(|_| Weigering::veld("logregel", "het nummer van een logregel"))?;
        exchange.prove_regel(&kijker.call, &kijker.inzage(None), index).await
    };
    let made = made.await.map(|proof| proof.to_string());
    let digits: String = logregel.chars().filter(char::is_ascii_digit).take(20).collect();
    kijker.download((&format!("logregel-{digits}.tlog-proof"), "text/plain; charset=utf-8"), made).await
}

/// The newest checkpoint, to keep.
pub(super) async fn checkpoint(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        velden.known(&[], &[])?;
        exchange.newest_checkpoint(&kijker.call, &kijker.inzage(None)).await
    };
    let made = made.await.map(|stand| stand.checkpoint);
    kijker.download(("checkpoint.txt", "text/plain; charset=utf-8"), made).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logboek::Logregel;

    #[test]
    fn where_a_closed_logboek_goes_on_is_said_only_of_the_end_that_the_next_one_names() {
        let of = |size: u64, root: u8| Checkpoint { origin: "poort/2025".to_owned(), size, root: [root; 32] };
        let vervolg = |soort: Soort, end: &Checkpoint| Vervolg {
            naam: "poort/2026".to_owned(),
            eerste: 1234,
            regel: Logregel {
                gesloten: Some(end.line()),
                ondertekend: (soort == Soort::LogHersteld).then(|| end.line()),
                ..Logregel::new("2025-12-31T23:00:00.000000Z".to_owned(), soort)
            },
        };
        let (kept, end) = (of(7, 1), of(1234, 2));
        let told = goes_on(&vervolg(Soort::Beheerd, &end), &kept, &end).unwrap();
        assert!(told.starts_with("Op 1 januari 2026 om 0.00 uur is het gesloten.") && told.contains("nummer 1234"));
        assert_eq!(goes_on(&vervolg(Soort::Beheerd, &of(1234, 3)), &kept, &end), None);
        // After damage: what was kept is vouched for, or it is not.
        let told = goes_on(&vervolg(Soort::LogHersteld, &of(7, 1)), &kept, &end).unwrap();
        assert!(told.contains("na schade gesloten. Vast staat het tot 7 logregels"), "{told}");
        assert_eq!(goes_on(&vervolg(Soort::LogHersteld, &of(6, 1)), &kept, &end), None);
    }
}
