//! Kijker (who looks): the identity that a certificate opens, on its way to a page and back.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{Response, StatusCode, request::Parts},
    response::IntoResponse,
};

use super::{
    fout,
    pagina::{self, Kop},
    velden::Velden,
};
use crate::{
    domain::{Rol, Weigering},
    exchange::{About, Call, Exchange, toezicht::Inzage},
    grpc::{content::Checker, zoekfilter::checked_inzage},
    logboek::sha256_hex,
};

/// Who asks for a page.
pub(super) struct Kijker {
    pub(super) exchange: Arc<Exchange>,
    pub(super) call: Call,
}

impl FromRequestParts<Arc<Exchange>> for Kijker {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, exchange: &Arc<Exchange>) -> Result<Self, StatusCode> {
        let call = parts.extensions.get::<Call>().cloned().ok_or(StatusCode::FORBIDDEN)?;
        Ok(Self { exchange: Arc::clone(exchange), call })
    }
}

impl Kijker {
    /// Who looks, and why. A browser shows a certificate and no staff reference: the certificate is then who looks, so it must be of one
    /// person.
    pub(super) fn inzage(&self, reden: Option<&str>) -> Inzage {
        let hash = sha256_hex(&self.call.aangemeld.certificaat.der);
        let reden = reden.map(str::trim).filter(|reden| !reden.is_empty());
        Inzage { medewerker: format!("certificaat {}", &hash[..16]), reden: reden.map(str::to_owned) }
    }

    /// Who looks, and why, as the fields `medewerker` and `reden` say it, where the page has them.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`].
    pub(super) fn inzage_of(&self, velden: &Velden, acts: bool) -> Result<Inzage, Weigering> {
        let mut inzage = self.inzage(Some(velden.value("reden")));
        if acts {
            velden.value("medewerker").clone_into(&mut inzage.medewerker);
        }
        let mut checker = Checker::default();
        checked_inzage(&mut checker, &inzage.medewerker, inzage.reden.as_ref());
        if checker.0.is_empty() { Ok(inzage) } else { Err(Weigering::OngeldigVeld(checker.0)) }
    }

    /// The head of a page of this path.
    pub(super) fn kop(&self, titel: &str, pad: &str) -> Kop {
        Kop::new(self.call.identiteit(), titel, pad)
    }

    /// That an FG or auditor looks. A contactpunt has its own page.
    ///
    /// # Errors
    /// [`Weigering::VerkeerdeRol`].
    pub(super) fn watches(&self) -> Result<(), Weigering> {
        if matches!(self.call.identiteit().rol, Rol::Fg | Rol::Auditor) { Ok(()) } else { Err(Weigering::VerkeerdeRol) }
    }

    /// A page as it is made, or how it was refused. A refusal is logged before it is answered.
    pub(super) async fn answer<P: Template>(&self, made: impl Future<Output = Result<P, Weigering>>) -> Response<Body> {
        match made.await {
            Ok(page) => pagina::page(StatusCode::OK, &page),
            Err(weigering) => self.refused(weigering).await,
        }
    }

    /// Something to download, or how it was refused.
    pub(super) async fn download(
        &self,
        (naam, soort): (&str, &'static str),
        made: Result<impl Into<Body>, Weigering>,
    ) -> Response<Body> {
        match made {
            Ok(body) => pagina::download(naam, soort, body.into()),
            Err(weigering) => self.refused(weigering).await,
        }
    }

    /// A refusal, logged, as a page.
    pub(super) async fn refused(&self, weigering: Weigering) -> Response<Body> {
        let weigering = self.logged(weigering).await;
        self.fout(&weigering)
    }

    /// A refusal that is logged.
    pub(super) async fn logged(&self, weigering: Weigering) -> Weigering {
        let about = About { medewerker: Some(self.inzage(None).medewerker), ..About::default() };
        self.exchange.refuse(&self.call, about, weigering).await
    }

    /// A refusal that was logged, as a page.
    pub(super) fn fout(&self, weigering: &Weigering) -> Response<Body> {
        let kop = self.kop("Dat kan niet", "");
        fout::fout(&kop, fout::status(weigering.aard()), weigering).into_response()
    }
}
