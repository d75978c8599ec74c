//! Rapport (report): of a period, on the screen, to print, and to take along with its proof.

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};

use super::{
    kijker::Kijker,
    pagina::Kop,
    periode::{self, Keuze},
    velden::{Gepost, Velden},
    woorden::Blad,
};
use crate::{
    domain::Weigering,
    exchange::{
        Exchange, datum,
        toezicht::rapport::{Afdeling, Rapport},
    },
    grpc::{
        codec::to_whole_json,
        rapport::{csv as to_csv, response},
    },
    proto,
};

/// A section on the page.
pub(super) struct Deel {
    pub(super) naam: &'static str,
    pub(super) titel: &'static str,
    pub(super) zinnen: Vec<String>,
    pub(super) bladen: Vec<Blad>,
}

impl From<Afdeling> for Deel {
    fn from(Afdeling { naam, titel, zinnen, tabellen }: Afdeling) -> Self {
        let bladen = tabellen.into_iter().filter(|tabel| !tabel.rijen.is_empty()).map(Blad::from).collect();
        Self { naam, titel, zinnen, bladen }
    }
}

/// From which checkpoint to which.
struct Schakel {
    van: Option<String>,
    tot: String,
}

/// Characters of a conclusion, at most.
const LONGEST_CONCLUSION: usize = 10_000;

#[derive(Template)]
#[template(path = "rapport.html")]
struct Pagina {
    kop: Kop,
    keuze: Keuze,
    over: String,
    gemaakt: String,
    delen: Vec<Deel>,
    keten: Vec<Schakel>,
    vkey: String,
    conclusie: String,
}

async fn made(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Rapport, Weigering> {
    kijker.watches()?;
    let periode = periode::of(exchange, velden)?;
    exchange.rapport(&kijker.call, &kijker.inzage(None), periode).await
}

async fn page(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Pagina, Weigering> {
    let conclusie = velden.value("conclusie");
    if conclusie.chars().count() > LONGEST_CONCLUSION {
        return Err(Weigering::veld("conclusie", format!("hoogstens {LONGEST_CONCLUSION} tekens")));
    }
    let rapport = made(exchange, kijker, velden).await?;
    let over = if rapport.partners.is_empty() { "alle partners".to_owned() } else { rapport.partners.join(", ") };
    let gemaakt = rapport.gemaakt.parse().map_or_else(|_| rapport.gemaakt.clone(), datum::moment);
    Ok(Pagina {
        kop: kijker.kop("Rapport", "/rapport"),
        keuze: Keuze::new(exchange, rapport.periode),
        over,
        gemaakt,
        delen: rapport.afdelingen.into_iter().map(Deel::from).collect(),
        keten: rapport.keten.into_iter().map(|of| Schakel { van: of.van, tot: of.tot }).collect(),
        vkey: exchange.newest_vkey()?,
        conclusie: conclusie.to_owned(),
    })
}

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    kijker.answer(async { page(&exchange, &kijker, velden.known(&periode::FIELDS, &[])?).await }).await
}

/// The same with a conclusion of the FG, to print or to keep. The gateway keeps no conclusion.
pub(super) async fn conclude(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Gepost(velden): Gepost,
) -> Response<Body> {
    let known = ["van", "tot_en_met", "conclusie"];
    kijker.answer(async { page(&exchange, &kijker, velden.known(&known, &[])?).await }).await
}

/// The report as a message, as it goes over gRPC too.
async fn message(
    exchange: &Exchange,
    kijker: &Kijker,
    velden: &Velden,
) -> Result<proto::GetRapportResponse, Weigering> {
    let rapport = made(exchange, kijker, velden.known(&periode::FIELDS, &[])?).await?;
    Ok(response(rapport, exchange.newest_vkey()?))
}

fn name(of: &Result<proto::GetRapportResponse, Weigering>, ext: &str) -> String {
    of.as_ref().map_or_else(|_| String::new(), |of| format!("rapport-{}-{}.{ext}", of.van, of.tot_en_met))
}

pub(super) async fn csv(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = message(&exchange, &kijker, &velden).await;
    let naam = name(&made, "csv");
    kijker.download((&naam, "text/csv; charset=utf-8"), made.map(|of| to_csv(&of))).await
}

pub(super) async fn json(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = message(&exchange, &kijker, &velden).await;
    let naam = name(&made, "json");
    kijker.download((&naam, "application/json"), made.map(|of| to_whole_json(&of).to_string())).await
}
