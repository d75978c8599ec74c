//! Besluiten (decisions): what the form of a dossier says about each row, and what it is filled with.

use crate::{
    domain::{
        Overtreding, Weigering,
        inzage::{Grond, Oordeel},
    },
    grpc::inzage::of_grond,
    proto,
    web::{inzage::BESLUIT, velden::Velden},
};

/// What stands in the fields about a row.
#[derive(Default)]
pub(super) struct Keuze {
    /// What is chosen; nothing where empty.
    pub(super) oordeel: String,
    pub(super) toelichting: String,
    pub(super) stil: bool,
}

/// What releases a row.
const VRIJGEVEN: &str = "vrijgeven";

impl Keuze {
    /// As it was posted, or else as it was decided: whoever decides again must not disclose by forgetting a tick.
    pub(super) fn new(rij: u64, decided: Option<&Oordeel>, posted: Option<&Velden>) -> Self {
        if let Some(velden) = posted.filter(|velden| velden.value("daad") == BESLUIT) {
            let value = |what: &str| velden.value(&format!("{what}-{rij}")).to_owned();
            return Self { oordeel: value("rij"), toelichting: value("toelichting"), stil: !value("stil").is_empty() };
        }
        match decided {
            None => Self::default(),
            Some(Oordeel::Vrijgegeven) => Self { oordeel: VRIJGEVEN.to_owned(), ..Self::default() },
            Some(Oordeel::Achtergehouden { grond, toelichting, verzwegen }) => Self {
                oordeel: grond.as_str().to_owned(),
                toelichting: toelichting.clone().unwrap_or_default(),
                stil: *verzwegen,
            },
        }
    }
}

/// What the fields of each row say.
///
/// # Errors
/// [`Weigering::OngeldigVeld`] naming each field that is wrong.
pub(super) fn posted(velden: &Velden) -> Result<proto::DecideDossierRequest, Weigering> {
    let (mut request, mut wrong) = (proto::DecideDossierRequest::default(), Vec::new());
    for (naam, value) in velden.iter() {
        let Some((what, rij)) = naam.split_once('-') else { continue };
        if what != "rij" {
            if velden.value(&format!("rij-{rij}")).is_empty() {
                wrong.push(Overtreding::new(naam, "alleen bij een rij waarover u besluit"));
            }
            continue;
        }
        let Ok(log_index) = rij.parse() else {
            wrong.push(Overtreding::new(naam, "geen veld van deze pagina"));
            continue;
        };
        match oordeel(velden, (rij, value)) {
            Ok(oordeel) => request.besluiten.push(proto::RijBesluit { log_index, oordeel: Some(oordeel) }),
            Err(uitleg) => wrong.push(Overtreding::new(naam, uitleg)),
        }
    }
    if wrong.is_empty() { Ok(request) } else { Err(Weigering::OngeldigVeld(wrong)) }
}

/// The decision about one row, or what is asked of it.
fn oordeel(velden: &Velden, (rij, value): (&str, &str)) -> Result<proto::Oordeel, &'static str> {
    let toelichting = velden.value(&format!("toelichting-{rij}")).to_owned();
    let verzwijgen = !velden.value(&format!("stil-{rij}")).is_empty();
    if value == VRIJGEVEN {
        if !toelichting.is_empty() || verzwijgen {
            return Err("bij vrijgeven geen toelichting, en niet verzwijgen");
        }
        return Ok(proto::Oordeel { vrijgeven: true, ..proto::Oordeel::default() });
    }
    let grond: Grond = value.parse().map_err(|()| "vrijgeven, of een grond")?;
    Ok(proto::Oordeel { vrijgeven: false, grond: of_grond(grond).into(), toelichting, verzwijgen })
}
