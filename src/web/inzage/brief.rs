//! Brief (letter): what the betrokkene gets, and nothing else, to print.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::Response,
};

use super::number;
use crate::{
    exchange::{
        Exchange,
        dossier::{Blok, Overzicht},
    },
    web::{kijker::Kijker, pagina::Kop, velden::Velden},
};

#[derive(Template)]
#[template(path = "brief.html")]
struct Brief {
    kop: Kop,
    nummer: u64,
    /// Nothing for who may see the dossier and does not hand anything over.
    overzicht: Option<Overzicht>,
}

pub(in crate::web) async fn show(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(nummer): Path<String>,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        velden.known(&[], &[])?;
        let of = exchange.dossier(&kijker.call, &kijker.inzage(None), number(&nummer)?).await?;
        Ok(Brief { kop: kijker.kop(Overzicht::TITEL, "/inzage"), nummer: of.nummer, overzicht: of.overzicht })
    };
    kijker.answer(made).await
}
