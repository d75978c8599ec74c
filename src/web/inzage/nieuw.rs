//! Nieuw: the form that opens a dossier.

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};

use super::{at, melding::Melding};
use crate::{
    domain::{Weigering, houdbaarheid::amsterdam_date, weigering::Aard},
    exchange::{Exchange, dossier::Getoond},
    grpc::inzage::verzoek,
    proto,
    web::{
        fout,
        kijker::Kijker,
        pagina::Kop,
        velden::{Gepost, Velden},
    },
};

const FIELDS: [&str; 8] = ["naam", "geboortedatum", "skn", "bsn", "kenmerk", "ontvangen_op", "medewerker", "opnieuw"];

/// The form, with what was typed in it.
pub(super) struct Nieuw {
    pub(super) velden: Velden,
    pub(super) vandaag: String,
    /// Whether there is an open request that is the same, so that a new one takes a tick.
    pub(super) bestaat: bool,
}

impl Nieuw {
    pub(super) fn new(kijker: &Kijker, velden: Velden, bestaat: bool) -> Self {
        Self { velden, vandaag: amsterdam_date(kijker.exchange.klok.now()).to_string(), bestaat }
    }
}

#[derive(Template)]
#[template(path = "nieuw.html")]
struct Geweigerd {
    kop: Kop,
    melding: Melding,
    nieuw: Nieuw,
}

/// Opens a dossier. Where that is refused the form is shown again, as it was filled in.
pub(in crate::web) async fn open(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Gepost(velden): Gepost,
) -> Response<Body> {
    let weigering = match opened(&exchange, &kijker, &velden).await {
        Ok(of) => return at(of.nummer),
        Err(weigering) => kijker.logged(weigering).await,
    };
    if !matches!(weigering.aard(), Aard::Ongeldig | Aard::Bestaat) {
        return kijker.fout(&weigering);
    }
    let melding = Melding::of_nieuw(&weigering);
    let nieuw = Nieuw::new(&kijker, velden, melding.bestaat.is_some());
    fout::again(&weigering, &Geweigerd { kop: kijker.kop("Nieuw verzoek", "/inzage"), melding, nieuw })
}

async fn opened(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Getoond, Weigering> {
    let velden = velden.known(&FIELDS, &[])?;
    let request = proto::OpenDossierRequest {
        persoon: Some(velden.persoon()),
        kenmerk: velden.value("kenmerk").to_owned(),
        ontvangen_op: velden.value("ontvangen_op").to_owned(),
        ..proto::OpenDossierRequest::default()
    };
    let (persoon, asked) = verzoek(&request)?;
    let inzage = kijker.inzage_of(velden, true)?;
    exchange.open_dossier(&kijker.call, &inzage, (&persoon, asked, velden.is_ticked("opnieuw")?)).await
}
