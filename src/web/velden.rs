//! Velden (fields): what a browser sends, in the address or posted.

use std::collections::BTreeSet;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{Response, StatusCode, header, request::Parts},
};
use percent_encoding::percent_decode;

use super::fout::refusal;
use crate::{
    domain::{Overtreding, Weigering},
    proto,
};

/// Fields with their values, in order. What is empty was not filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Velden(Vec<(String, String)>, Vec<Overtreding>);

/// What stands for yes in a field that is ticked.
const JA: &str = "ja";

/// What is said of a field that a page does not have.
pub(super) const NO_FIELD: &str = "geen veld van deze pagina";

impl Velden {
    fn parse(text: &[u8]) -> Self {
        let mut wrong = Vec::new();
        // What is read below puts a sign of its own in the place of what is no text.
        for part in text.split(|byte| *byte == b'&') {
            if percent_decode(part).decode_utf8().is_err() {
                let naam = part.split(|byte| *byte == b'=').next().unwrap_or_default();
                wrong.push(Overtreding::new(short(&String::from_utf8_lossy(naam)), "leesbare tekst (UTF-8)"));
            }
        }
        let filled = url::form_urlencoded::parse(text).filter(|(_, value)| !value.trim().is_empty());
        let filled = filled.map(|(naam, value)| (naam.into_owned(), value.trim().to_owned()));
        let filled: Vec<(String, String)> = filled.collect();
        let is_hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        let hidden = filled.iter().filter(|(_, value)| value.contains(is_hidden));
        wrong.extend(hidden.map(|(naam, _)| Overtreding::new(short(naam), "alleen zichtbare tekens")));
        Self(filled, wrong)
    }

    /// These, where the page knows all of them.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] naming each that it does not know, and each that stands there more than once and may not.
    pub(super) fn known(&self, names: &[&str], repeated: &[&str]) -> Result<&Self, Weigering> {
        let mut wrong = self.1.clone();
        let mut before = BTreeSet::new();
        for (naam, _) in &self.0 {
            let is_again = !before.insert(naam);
            if !names.contains(&naam.as_str()) && !repeated.contains(&naam.as_str()) {
                wrong.push(Overtreding::new(short(naam), NO_FIELD));
            } else if is_again && !repeated.contains(&naam.as_str()) {
                wrong.push(Overtreding::new(naam, "hoogstens een keer"));
            }
        }
        if wrong.is_empty() { Ok(self) } else { Err(Weigering::OngeldigVeld(wrong)) }
    }

    /// The value of a field; empty where it was not filled in.
    pub(super) fn value(&self, naam: &str) -> &str {
        self.0.iter().find(|(of, _)| of == naam).map_or("", |(_, value)| value)
    }

    /// Whether a field is ticked.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] where it says anything else.
    pub(super) fn is_ticked(&self, naam: &str) -> Result<bool, Weigering> {
        match self.value(naam) {
            "" => Ok(false),
            JA => Ok(true),
            _ => Err(Weigering::veld(naam, "ja, of niets")),
        }
    }

    /// All values of a field.
    pub(super) fn all(&self, naam: &str) -> Vec<String> {
        self.0.iter().filter(|(of, _)| of == naam).map(|(_, value)| value.clone()).collect()
    }

    /// The names of what was filled in, with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(naam, value)| (naam.as_str(), value.as_str()))
    }

    /// Whom they name.
    pub(super) fn persoon(&self) -> proto::Zoekpersoon {
        let given = |naam: &str| Some(self.value(naam).to_owned()).filter(|value| !value.is_empty());
        proto::Zoekpersoon {
            skn: given("skn"),
            bsn: given("bsn"),
            naam: given("naam"),
            geboortedatum: given("geboortedatum"),
        }
    }

    /// These without one field.
    pub(super) fn without(&self, naam: &str) -> Self {
        Self(self.0.iter().filter(|(of, _)| of != naam).cloned().collect(), self.1.clone())
    }

    /// These with one field in another way; without it where that is empty.
    pub(super) fn with(&self, (naam, value): (&str, &str)) -> Self {
        let mut velden = self.without(naam);
        if !value.is_empty() {
            velden.0.push((naam.to_owned(), value.to_owned()));
        }
        velden
    }

    /// An address with these fields.
    pub(super) fn address(&self, pad: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.iter()).finish();
        if query.is_empty() { pad.to_owned() } else { format!("{pad}?{query}") }
    }
}

/// Why what was posted could not be read.
pub(super) fn unread(status: StatusCode) -> Weigering {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Weigering::TeGroot } else { Weigering::Onleesbaar }
}

/// Enough of a name to find it by.
pub(super) fn short(naam: &str) -> String {
    naam.chars().take(40).collect()
}

impl<S: Sync> FromRequestParts<S> for Velden {
    type Rejection = StatusCode;

    /// From the address.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

/// Fields that were posted.
pub(super) struct Gepost(pub(super) Velden);

impl<S: Send + Sync> FromRequest<S> for Gepost {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response<Body>> {
        let refused = |weigering: &Weigering| refusal(weigering).map(Body::new);
        let sort = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if sort.and_then(|sort| sort.split(';').next()).map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Err(refused(&Weigering::Onleesbaar));
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejected| refused(&unread(rejected.status())))?;
        Ok(Self(Velden::parse(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_does_not_know_is_named() {
        let velden = Velden::parse(b"van=2026-01-01&soort=a&soort=b&leeg=&x%00=1&van=2&y=%ff&z=%01");
        let wrong = velden.known(&["van"], &["soort"]).unwrap_err();
        let wrong: Vec<(&str, &str)> =
            wrong.overtredingen().iter().map(|of| (of.veld.as_str(), of.uitleg.as_str())).collect();
        assert_eq!(
            wrong,
            [
                ("y", "leesbare tekst (UTF-8)"),
                ("z", "alleen zichtbare tekens"),
                ("x\0", "geen veld van deze pagina"),
                ("van", "hoogstens een keer"),
                ("y", "geen veld van deze pagina"),
                ("z", "geen veld van deze pagina"),
            ]
        );
        assert_eq!((velden.value("van"), velden.value("leeg"), velden.all("soort").len()), ("2026-01-01", "", 2));
    }

    #[test]
    fn an_address_keeps_what_was_asked() {
        let velden = Velden::parse(b"soort=a%26b&pagina=1");
        assert_eq!(velden.with(("pagina", "t=")).address("/x"), "/x?soort=a%26b&pagina=t%3D");
        assert_eq!(velden.with(("pagina", "")).address("/x"), "/x?soort=a%26b");
        assert_eq!(Velden::default().address("/x"), "/x");
    }
}
